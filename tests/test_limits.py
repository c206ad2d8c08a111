"""Limits: never more writes than allowed in any window, and zero where nothing is said."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import StoreUnavailable
from shared.limits import Full, Limits
from shared.model import Severity
from shared.policy import Policy
from shared.policy_parts import Limit
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT, OTHER_SUB, SUB, plan
from tests.store.crowd import at_once

HOUR = timedelta(hours=1)


@pytest.fixture
def limits(store: Store, clock: VirtualClock) -> Limits:
    return Limits(store, clock.now)


def policy(*given_limits: tuple[int, str, timedelta], share: float = 0) -> Policy:
    made = [
        Limit.model_construct(writes=writes, per=per, window=window)
        for writes, per, window in given_limits
    ]
    return Policy.model_construct(version=1, limits=made, critical_share=share)


def estate(writes: int, share: float = 0) -> Policy:
    return policy((writes, "estate", HOUR), share=share)


def take(limits: Limits, under: Policy, action: str, **more: Any) -> Full | None:
    wanted = more.pop("plan", None) or plan()
    severity = more.pop("severity", Severity.HIGH)
    return limits.take(under, wanted, severity, action, more.pop("run", ""))


def test_no_limit_is_no_write(limits: Limits) -> None:
    """`limits: []` lets nothing be written, not even what is critical."""
    for severity in Severity:
        full = take(limits, Policy(version=1), "a", severity=severity)
        assert full is not None
        assert full.until is None
        assert "nothing may be written" in full.words


def test_a_limit_of_zero_is_no_write(limits: Limits) -> None:
    """Zero writes are zero, for ever: no time is promised at which room comes."""
    full = take(limits, estate(0), "a", severity=Severity.CRITICAL)
    assert full is not None
    assert (full.source, full.until) == ("policy.yaml $.limits[0]", None)


def test_room_comes_when_the_window_has_passed(limits: Limits, clock: VirtualClock) -> None:
    """A full limit says when there is room again, and at that instant there is."""
    under = estate(2)
    for action in ("a", "b"):
        assert take(limits, under, action) is None
        clock.advance(timedelta(microseconds=600_001))
    full = take(limits, under, "c")
    assert full is not None
    assert full.until is not None
    assert "2 of 2 writes per estate" in full.words
    clock.advance(full.until - clock.now() - timedelta(microseconds=1))
    assert take(limits, under, "c") is not None
    clock.advance(timedelta(microseconds=1))
    assert take(limits, under, "c") is None


def test_the_same_action_counts_once(limits: Limits) -> None:
    """An action that comes again within the window takes no second place, and is let through."""
    under = estate(2)
    for _ in range(5):
        assert take(limits, under, "a") is None
    assert limits.used(under) == [("per estate estate", 1, 2)]
    assert take(limits, under, "b") is None
    assert take(limits, under, "a") is None
    assert take(limits, under, "c") is not None


def test_a_share_is_kept_for_critical_findings(limits: Limits) -> None:
    """Decoys cannot use a limit up: the share stays for critical findings alone."""
    under = estate(8, share=0.25)
    taken = [take(limits, under, f"decoy {i}") is None for i in range(10)]
    assert taken == [True] * 6 + [False] * 4
    full = take(limits, under, "one more", severity=Severity.MEDIUM)
    assert full is not None
    assert "2 are kept for critical findings" in full.words
    grave = [take(limits, under, f"{i}", severity=Severity.CRITICAL) is None for i in range(3)]
    assert grave == [True, True, False]


@pytest.mark.parametrize(
    ("writes", "share", "room"),
    [(1, 0.25, 0), (2, 0.25, 1), (3, 0.25, 2), (5, 0.25, 3), (10, 0.1, 9), (7, 0, 7), (5, 1, 0)],
)
def test_what_is_left_for_others_is_rounded_down(
    limits: Limits, writes: int, share: float, room: int
) -> None:
    """The share is rounded up, so that never more than the limit is used without it."""
    under = estate(writes, share)
    taken = [take(limits, under, f"{i}") is None for i in range(writes + 2)]
    assert taken.count(True) == room
    grave = [take(limits, under, f"g{i}", severity=Severity.CRITICAL) for i in range(writes + 2)]
    assert grave.count(None) == writes - room


def test_limits_count_apart(limits: Limits) -> None:
    """Per subscription, control and run each has its own count; per estate there is one."""
    under = policy((1, "subscription", HOUR))
    assert take(limits, under, "a") is None
    assert take(limits, under, "b") is not None
    assert take(limits, under, "c", plan=plan(ACCOUNT.replace(SUB, OTHER_SUB))) is None
    assert take(limits, under, "d", plan=plan("/providers/Microsoft.Authorization/x/y")) is None
    under = policy((1, "control", HOUR))
    assert take(limits, under, "a", plan=plan(ACCOUNT, "one", "two")) is None
    assert take(limits, under, "b", plan=plan(ACCOUNT, "three", "two")) is not None
    assert take(limits, under, "c", plan=plan(ACCOUNT, "four")) is None
    under = policy((1, "run", HOUR))
    assert take(limits, under, "a", run="sweep-1") is None
    assert take(limits, under, "b", run="sweep-1") is not None
    assert take(limits, under, "c", run="sweep-2") is None


def test_outside_of_a_sweep_each_action_is_its_own_run(limits: Limits) -> None:
    """A limit per run does not tie together what separate events caused."""
    under = policy((1, "run", HOUR))
    assert [take(limits, under, f"{i}") for i in range(3)] == [None] * 3


def test_the_most_restrictive_wins_and_is_named(limits: Limits) -> None:
    """Of several limits the one without room stops the write, and what it stopped counts not."""
    under = policy((3, "estate", HOUR), (1, "control", HOUR), (5, "subscription", HOUR))
    assert take(limits, under, "a") is None
    full = take(limits, under, "b")
    assert full is not None
    assert full.source.endswith("$.limits[1]")
    counts = {name: used for name, used, _ in limits.used(under)}
    assert counts == {
        "per estate estate": 1,
        "per control plain": 1,
        f"per subscription {SUB[15:]}": 1,
    }
    assert take(limits, under, "c", plan=plan(ACCOUNT, "other")) is None


def test_of_two_limits_alike_the_smaller_holds(limits: Limits) -> None:
    """The same limit said twice with different numbers is the smaller one, in any order."""
    under = policy((9, "estate", HOUR), (2, "estate", HOUR), (5, "estate", HOUR))
    assert [take(limits, under, f"{i}") is None for i in range(4)] == [True, True, False, False]


def test_an_edit_of_the_policy_starts_no_count_anew(limits: Limits) -> None:
    """A limit that moves in the list, or gets another number, goes on counting."""
    assert take(limits, policy((2, "estate", HOUR)), "a") is None
    edited = policy((5, "run", HOUR), (2, "estate", HOUR))
    assert take(limits, edited, "b") is None
    assert take(limits, edited, "c") is not None
    assert take(limits, policy((5, "run", HOUR), (3, "estate", HOUR)), "c") is None
    assert take(limits, policy((1, "estate", HOUR)), "d") is not None


def test_a_crowd_takes_no_more_than_there_is(limits: Limits) -> None:
    """Fifty workers at once get exactly as many writes as the limit has."""
    under = policy((7, "estate", HOUR), (9, "control", HOUR))
    taken = at_once(50, lambda i: take(limits, under, f"{i}"))
    assert taken.count(None) == 7


def test_what_cannot_be_counted_is_not_written(store: EmbeddedStore, clock: VirtualClock) -> None:
    """Without state no limit answers that there is room."""
    limits = Limits(store, clock.now)
    store.close()
    with pytest.raises(StoreUnavailable):
        take(limits, estate(5), "a")


steps = st.lists(
    st.tuples(st.integers(0, 3_000_000_000), st.integers(0, 12), st.sampled_from(list(Severity))),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(steps, st.integers(0, 5), st.sampled_from([0.0, 0.25, 0.5]), st.integers(1, 5_000_000_000))
def test_never_more_than_allowed_in_any_window(
    moves: list[tuple[int, int, Severity]], writes: int, share: float, window: int
) -> None:
    """At random times, windows and actions: no window holds more first writes than the limit."""
    clock = VirtualClock()
    store = EmbeddedStore(clock.now)
    limits = Limits(store, clock.now)
    length = timedelta(microseconds=window)
    under = policy((writes, "estate", length), share=share)
    let: list[tuple[Any, str, bool]] = []
    for wait, number, severity in moves:
        clock.advance(timedelta(microseconds=wait))
        now, action = clock.now(), f"{number}"
        known = any(a == action and now - at < length for at, a, _ in let)
        if take(limits, under, action, severity=severity) is None and not known:
            let.append((now, action, severity is Severity.CRITICAL))
        inside = [grave for at, _, grave in let if now - at < length]
        assert len(inside) <= writes
        assert limits.used(under) == ([("per estate estate", len(inside), writes)] if let else [])
    store.close()


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(0, 2_000_000_000), min_size=1, max_size=15), st.integers(1, 4))
def test_the_instant_of_room_is_exact(waits: list[int], writes: int) -> None:
    """Whatever the fractions of a second: at `until` there is room, a microsecond before none."""
    clock = VirtualClock()
    store = EmbeddedStore(clock.now)
    limits = Limits(store, clock.now)
    under = estate(writes)
    for i, wait in enumerate(waits):
        clock.advance(timedelta(microseconds=wait))
        full = take(limits, under, f"{i}")
        if full is None:
            continue
        assert full.until is not None
        assert full.until > clock.now()
        clock.advance(full.until - clock.now() - timedelta(microseconds=1))
        assert take(limits, under, f"{i}") is not None
        clock.advance(timedelta(microseconds=1))
        assert take(limits, under, f"{i}") is None
    store.close()
