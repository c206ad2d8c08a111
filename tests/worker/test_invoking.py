"""Each function, called once by Microsoft's worker code as the host would, does its work."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest

from shared.hints import ACT, HINTS, SWEEPS, Hint, sweep_of
from shared.model import ResourceId
from simulator.faults import Fault
from tests.worker.worker import BLOB, Stage

ALICE = "alice@contoso.example"


def hint(stage: Stage, account: str, source: str = "event") -> str:
    """A message of ours."""
    seen = stage.state.now() - timedelta(minutes=1)
    return Hint(id=ResourceId(account), source=source, first_seen=seen).to_text()


@pytest.mark.parametrize("form", ["eventgrid", "cloudevents", "strings"])
def test_an_event_in_the_queue_is_noted(gate: Stage, form: str) -> None:
    """Event Grid's base64 in any schema becomes one hint that knows who did it; no look yet."""
    account, message = gate.opened(f"queued{form}", form)
    gate.worker.queue("hints", message)
    (noted,) = gate.hints(HINTS, account)
    assert [actor.name for actor in noted.actors] == [ALICE]
    assert gate.state.findings.of(ResourceId(account)) == []


@pytest.mark.parametrize("form", ["eventgrid", "cloudevents"])
def test_an_event_for_the_app_itself_is_noted(gate: Stage, form: str) -> None:
    """The Event Grid trigger takes both schemas, though its argument is annotated with one."""
    account, message = gate.opened(f"pushed{form}", form)
    gate.worker.event("changes", json.loads(base64.b64decode(message)))
    (noted,) = gate.hints(HINTS, account)
    assert [actor.name for actor in noted.actors] == [ALICE]


def test_the_gate_looks_and_hands_over(gate: Stage) -> None:
    """A hint of ours causes a look: a finding, an order for the hand, and no write."""
    account, _ = gate.opened("looked")
    gate.worker.queue("hints", hint(gate, account))
    (finding,) = gate.state.findings.of(ResourceId(account))
    assert (finding.control, finding.open) == (BLOB, True)
    assert len(gate.hints(ACT, account)) == 1
    assert gate.public(account)


def test_the_hand_cures(hand: Stage) -> None:
    """An order in the writing queue ends in a write and its record."""
    account, _ = hand.opened("ordered")
    hand.worker.queue("act", hint(hand, account))
    assert not hand.public(account)
    entries = [r["Entry"] for r in hand.recorded("actions", ResourceId=account)]
    assert entries == ["intent", "remediated"]


def test_the_hand_takes_no_orders_from_events(hand: Stage) -> None:
    """An event that strays into the writing queue is kept and reported, and nothing is written."""
    account, message = hand.opened("strayed")
    hand.worker.queue("act", message)
    assert hand.public(account)
    assert len(hand.recorded("health", Entry="unreadable-order")) == 1


def test_one_app_does_both(both: Stage) -> None:
    """`all` notes the event, looks, and cures by itself."""
    account, message = both.opened("whole")
    both.worker.queue("hints", message)
    (noted,) = both.hints(HINTS, account)
    both.worker.queue("hints", noted.to_text())
    assert not both.public(account)


def test_one_app_has_the_writing_queue_too(both: Stage) -> None:
    """`all` takes orders that a gate left behind."""
    account, _ = both.opened("left")
    both.worker.queue("act", hint(both, account))
    assert not both.public(account)


@pytest.mark.parametrize("queue", [HINTS, ACT])
def test_a_poison_message_is_kept_and_said(gate: Stage, queue: str) -> None:
    """What failed five times lies in the state, and a health record names it."""
    text = f"not even JSON, from {queue}"
    gate.worker.queue(f"{queue}_poison", text)
    (record,) = gate.recorded("health", Entry=f"poison-{queue}")
    kept = gate.state.store.get("unreadable", "unreadable", record["KeptAs"])
    assert kept is not None
    assert kept.value["text"] == text


def carry_on(gate: Stage) -> str:
    """Hand the message of the sweep that goes on to its function; the sweep's name."""
    (message,) = gate.state.store.receive(SWEEPS, 8, timedelta(minutes=10))
    gate.worker.queue("sweeps", message.text)
    gate.state.store.done(message)
    return sweep_of(message.text)


def test_the_sweep_hints_at_what_nobody_told_of(gate: Stage) -> None:
    """A violation without an event is found in the index and waits for a look."""
    safe, (account, _) = gate.account("kept"), gate.opened("untold")
    gate.worker.timer("sweep")
    run = carry_on(gate)
    (noted,) = gate.hints(HINTS, account)
    assert (noted.source, noted.run) == ("sweep", run)
    assert gate.hints(HINTS, safe) == []
    (record,) = gate.recorded("sweeps", RunId=run)
    assert record["Failed"] == ""


def test_a_sweep_that_may_not_read_is_no_sweep_that_found_nothing(gate: Stage) -> None:
    """Its record says why, and so does one that a person gets."""
    fault = Fault("status", method="POST", path="*/resources", status=403, code="Forbidden")
    gate.tenant.faults.add(fault)
    gate.state.store.delete("control", "control", "last-sweep")
    gate.worker.timer("sweep")
    run = carry_on(gate)
    (record,) = gate.recorded("sweeps", RunId=run)
    assert "Forbidden" in record["Failed"]
    assert [r["Severity"] for r in gate.recorded("health", Entry="sweep-failed")] == ["high"]
    gate.state.store.delete("control", "control", "failed-sweep")


def test_what_is_due_is_woken(gate: Stage) -> None:
    """A wait whose time has come turns into a hint; one whose time has not stays."""
    account = gate.account("due")
    waiting = Hint(id=ResourceId(account), source="event", first_seen=gate.state.now())
    gate.state.due.add(gate.state.now() - timedelta(minutes=2), waiting, "grace")
    gate.state.due.add(gate.state.now() + timedelta(hours=1), waiting, "freeze")
    gate.worker.timer("due")
    assert [one.source for one in gate.hints(HINTS, account)] == ["due"]
    left = [why for _, one, why in gate.state.due.waiting() if one == ResourceId(account)]
    assert left == ["freeze"]


def test_records_are_shipped(gate: Stage) -> None:
    """Waiting records go to the record file, and wait no more."""
    left = gate.state.outbox.add("health", ["shipped"], {"Entry": "test", "Message": "on its way"})
    gate.worker.timer("ship")
    lines = [json.loads(line) for line in gate.records.read_text(encoding="utf-8").splitlines()]
    assert [x["Message"] for x in lines if x["EventId"] == left["EventId"]] == ["on its way"]
    assert gate.state.outbox.oldest() is None


@pytest.mark.parametrize("app", ["gate", "both"])
def test_health_is_told_in_json(app: str, request: pytest.FixtureRequest) -> None:
    """The health route answers which app it is, and of a gate that its orders wait for a hand."""
    stage: Stage = request.getfixturevalue(app)
    name = {"gate": "gate", "both": "all"}[app]
    waiting = stage.state.store.waiting(ACT) if app == "gate" else 0
    reasons = [f"orders that wait for the hand: {waiting}"] if waiting else []
    assert stage.worker.get("health", "/health") == (
        200,
        {"status": "degraded" if reasons else "ok", "app": name, "reasons": reasons},
    )


@pytest.mark.parametrize("app", ["gate", "both"])
def test_the_console_is_shut_where_nobody_can_prove_who_they_are(
    app: str, request: pytest.FixtureRequest
) -> None:
    """It is built at the first call, and answers through the worker as any HTTP function."""
    stage: Stage = request.getfixturevalue(app)
    status, problem = stage.worker.get("console", "/api/log")
    assert (status, problem["status"]) == (503, 503)
    assert "The console is shut" in problem["detail"]
