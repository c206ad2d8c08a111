"""Undo from the app that may not write: ordered, carried out by the one that may, answered."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Refused, Unusable
from shared.hints import ACT
from shared.orders import DONE, ORDERED, REFUSED
from shared.settings import App
from tests.engine.test_people import BLOB
from tests.engine.world import Fragile, Killed, World, enforce, kills, policy, storage
from wiring import Gate


def cured(world: World) -> tuple[str, str]:
    """An account that was cured, and the action's id."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    hand = world.gate(app=App.HAND)
    world.look(hand, account)
    return account, world.records(hand)[-1]["ActionId"]


def rewrite(gate: Gate, action: str, **changed: Any) -> None:
    """The stored story, as another version of it."""
    story = gate.state.journal.find(action).having(**changed)
    gate.state.store.put("actions", action, "story", story.value)


def work(world: World, hand: Gate) -> None:
    """The hand takes what waits on its queue."""
    for message in world.store.receive(ACT, 8, timedelta(minutes=10)):
        hand.worker.act(message.text)
        world.store.done(message)


def test_the_gate_orders_and_the_hand_undoes(world: World) -> None:
    """The gate writes nothing; the hand restores it as the person who ordered it."""
    account, action = cured(world)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    order = gate.undos.order(action, "carol")
    assert order.state == ORDERED
    assert world.properties(account)["allowBlobPublicAccess"] is False
    work(world, hand)
    assert world.properties(account)["allowBlobPublicAccess"] is True
    done = gate.state.orders.of(action)
    assert done is not None
    assert done.state == DONE
    entries = [(r["Entry"], r.get("Person")) for r in world.records(gate)]
    assert ("undo-ordered", "carol") in entries
    assert entries[-1] == ("undone", "carol")


def test_ordering_twice_is_one_undo(world: World) -> None:
    """Two clicks, two people: one order, one write back, one line in the log."""
    account, action = cured(world)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    gate.undos.order(action, "carol")
    assert gate.undos.order(action, "dave").person == "carol"
    work(world, hand)
    work(world, hand)
    assert len([w for w in world.our_writes() if account.endswith(w.split()[-1])]) == 2
    entries = world.entries(gate)
    assert (entries.count("undo-ordered"), entries.count("undone")) == (1, 1)
    with pytest.raises(Unusable, match="was taken back by carol already"):
        gate.undos.order(action, "dave")


def test_in_one_process_it_happens_at_once(world: World) -> None:
    account, action = cured(world)
    assert world.gate().undos.order(action, "carol").state == DONE
    assert world.properties(account)["allowBlobPublicAccess"] is True


def test_what_somebody_changed_since_is_told_at_once(world: World) -> None:
    """The person who asks hears it, and nothing is ordered."""
    account, action = cured(world)
    world.change(account, {"allowBlobPublicAccess": True})
    gate = world.gate(app=App.GATE)
    with pytest.raises(Refused, match="was changed by somebody since"):
        gate.undos.order(action, "carol")
    assert gate.state.orders.of(action) is None


def test_what_changes_before_the_hand_comes_is_refused_and_told(world: World) -> None:
    """The order ends with the reason, in its row and in the log; a new order may follow."""
    account, action = cured(world)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    gate.undos.order(action, "carol")
    world.change(account, {"allowBlobPublicAccess": True})
    work(world, hand)
    order = gate.state.orders.of(action)
    assert order is not None
    assert order.state == REFUSED
    record = next(r for r in world.records(gate) if r["Entry"] == "undo-refused")
    assert "was changed by somebody since" in record["Message"]
    assert (record["Person"], record["UndoOf"]) == ("carol", action)
    world.change(account, {"allowBlobPublicAccess": False})
    assert gate.undos.order(action, "dave").state == ORDERED
    work(world, hand)
    assert world.properties(account)["allowBlobPublicAccess"] is True


def test_while_everything_is_stopped_nothing_is_ordered(world: World) -> None:
    account, action = cured(world)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    gate.people.suspend("carol", "incident")
    with pytest.raises(Unusable, match="all writes are stopped by carol: incident"):
        gate.undos.order(action, "carol")
    gate.people.resume("carol")
    gate.undos.order(action, "carol")
    gate.people.suspend("carol", "incident")
    work(world, hand)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    order = gate.state.orders.of(action)
    assert order is not None
    assert order.state == REFUSED


def test_what_cannot_come_back_is_told_at_once(world: World) -> None:
    """An irreversible cure is no order, and says why."""
    _, action = cured(world)
    gate = world.gate(app=App.GATE)
    plan = gate.state.journal.find(action).value["Plan"]
    rewrite(gate, action, Plan={**plan, "reversible": "no", "caveats": ["it stays"]})
    with pytest.raises(Refused, match="cannot be taken back: it stays"):
        gate.undos.order(action, "carol")


def test_an_undo_that_restores_rights_is_not_clicked(world: World) -> None:
    """The command stands in the refusal; an order put there all the same is not carried out."""
    account, action = cured(world)
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    rewrite(gate, action, Controls=["iam-orphaned-principal"])
    with pytest.raises(Unusable, match=f"run 'portcullis undo {action}' under your own"):
        gate.undos.order(action, "carol")
    gate.state.orders.give(action, "mallory")
    work(world, hand)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    order = gate.state.orders.of(action)
    assert order is not None
    assert order.state == REFUSED


def test_a_message_without_an_order_does_nothing(world: World) -> None:
    """Who can only write to the queue cannot undo anything."""
    account, action = cured(world)
    world.store.send(ACT, f'{{"portcullis": 1, "undo": "{action}"}}')
    work(world, world.gate(app=App.HAND))
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_killed_anywhere_the_order_ends_once() -> None:
    """A hand that dies at any operation of the state leaves an order that the next one ends."""
    count = 0
    for _, kill, seen in kills():
        world = World()
        account, action = cured(world)
        world.gate(app=App.GATE).undos.order(action, "carol")
        doomed = world.gate(app=App.HAND, store=Fragile(world.store, kill))
        text = f'{{"portcullis": 1, "undo": "{action}"}}'
        try:
            doomed.worker.act(text)
        except Killed:
            count += 1
        else:
            break
        for _ in range(3):
            world.clock.advance(timedelta(minutes=25))
            world.gate(app=App.HAND).worker.act(text)
        where = f"killed {seen[-1]} ({len(seen)})"
        assert world.properties(account)["allowBlobPublicAccess"] is True, where
        assert len(world.our_writes()) == 2, where
        order = world.gate().state.orders.of(action)
        assert order is not None
        assert order.state == DONE, where
        assert world.entries(world.gate()).count("undone") == 1, where
    assert count > 10
