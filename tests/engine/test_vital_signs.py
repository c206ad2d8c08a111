"""The gate's vital signs: numbers that say whether it works, from bounded reads."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from shared import vital_signs as signs
from shared.errors import PolicyFault
from shared.hints import HINTS
from shared.policy import broken
from shared.vital_signs import VitalSigns
from tests.engine.world import SUBSCRIPTION, World, enforce, policy, storage
from wiring import Gate

MINUTE = timedelta(minutes=1)
BLOB = "storage-public-blob-access"


def taken(gate: Gate) -> VitalSigns:
    found = gate.vital_signs()
    assert json.loads(json.dumps(found.to_json()))["at"] == found.at.isoformat()
    return found


def writes(store: Any, key: str) -> list[str]:
    """The values of a control row as they were written, one after the other."""
    seen: list[str] = []
    put = store.put

    def counted(table: str, partition: str, name: str, value: Any) -> Any:
        if name == key:
            seen.append(value["at"])
        return put(table, partition, name, value)

    store.put = counted
    return seen


def test_a_gate_that_did_nothing_yet(world: World) -> None:
    found = taken(world.gate())
    assert (found.last_event, found.swept, found.sweeping) == (None, (), None)
    assert (found.failed_sweep, found.suspended, found.faults) == (None, None, ())
    assert (found.hints.count, found.hints.oldest, found.outbox.count) == (0, None, 0)
    assert [(one.name, one.waiting, one.poison) for one in found.queues] == [
        ("hints", 0, 0),
        ("act", 0, 0),
        ("sweeps", 0, 0),
    ]


def test_the_last_event_is_known_to_a_minute(world: World) -> None:
    """And costs no more than a write a minute, however many events come."""
    gate, (account,) = world.gate(), world.load(storage())
    seen = writes(world.store, "last-event")
    came = []
    for _ in range(12):
        world.change(account, {"minimumTlsVersion": "TLS1_2"})
        world.clock.advance(timedelta(seconds=20))
        world.deliver()
        came.append(world.clock.now())
        world.drain(gate)
    last = taken(gate).last_event
    assert last is not None
    assert came[-1] - MINUTE < last <= came[-1]
    assert len(seen) == 4


def test_what_cannot_be_read_is_no_event(world: World) -> None:
    gate = world.gate()
    gate.worker.hints("nonsense")
    assert taken(gate).last_event is None


def test_what_waits_is_counted_and_how_long(world: World) -> None:
    """Resources that wait for a look, records that wait for the log, messages in queues."""
    gate, began = world.gate(), world.clock.now()
    accounts = world.load(storage("a"), storage("b"))
    for account in accounts:
        gate.state.inbox.note(world.hint(account))
        world.clock.advance(MINUTE)
    gate.state.outbox.add("health", ["a"], {"Entry": "a"})
    world.store.send(f"{HINTS}-poison", "x")
    found = taken(gate)
    assert (found.hints.count, found.hints.more, found.hints.oldest) == (2, False, began)
    assert (found.outbox.count, found.outbox.oldest) == (1, began + 2 * MINUTE)
    assert (found.queues[0].waiting, found.queues[0].poison) == (2, 1)


def test_much_that_waits_is_not_counted_to_its_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many, and more."""
    monkeypatch.setattr(signs, "MOST", 3)
    gate = world.gate()
    for number in range(5):
        gate.state.inbox.note(world.hint(f"{SUBSCRIPTION}/resourceGroups/{number}"))
        gate.state.outbox.add("health", [number], {"Entry": "a"})
    found = taken(gate)
    assert (found.hints.count, found.hints.more) == (3, True)
    assert (found.outbox.count, found.outbox.more) == (3, True)


def test_the_last_sweep_of_each_kind(world: World) -> None:
    """What it saw, when it ended, and what it could not see."""
    world.load(storage("a", allowBlobPublicAccess=True))
    unseen = "00000000-0000-0000-0000-00000000dead"
    world.policy = policy(f"scopes: ['{SUBSCRIPTION}', '/subscriptions/{unseen}']\n")
    gate = world.gate()
    gate.sweep.run()
    found = taken(gate)
    (full,) = found.swept
    assert (full.kind, full.ended_at, full.unseen) == ("full", world.clock.now(), 1)
    assert full.seen > 0
    assert [one.scope for one in found.unseen] == [f"/subscriptions/{unseen}"]
    assert found.unseen[0].since == world.clock.now()
    assert found.unseen[0].reason
    world.clock.advance(timedelta(minutes=20))
    gate.sweep.tick()
    under_way = taken(gate).sweeping
    assert under_way is not None
    assert (under_way.kind, under_way.started_at) == ("incremental", world.clock.now())


def test_a_sweep_that_failed_is_told(world: World) -> None:
    gate = world.gate()
    gate.sweep.tick()
    world.clock.advance(timedelta(hours=7))
    gate.sweep.tick()
    failed = taken(gate).failed_sweep
    assert failed is not None
    assert failed.at == world.clock.now()
    assert failed.reason


def test_limits_with_the_least_room_come_first(world: World) -> None:
    """A run's own count is no scope's; what has left its window is not counted."""
    world.policy = policy(
        "limits:\n"
        "  - {writes: 10, per: estate, window: 1h}\n"
        "  - {writes: 2, per: control, window: 1h}\n"
        "  - {writes: 5, per: run}\n" + enforce(BLOB)
    )
    gate, (account,) = world.gate(), world.load(storage("a", allowBlobPublicAccess=True))
    world.look(gate, account)
    found = [(one.per, one.of, one.used, one.allowed) for one in taken(gate).limits]
    assert found == [("control", BLOB, 1, 2), ("estate", "estate", 1, 10)]
    world.clock.advance(timedelta(hours=2))
    assert [one.used for one in taken(gate).limits] == [0, 0]


def test_budgets_with_the_least_room_come_first(world: World) -> None:
    """Requests that were sent are missing from what is free."""
    gate, (account,) = world.gate(), world.load(storage("a"))
    world.look(gate, account)
    found = taken(gate).budgets
    assert found
    shares = [one.free / one.size for one in found]
    assert shares == sorted(shares)
    assert {one.name for one in found} >= {"arm reads"}
    assert all(0 <= one.free <= one.size for one in found)


def test_a_stop_and_a_broken_policy_are_told(world: World) -> None:
    gate = world.gate()
    gate.state.suspension.suspend("alice", "incident 17")
    world.policy = broken((PolicyFault("$.rules", "nonsense"),))
    found = taken(gate)
    assert found.suspended is not None
    assert (found.suspended.by, found.suspended.reason) == ("alice", "incident 17")
    assert [one for one in found.faults if "nonsense" in one]
    assert found.to_json()["suspended"]["by"] == "alice"
