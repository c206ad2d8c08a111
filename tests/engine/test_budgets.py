"""Many cures at once under Azure's request limits: as fast as those allow, and hardly a 429."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from shared.buckets import LEASE
from shared.errors import OverBudget
from shared.hints import HINTS, Hint
from shared.model import ResourceId
from shared.store import Store
from shared.store.tables import Table
from simulator.faults import Fault
from tests.engine.world import GROUP, World, enforce, policy, storage
from wiring import Gate

ROOMY = "limits: [{writes: 5000, per: estate, window: 1h}]\n"
CURE = "storage-public-blob-access"
BURST, REFILL = 200, 10
"""ARM's limit of writes, the tightest for a single read and write of each account."""
STEP = timedelta(seconds=0.2)


@pytest.fixture
def world() -> World:
    made = World()
    made.tenant.throttle.enabled = True
    made.policy = policy(ROOMY + enforce(CURE))
    return made


def opened(world: World, count: int) -> list[str]:
    return world.load(*(storage(f"open{n}", allowBlobPublicAccess=True) for n in range(count)))


def hinted(world: World, ids: list[str], source: str = "event") -> None:
    for one in ids:
        hint = Hint(id=ResourceId(one), source=source, first_seen=world.clock.now())
        world.store.send(HINTS, hint.to_text())


def drained(world: World, gates: list[Gate], most: timedelta) -> timedelta:
    """Hand messages over, each to the next gate, until none is left; the time that took."""
    started, turn = world.clock.now(), 0
    while world.store.waiting(HINTS) and world.clock.now() - started < most:
        while messages := world.store.receive(HINTS, 8, timedelta(minutes=10)):
            for message in messages:
                gates[turn % len(gates)].worker.hints(message.text)
                world.store.done(message)
                turn += 1
        world.clock.advance(STEP)
    return world.clock.now() - started


def cured(world: World, ids: list[str]) -> int:
    return sum(world.properties(one)["allowBlobPublicAccess"] is False for one in ids)


def refused(world: World) -> int:
    return sum(one.status == 429 for one in world.tenant.requests)


def test_as_fast_as_the_tightest_limit(world: World) -> None:
    """600 accounts of one subscription are cured by two instances at the pace of ARM's limit of
    writes, without a 429, a failed look or a read in vain.
    """
    ids = opened(world, 600)
    hinted(world, ids)
    gates = [world.gate(), world.gate()]
    took = drained(world, gates, timedelta(minutes=10))
    assert cured(world, ids) == len(ids)
    ideal = (len(ids) - BURST) / REFILL
    assert took.total_seconds() <= ideal / 0.95
    assert refused(world) == 0
    reads = [r for r in world.tenant.requests if r.method == "GET" and "/open" in r.path]
    assert len(reads) <= len(ids) * 1.1
    assert set(world.transitions(gates[0])) == {"opened", "decided-remediate", "closed-cured"}


def used_up(gate: Gate, method: str = "PATCH", waiting: int = 0) -> None:
    """The subscription has no room left, and so many wait for it already."""
    while waiting >= 0:
        try:
            gate.state.budgets.spend(method, GROUP)
        except OverBudget:
            waiting -= 1


def stored(world: World, *tables: Table) -> list[str]:
    return [f"{t} {row.partition}" for t in tables for row in world.store.scan(t)]


def test_a_429_is_obeyed_by_all(world: World) -> None:
    """One instance is refused for 20 seconds: after the five that a lease lives, no instance sends
    such a request before they end; then all is cured.
    """
    ids = opened(world, 90)
    hinted(world, ids)
    used_up(world.gate())
    throttle = Fault("throttle", method="PATCH", skip=10, headers={"Retry-After": "20"})
    world.tenant.faults.add(throttle)
    gates = [world.gate(), world.gate()]
    drained(world, gates, timedelta(minutes=2))
    assert cured(world, ids) == len(ids)
    patches = [r for r in world.tenant.requests if r.method == "PATCH"]
    (at,) = [r.at for r in patches if r.status == 429]
    after = [(r.at - at).total_seconds() for r in patches if r.at > at]
    assert after
    assert not [seconds for seconds in after if LEASE < seconds < 20]


def test_a_sweep_leaves_room_for_events(world: World) -> None:
    """Looks that a sweep caused stop at half of the reads; an event is looked at at once."""
    ids = world.load(*(storage(f"calm{n}") for n in range(300)))
    hinted(world, ids, source="sweep")
    gate = world.gate()
    world.drain(gate)
    reads = [r for r in world.tenant.requests if r.method == "GET"]
    assert 100 <= len(reads) <= 125
    (account,) = opened(world, 1)
    hinted(world, [account])
    world.drain(gate)
    assert cured(world, [account]) == 1


def test_a_look_without_room_is_no_failure(world: World) -> None:
    """A look that has to wait for its turn comes again as often as it must: it says nothing of
    the resource, and only what waited for a day is given up, aloud.
    """
    (account,) = opened(world, 1)
    gate = world.gate()
    hinted(world, [account])
    for _ in range(30):
        used_up(gate, "GET")
        world.drain(gate)
        world.clock.advance(timedelta(seconds=1))
    assert stored(world, "findings") == []
    for _ in range(25):
        gate.state.budgets.close("GET", GROUP, 3600, frozenset({"arm"}))
        world.drain(gate)
        world.clock.advance(timedelta(hours=1))
    assert [r["Entry"] for r in world.records(gate, "health")] == ["gave-up"]


def test_without_room_to_write_nothing_is_begun(world: World) -> None:
    """A cure whose write would have to wait for long leaves no claim, no intent, no counted write;
    its finding stands, and it is cured when its turn comes.
    """
    (account,) = opened(world, 1)
    gate = world.gate()
    used_up(gate, waiting=700)
    hinted(world, [account])
    world.drain(gate)
    assert stored(world, "claims", "actions", "limits") == []
    assert world.transitions(gate)[0] == "opened"
    world.clock.advance(timedelta(seconds=69))
    world.drain(gate)
    assert cured(world, [account]) == 0
    world.clock.advance(timedelta(seconds=3))
    world.drain(gate)
    assert cured(world, [account]) == 1


class Meanwhile:
    """A store that lets something happen right after the first row of `table` was written."""

    def __init__(self, store: Store, table: str, happens: Callable[[], None]) -> None:
        self._store = store
        self._table = table
        self._happens = [happens]

    def put(self, table: Table, *rest: Any) -> str:
        etag = self._store.put(table, *rest)
        if table == self._table and self._happens:
            self._happens.pop()()
        return etag

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_over_budget_in_the_middle_goes_on_later(world: World) -> None:
    """A story that was begun when the budget closed goes on when it opens again: nothing was
    sent, so no claim is waited for.
    """
    (account,) = opened(world, 1)

    def closes() -> None:
        world.gate().state.budgets.close("PATCH", GROUP, 40, frozenset({"arm"}))
        world.clock.advance(timedelta(seconds=LEASE))

    gate = world.gate(store=Meanwhile(world.store, "actions", closes))
    hinted(world, [account])
    world.drain(gate)
    assert world.our_writes() == []
    assert stored(world, "actions")
    world.clock.advance(timedelta(seconds=41))
    world.drain(gate)
    assert world.our_writes() == ["PATCH open0"]
    assert cured(world, [account]) == 1
    assert world.entries(gate).count("remediated") == 1


def test_an_undo_without_room_begins_nothing(world: World) -> None:
    """A person's undo that has to wait says so before anything is stored; later it works."""
    (account,) = opened(world, 1)
    gate = world.gate()
    world.look(gate, account)
    (action,) = [r["ActionId"] for r in world.records(gate) if r["Entry"] == "remediated"]
    before = stored(world, "actions")
    used_up(gate)
    with pytest.raises(OverBudget):
        gate.people.undo(action, "alice")
    assert stored(world, "actions") == before
    world.clock.advance(timedelta(seconds=2))
    gate.people.undo(action, "alice")
    assert cured(world, [account]) == 0


def test_what_remains_is_obeyed_across_instances(world: World) -> None:
    """Somebody else spends under our principal: one instance hears of it from Azure's header, and
    the others write no more than what is left; nobody gets a 429.
    """
    ids = opened(world, 40)
    first, second = world.gate(), world.gate()
    spent = Fault(
        "status", method="PATCH", status=503,
        headers={"x-ms-ratelimit-remaining-subscription-writes": "5"},
    )  # fmt: skip
    world.tenant.faults.add(spent)
    hinted(world, ids[:1])
    world.drain(first)
    hinted(world, ids[1:])
    world.drain(second)
    assert len([r for r in world.tenant.requests if r.method == "PATCH" and r.status == 200]) <= 6
    drained(world, [first, second], timedelta(minutes=2))
    assert cured(world, ids) == len(ids)
