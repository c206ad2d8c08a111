"""A gate's days: what really happened to an estate, counted by the minute's timer."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import StoreUnavailable
from shared.hints import HINTS
from shared.store import Store
from shared.trends import Day, top
from tests.engine.world import World, enforce, policy, storage
from wiring import Gate

BLOB = "storage-public-blob-access"


class Uncounting:
    """A store whose days cannot be reached."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)

        def operation(first: str, *args: Any, **kwargs: Any) -> Any:
            if first == "trends":
                raise StoreUnavailable("the days are away")
            return real(first, *args, **kwargs)

        return operation


def today(world: World, gate: Gate) -> Day:
    world.clock.advance(timedelta(minutes=2))
    gate.due()
    return gate.trends.days(1)[0]


def test_a_cure_and_its_undo_are_a_days_work(world: World) -> None:
    """Opened, remediated, closed as cured, undone: each once, whatever looked twice."""
    world.policy = policy(enforce(BLOB, after="10m"))
    gate, (account,) = world.gate(), world.load(storage("a", allowBlobPublicAccess=True))
    for _ in range(3):
        world.look(gate, account)
    world.clock.advance(timedelta(minutes=10))
    world.look(gate, account)
    found = today(world, gate)
    assert (found.opened, found.closed, found.remediated, found.undone) == (1, 1, 1, 0)
    assert found.times.median == pytest.approx(600, rel=0.05)
    assert top([found], "remediated") == [(BLOB, 1)]
    told = json.loads(json.dumps(found.to_json()))
    assert (told["ended"], told["controls"][BLOB]) == (1, {"opened": 1, "remediated": 1})
    (action,) = {record["ActionId"] for record in world.records(gate) if record.get("ActionId")}
    gate.people.undo(action, "alice")
    assert today(world, gate).undone == 1


def test_a_full_sweep_gives_the_day_its_score(world: World) -> None:
    """The first of all has none; the next day's is that of its record."""
    world.load(storage("a", allowBlobPublicAccess=True))
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    assert today(world, gate).score is None
    world.clock.advance(timedelta(days=1))
    told = gate.sweep.run().score
    assert told is not None
    assert today(world, gate).score == told


def test_days_that_cannot_be_counted_stop_nothing_else(world: World) -> None:
    """What waits for its time is woken all the same, and what is not counted is, later."""
    store: Any = Uncounting(world.store)
    gate = world.gate(store=store)
    (account,) = world.load(storage("a", allowBlobPublicAccess=True))
    world.look(gate, account)
    gate.state.due.add(world.clock.now(), world.hint(account), "a test")
    world.clock.advance(timedelta(minutes=2))
    with pytest.raises(StoreUnavailable):
        gate.due()
    assert world.store.waiting(HINTS) == 1
    assert today(world, world.gate()).opened == 1
