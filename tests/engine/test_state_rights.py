"""What each app has to write in the state: the stories of writes are the hand's alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from shared.errors import StoreUnavailable
from shared.orders import DONE
from shared.outbox import JsonLines
from shared.settings import App
from shared.store import Store
from tests.engine.test_people import BLOB
from tests.engine.test_undo_orders import work
from tests.engine.world import World, enforce, policy, storage

HANDS = {"actions", "claims", "own"}
"""Before-images and plans, who writes what, and the ids of our writes: what the hand acts on."""


class Reading:
    """A store whose tables of the hand can only be read, as by a role on the other tables."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if name not in ("insert", "replace", "put", "delete"):
            return real

        def write(table: str, *args: Any, **kwargs: Any) -> Any:
            if table in HANDS:
                raise StoreUnavailable(f"{table} is not ours to write")
            return real(table, *args, **kwargs)

        return write


def test_the_gate_does_all_its_work_without_writing_a_story(world: World, tmp_path: Path) -> None:
    """Looks, orders, approvals, undos, the stop: a role that lets it read these tables is enough.

    So whoever has the gate's identity cannot make up a story for the hand to carry on or undo.
    """
    accounts = world.load(*(storage(n, allowBlobPublicAccess=True) for n in ("one", "two")))
    world.policy = policy(enforce(BLOB))
    gate = world.gate(app=App.GATE, store=Reading(world.store))
    hand = world.gate(app=App.HAND)
    for account in accounts:
        world.look(gate, account)
    work(world, hand)
    assert [world.properties(a)["allowBlobPublicAccess"] for a in accounts] == [False, False]
    action = world.records(gate)[-1]["ActionId"]
    gate.undos.order(action, "carol")
    work(world, hand)
    order = gate.state.orders.of(action)
    assert order is not None
    assert order.state == DONE
    world.policy = policy(f"rules: [{{control: [{BLOB}], mode: approve}}]\n")
    (third,) = world.load(storage("three", allowBlobPublicAccess=True))
    world.look(gate, third)
    (asked,) = [a for a in gate.state.approvals.all() if a.status == "waiting"]
    gate.people.approve(asked.id, "carol")
    work(world, hand)
    assert world.properties(third)["allowBlobPublicAccess"] is False
    gate.people.suspend("carol", "drill")
    gate.people.resume("carol")
    world.clock.advance(timedelta(hours=1))
    gate.worker.due()
    assert gate.worker.ship([JsonLines(tmp_path / "records.jsonl")]) > 0
    gate.sweep.run()
