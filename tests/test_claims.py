"""Claims: one writer a target, and only on a fresh look."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.claims import LIFE, Claims, Held
from shared.errors import Moved, StoreUnavailable
from shared.model import ResourceId
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT
from tests.store.crowd import at_once

TARGET = ResourceId(ACCOUNT)
SECOND = timedelta(seconds=1)


@pytest.fixture
def claims(store: Store, clock: VirtualClock) -> Claims:
    return Claims(store, clock.now)


def taken(claims: Claims, action: str = "a") -> Held:
    held = claims.take(TARGET, claims.look(TARGET), action)
    assert held is not None
    return held


def test_one_of_fifty_wins_a_target_never_claimed(claims: Claims) -> None:
    """Of workers that saw no claim and take it at once, exactly one holds it."""
    seen = claims.look(TARGET)
    assert seen is None
    won = [h for h in at_once(50, lambda i: claims.take(TARGET, seen, f"{i}")) if h]
    assert len(won) == 1
    assert claims.mine(won[0])
    assert claims.action_of(claims.look(TARGET)) == won[0].action


def test_one_of_fifty_wins_a_target_that_is_free_again(claims: Claims) -> None:
    """The same where the target was claimed and freed before."""
    claims.free(taken(claims))
    seen = claims.look(TARGET)
    won = [h for h in at_once(50, lambda i: claims.take(TARGET, seen, f"{i}")) if h]
    assert len(won) == 1


def test_one_of_fifty_inherits_a_dead_claim(claims: Claims, clock: VirtualClock) -> None:
    """The same where the worker that held it ran out of time."""
    taken(claims)
    clock.advance(LIFE)
    seen = claims.look(TARGET)
    won = [h for h in at_once(50, lambda i: claims.take(TARGET, seen, f"{i}")) if h]
    assert len(won) == 1


def test_a_stale_observation_loses(claims: Claims) -> None:
    """Who looked before another wrote cannot claim afterwards, though the claim is free."""
    before = claims.look(TARGET)
    claims.free(taken(claims))
    assert claims.take(TARGET, before, "late") is None
    between = claims.look(TARGET)
    claims.free(taken(claims))
    assert claims.take(TARGET, between, "late") is None
    assert claims.take(TARGET, claims.look(TARGET), "fresh") is not None


def test_a_live_claim_is_not_taken(claims: Claims, clock: VirtualClock) -> None:
    """A claim lives for its whole life, and not longer."""
    held = taken(claims)
    clock.advance(LIFE - SECOND)
    assert claims.alive(claims.look(TARGET))
    assert claims.mine(held)
    assert claims.take(TARGET, claims.look(TARGET), "other") is None
    clock.advance(SECOND)
    assert not claims.alive(claims.look(TARGET))
    assert not claims.mine(held)
    assert claims.action_of(claims.look(TARGET)) == "a"


def test_who_was_inherited_from_is_told(claims: Claims, clock: VirtualClock) -> None:
    """Immediately before sending, a worker whose claim was inherited learns of it."""
    slow = taken(claims, "slow")
    clock.advance(LIFE)
    heir = taken(claims, "heir")
    assert not claims.mine(slow)
    with pytest.raises(Moved):
        claims.renew(slow)
    claims.free(slow)
    assert claims.mine(heir)
    assert claims.action_of(claims.look(TARGET)) == "heir"


def test_renewing_holds_on(claims: Claims, clock: VirtualClock) -> None:
    """A renewed claim lives anew, under a new etag; renewed for no time it is over at once."""
    held = taken(claims)
    clock.advance(LIFE - SECOND)
    renewed = claims.renew(held)
    assert not claims.mine(held)
    clock.advance(LIFE - SECOND)
    assert claims.mine(renewed)
    over = claims.renew(renewed, timedelta(0))
    assert not claims.mine(over)
    assert not claims.alive(claims.look(TARGET))
    assert claims.action_of(claims.look(TARGET)) == "a"


def test_targets_are_compared_without_case(claims: Claims) -> None:
    """A claim on one spelling of a target is the claim on every spelling; others are free."""
    taken(claims)
    shouted = ResourceId(ACCOUNT.upper())
    assert claims.take(shouted, claims.look(shouted), "other") is None
    neighbour = ResourceId(f"{ACCOUNT}2")
    assert claims.take(neighbour, claims.look(neighbour), "other") is not None


def test_without_state_nothing_is_claimed(store: EmbeddedStore, clock: VirtualClock) -> None:
    """An unavailable store is an error, and never a free claim."""
    claims = Claims(store, clock.now)
    held = taken(claims)
    store.close()
    with pytest.raises(StoreUnavailable):
        claims.take(TARGET, None, "a")
    with pytest.raises(StoreUnavailable):
        claims.mine(held)
