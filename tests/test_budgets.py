"""Budgets: no more requests in any window than Azure takes, whoever asks, and a turn for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.buckets import LEASE, LIMITS, need_of
from shared.budgets import Budgets
from shared.errors import OverBudget, StoreUnavailable
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT, OTHER_SUB, SUB
from tests.store.crowd import at_once

GROUP = f"{SUB}/resourceGroups/prod"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
ACCOUNTS = f"{SUB}/providers/Microsoft.Storage/storageAccounts"
GRANT = "/providers/Microsoft.Management/managementGroups/top"
ARM_READS, ARM_WRITES = 240, 196
"""ARM's bursts, but for what refills in 0.4 s."""
ALL = frozenset({"arm", "provider"})


@pytest.fixture
def budgets(store: Store, clock: VirtualClock) -> Budgets:
    return Budgets(store, clock.now)


def turned_away(budgets: Budgets, method: str = "PATCH", path: str = GROUP) -> float | None:
    """None where the request may go; else the seconds until its turn."""
    try:
        budgets.spend(method, path)
    except OverBudget as full:
        return full.retry_after
    return None


def sent(budgets: Budgets, method: str = "PATCH", path: str = GROUP, most: int = 2000) -> int:
    """How many requests may go at once."""
    return next(n for n in range(most) if turned_away(budgets, method, path) is not None)


@pytest.mark.parametrize(
    ("method", "path", "limit"),
    [
        ("GET", GROUP, ARM_READS),
        ("PATCH", GROUP, ARM_WRITES),
        ("DELETE", GROUP, ARM_WRITES),
        ("GET", ACCOUNTS, 99),
        ("GET", GRANT, ARM_READS),
    ],
)
def test_a_burst_and_no_more(budgets: Budgets, method: str, path: str, limit: int) -> None:
    """Each kind of request has the burst that Azure publishes, less what skewed clocks may take."""
    assert sent(budgets, method, path) == limit


def test_who_counts_what(budgets: Budgets) -> None:
    """Subscriptions, kinds and principals have buckets of their own; a provider's is for all."""
    assert need_of("GET", ACCOUNT, "us").buckets == ("arm reads us", "microsoft.storage reads")
    assert need_of("DELETE", NSG, "us").buckets == ("arm deletes us", "microsoft.network writes")
    settings_of = f"{ACCOUNT}/providers/Microsoft.Insights/diagnosticSettings"
    assert need_of("GET", settings_of, "us").buckets[1] == "microsoft.insights reads"
    assert need_of("GET", GRANT, "us").place == "tenant"
    sent(budgets, "PATCH", GROUP)
    assert turned_away(budgets, "DELETE", GROUP) is None
    assert turned_away(budgets, "PATCH", f"{OTHER_SUB}/resourceGroups/prod") is None


def test_a_provider_counts_for_all_principals(store: Store, clock: VirtualClock) -> None:
    one, other = (Budgets(store, clock.now, name) for name in ("one", "other"))
    together = sent(one, "GET", ACCOUNTS) + sent(other, "GET", ACCOUNTS)
    assert together == 99


class _Schedule:
    """Requests of several instances at chosen times, and when each that might go was sent."""

    def __init__(self, instances: int) -> None:
        self.clock = VirtualClock()
        store = EmbeddedStore(self.clock.now)
        self.budgets = [Budgets(store, self.clock.now) for _ in range(instances)]
        self.sent: list[float] = []

    def play(self, who: int, count: int, method: str, path: str) -> None:
        for _ in range(count):
            if turned_away(self.budgets[who], method, path) is not None:
                return
            self.sent.append(self.clock.now().timestamp())

    def windows(self) -> Iterator[tuple[int, float]]:
        """How many were sent from each request to each later one, and in how many seconds."""
        for i, start in enumerate(self.sent):
            for j in range(i, len(self.sent)):
                yield j - i + 1, self.sent[j] - start


PAUSES = st.sampled_from([0, 0.3, 4.9, 5.0, 5.3, 30])
PLAYS = st.lists(st.tuples(st.integers(0, 7), st.sampled_from([1, 1, 20, 90]), PAUSES), max_size=16)


@settings(max_examples=60, deadline=None)
@given(
    PLAYS,
    st.sampled_from([("PATCH", GROUP, ("arm", "writes")), ("GET", GROUP, ("arm", "reads"))]),
)
def test_never_more_in_any_window_than_a_bucket_gives(
    schedule: list[tuple[int, int, float]], asked: tuple[str, str, tuple[str, str]]
) -> None:
    """Whichever instances ask whenever: at most the burst, and what refilled meanwhile."""
    method, path, name = asked
    run, limit = _Schedule(8), LIMITS[name]
    for who, count, pause in schedule:
        run.play(who, count, method, path)
        run.clock.advance(timedelta(seconds=pause))
    assert all(n <= limit.size + limit.refill * seconds for n, seconds in run.windows())


@pytest.mark.parametrize("pause", [4.9, 5.0, 5.1, 5.5])
def test_leases_and_what_refills_meanwhile_are_no_second_burst(pause: float) -> None:
    """The bucket does not fill up behind leases that are still to be sent, nor for the time
    before they ended.
    """
    run = _Schedule(8)
    for who in range(8):
        run.play(who, 1, "PATCH", GROUP)
    run.clock.advance(timedelta(seconds=4.9))
    for who in range(8):
        run.play(who, 18 if who < 7 else 13, "PATCH", GROUP)
    run.clock.advance(timedelta(seconds=pause - 4.9))
    for who in range(8):
        run.play(who, 250, "PATCH", GROUP)
    assert all(n <= 200 + 10 * seconds for n, seconds in run.windows())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(1, 40), PAUSES.map(lambda p: p * 20))))
def test_never_more_than_a_window_holds(schedule: list[tuple[int, int, float]]) -> None:
    """Storage's lists: never more than 100 in any five minutes, old ones or new."""
    run = _Schedule(8)
    for who, count, pause in schedule:
        run.play(who, count, "GET", ACCOUNTS)
        run.clock.advance(timedelta(seconds=pause))
    assert all(n <= 100 for n, seconds in run.windows() if seconds < 300)


def test_a_window_counts_a_lease_from_its_end() -> None:
    """What was sent at the end of a lease is remembered for five minutes from then."""
    run = _Schedule(40)
    for moment in (0, 4.9, 298.6):
        run.clock.advance(timedelta(seconds=moment))
        for who in range(40):
            run.play(who, 1 if moment < 5 else 100, "GET", ACCOUNTS)
    assert all(n <= 100 for n, seconds in run.windows() if seconds < 300)


def test_what_refills_is_used(budgets: Budgets, clock: VirtualClock) -> None:
    """Over a long run hardly anything of the limit is lost."""
    went = sent(budgets)
    for _ in range(600):
        clock.advance(timedelta(seconds=0.1))
        went += turned_away(budgets) is None
    assert went >= 0.99 * (200 + 600)


def test_each_gets_a_turn_of_its_own(store: Store, clock: VirtualClock) -> None:
    """Who is turned away by whichever instance comes after those before, as fast as it refills;
    and whoever comes at its turn finds room.
    """
    instances = [Budgets(store, clock.now) for _ in range(3)]
    sent(instances[0])
    turns = [turned_away(instances[n % 3]) for n in range(60)]
    assert turns[0] is not None
    apart = [round(later - earlier, 3) for earlier, later in pairwise(t for t in turns if t)]
    assert apart == [0.1] * 59
    clock.advance(timedelta(seconds=turns[0]))
    for n in range(60):
        assert turned_away(instances[n % 3]) is None, n
        clock.advance(timedelta(seconds=0.1))


def test_an_unused_lease_is_void(store: Store, clock: VirtualClock) -> None:
    """What an instance leased and did not send is lost to nobody once the lease ended."""
    idle, busy = Budgets(store, clock.now), Budgets(store, clock.now)
    idle.spend("PATCH", GROUP)
    assert sent(busy) < ARM_WRITES - 1
    clock.advance(timedelta(seconds=60))
    assert sent(busy) == ARM_WRITES
    assert turned_away(idle) is not None


def test_a_warm_instance_asks_the_store_seldom(clock: VirtualClock) -> None:
    """A hundred requests in a row cost few moves of the row."""

    class Counted(EmbeddedStore):
        moves = 0

        def replace(self, *args: object, **kwargs: object) -> str:
            self.moves += 1
            return super().replace(*args, **kwargs)  # type: ignore[arg-type]

    store = Counted(clock.now)
    budgets = Budgets(store, clock.now)
    for _ in range(100):
        budgets.spend("GET", GROUP)
    assert store.moves <= 10


@pytest.mark.parametrize("whose", [ALL, frozenset({"arm"}), frozenset({"provider"})])
def test_what_azure_closed_is_closed_for_all(
    store: Store, clock: VirtualClock, whose: frozenset[str]
) -> None:
    """After a 429 the instance that got it sends nothing more; the others stop as their leases
    end, at most five seconds later; when it opens, they come one after the other.
    """
    hit, other = Budgets(store, clock.now), Budgets(store, clock.now)
    other.spend("PATCH", ACCOUNT)
    hit.close("PATCH", ACCOUNT, 30, whose)
    wait = turned_away(hit, path=ACCOUNT)
    assert wait is not None
    assert wait >= 30
    clock.advance(timedelta(seconds=LEASE))
    turns = [turned_away(other, path=ACCOUNT) for _ in range(20)]
    assert all(later > earlier >= 25 for earlier, later in pairwise(t or 0 for t in turns))
    clock.advance(timedelta(seconds=26))
    assert turned_away(other, path=ACCOUNT) is None


def test_a_provider_closes_for_itself_alone(budgets: Budgets) -> None:
    """What a provider refuses, known or not, closes nothing else of the subscription."""
    vault = f"{GROUP}/providers/Microsoft.KeyVault/vaults/v"
    budgets.close("PATCH", vault, 30, frozenset({"provider"}))
    assert turned_away(budgets, path=vault) is not None
    assert turned_away(budgets, path=ACCOUNT) is None
    assert turned_away(budgets, "GET", vault) is None


def test_a_wait_is_an_hour_at_most(budgets: Budgets, clock: VirtualClock) -> None:
    budgets.close("PATCH", GROUP, 86_400, ALL)
    clock.advance(timedelta(hours=1))
    assert turned_away(budgets) is None


def test_what_remains_is_believed_by_all(store: Store, clock: VirtualClock) -> None:
    """Somebody else spends under our principal: what Azure says is left is all there is."""
    one, other = Budgets(store, clock.now), Budgets(store, clock.now)
    one.spend("PATCH", GROUP)
    one.remains("PATCH", GROUP, {"writes": 7})
    assert sent(one) + sent(other) <= 7


def test_more_than_we_know_is_not_believed(budgets: Budgets) -> None:
    """A header never gives room that we spent."""
    sent(budgets)
    budgets.remains("PATCH", GROUP, {"writes": 150})
    assert turned_away(budgets) is not None


def begun(budgets: Budgets, method: str = "PATCH") -> int:
    """How many looks of the background, of one request each, may begin at once."""
    for n in range(2000):
        with budgets.look(background=True):
            if turned_away(budgets, method) is not None:
                return n
    pytest.fail("the background never stops")


def test_background_work_leaves_half(store: Store, clock: VirtualClock) -> None:
    """What nobody waits for begins down to half of each bucket; an event finds the other half."""
    sweep, gate = Budgets(store, clock.now), Budgets(store, clock.now)
    went = begun(sweep, "GET")
    assert 100 <= went <= 125
    assert went + sent(gate, "GET") >= ARM_READS - 20


def test_a_cure_in_the_background_hurries(budgets: Budgets) -> None:
    """Once a look of a sweep is a cure, it may use all."""
    begun(budgets)
    with budgets.look(background=True):
        assert turned_away(budgets) is not None
        budgets.hurry()
        assert turned_away(budgets) is None


@pytest.mark.parametrize("background", [True, False])
def test_a_look_that_reads_much_comes_to_its_end(
    store: Store, clock: VirtualClock, *, background: bool
) -> None:
    """Though it begins anew whenever it is turned away, beside others that take what there is."""
    budgets = Budgets(store, clock.now)
    begun(budgets, "GET")
    if not background:
        sent(budgets, "GET")
    for _ in range(20):
        with budgets.look(background=background):
            waits = [w for _ in range(30) if (w := turned_away(budgets, "GET")) is not None]
        if not waits:
            return
        clock.advance(timedelta(seconds=waits[0]))
        with budgets.look(background=True):
            turned_away(budgets, "GET")
    pytest.fail("it began anew for ever")


def test_what_a_look_reserved_is_its_own(store: Store, clock: VirtualClock) -> None:
    """A look keeps room for its writes while others take the rest, and gives back what it did not
    use.
    """
    one, other = Budgets(store, clock.now), Budgets(store, clock.now)
    with one.look():
        one.reserve([("PATCH", GROUP)] * 3)
        sent(other)
        assert [turned_away(one) for _ in range(2)] == [None, None]
    assert turned_away(one) is None


def test_what_was_reserved_long_ago_is_void(store: Store, clock: VirtualClock) -> None:
    """A look that dawdles has to ask again: the budget may have been closed."""
    one, other = Budgets(store, clock.now), Budgets(store, clock.now)
    with one.look():
        one.reserve([("PATCH", GROUP)])
        other.close("PATCH", GROUP, 60, ALL)
        clock.advance(timedelta(seconds=LEASE))
        assert turned_away(one) is not None


def test_what_was_reserved_is_void_once_the_close_is_seen(
    store: Store, clock: VirtualClock
) -> None:
    """Where one look of an instance learns that a bucket is closed, none of it sends more."""
    one, other = Budgets(store, clock.now), Budgets(store, clock.now)
    with one.look():
        one.reserve([("PATCH", GROUP)])
        other.close("PATCH", GROUP, 60, ALL)
        one.spend("DELETE", GROUP)
        assert turned_away(one) is not None


def test_a_hope_waits_a_minute_at_most(budgets: Budgets) -> None:
    """Who would write soon waits unread; who would wait for long may read meanwhile."""
    read, write = [("GET", GROUP)], [("PATCH", GROUP)]
    sent(budgets)
    with budgets.look():
        with pytest.raises(OverBudget):
            budgets.reserve(read, write)
        for _ in range(700):
            turned_away(budgets)
        budgets.reserve(read, write)
        assert turned_away(budgets, "GET") is None
        with pytest.raises(OverBudget):
            budgets.reserve(write)


def test_without_state_nothing_is_sent(clock: VirtualClock) -> None:
    """What cannot be counted is not asked of Azure."""

    class Gone(EmbeddedStore):
        def get(self, table: str, partition: str, key: str) -> None:
            raise StoreUnavailable("gone")

    with pytest.raises(StoreUnavailable):
        Budgets(Gone(clock.now), clock.now).spend("GET", GROUP)


def test_threads_and_instances_together(store: Store, clock: VirtualClock) -> None:
    """Whoever asks at the same moment: together they get what there is, and not one more."""
    instances = [Budgets(store, clock.now) for _ in range(3)]
    went = at_once(24, lambda n: [turned_away(instances[n % 3]) for _ in range(20)].count(None))
    assert ARM_WRITES - 3 * 20 <= sum(went) <= ARM_WRITES
