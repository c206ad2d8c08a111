"""The function app under its host: which triggers there are, and what comes of each."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from shared.errors import StoreUnavailable, Unusable
from shared.hints import ACT, HINTS, SWEEPS
from shared.model import ResourceId
from shared.policy import Policy
from shared.policy_in_force import PolicyFile
from shared.settings import App, Settings
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.adapter import TenantCredential, transport
from simulator.faults import Fault
from simulator.host import MAX_DEQUEUE, RETRY, Host
from tests.engine.world import ALICE, US, Fragile, World, enforce, policy, storage
from wiring import Gate, build

Load = Callable[[str], ModuleType]
BLOB = "storage-public-blob-access"
GATE_TRIGGERS = {
    "changes": "eventGridTrigger",
    "hints": "queueTrigger",
    "hints_poison": "queueTrigger",
    "act_poison": "queueTrigger",
    "sweeps": "queueTrigger",
    "sweeps_poison": "queueTrigger",
    "sweep": "timerTrigger",
    "ship": "timerTrigger",
    "due": "timerTrigger",
    "health": "httpTrigger",
    "console": "httpTrigger",
}
HAND_TRIGGERS = {"act": "queueTrigger"}


@pytest.fixture
def world() -> World:
    return World()


Hosted = Callable[..., Host]


@pytest.fixture
def hosted(world: World, load: Load) -> Iterator[Hosted]:
    """A host that runs one kind of app over the world's tenant and state."""

    def start(app: App = App.ALL, gate: Gate | None = None) -> Host:
        module = load(app.value)
        module.use(gate or world.gate(app=app))
        return Host(module.app, world.store, world.clock.now)

    yield start
    closed(world)


def closed(world: World) -> None:
    assert isinstance(world.store, EmbeddedStore)
    world.store.close()


def triggers(module: ModuleType, world: World) -> dict[str, str]:
    host = Host(module.app, world.store, world.clock.now)
    return {name: function.kind for name, function in host.functions.items()}


def opened(world: World) -> str:
    """An account that Alice has just opened to anonymous readers; its event is not taken yet."""
    (rid,) = world.load(storage())
    world.tenant.events.take()
    world.change(rid, {"allowBlobPublicAccess": True})
    return rid


def pass_time(world: World, host: Host, minutes: float = 2) -> None:
    """Let the host work while the clock goes on."""
    for _ in range(int(minutes * 6)):
        host.work()
        world.clock.advance(timedelta(seconds=10))
    host.work()


def open_findings(gate: Gate, rid: str) -> list[str]:
    return [s.control for s in gate.state.findings.of(ResourceId(rid)) if s.open]


# --- which triggers there are


def test_a_gate_has_no_writing_trigger(load: Load, world: World) -> None:
    """The gate takes events, hints, timers and poison, and nothing that writes."""
    assert triggers(load("gate"), world) == GATE_TRIGGERS


def test_a_hand_has_only_the_writing_trigger(load: Load, world: World) -> None:
    """The hand is woken by its queue alone."""
    assert triggers(load("hand"), world) == HAND_TRIGGERS


def test_all_has_both(load: Load, world: World) -> None:
    """One process for both has every trigger; so has one where nothing is said."""
    assert triggers(load("all"), world) == GATE_TRIGGERS | HAND_TRIGGERS
    assert triggers(load("ALL"), world) == GATE_TRIGGERS | HAND_TRIGGERS


def test_queues_and_their_poison(load: Load, world: World) -> None:
    """Each queue trigger is on the queue of its name, and each queue's poison is watched."""
    host = Host(load("all").app, world.store, world.clock.now)
    queues = {n: f.settings["queueName"] for n, f in host.functions.items() if "queue" in f.kind}
    assert queues == {
        "hints": HINTS,
        "act": ACT,
        "hints_poison": f"{HINTS}-poison",
        "act_poison": f"{ACT}-poison",
        "sweeps": SWEEPS,
        "sweeps_poison": f"{SWEEPS}-poison",
    }
    assert {f.settings["connection"] for f in host.functions.values() if "queue" in f.kind} == {
        "AzureWebJobsStorage"
    }


def test_nothing_is_built_at_import(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    """Importing the app opens no state and asks for no identity."""
    monkeypatch.setenv("PORTCULLIS_STATE", "/dev/null/state.db")
    assert load("all")._gate is None  # noqa: SLF001


@pytest.mark.parametrize("app", ["door", ""])
def test_a_setting_that_is_none_stops_the_start(load: Load, app: str) -> None:
    """An app of another name does not start as something else."""
    with pytest.raises(Unusable, match="PORTCULLIS_APP"):
        load(app)


# --- what arrives


@pytest.mark.parametrize("form", ["eventgrid", "cloudevents", "strings"])
def test_an_event_at_the_trigger_ends_in_a_finding(
    world: World, hosted: Hosted, form: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Event Grid pushes to the app, in each schema, is looked at, with who did it."""
    gate = world.gate()
    host, rid = hosted(gate=gate), opened(world)
    for text in world.tenant.events.take_messages(form=form, encoding="plain"):
        host.deliver(json.loads(text))
    pass_time(world, host)
    assert open_findings(gate, rid) == [BLOB]
    (standing,) = [s for s in gate.state.findings.of(ResourceId(rid)) if s.open]
    assert [a["name"] for a in standing.value["Actors"]] == [ALICE.upn]
    assert host.failures == []


@pytest.mark.parametrize("form", ["eventgrid", "cloudevents", "strings"])
@pytest.mark.parametrize("encoding", ["base64", "plain"])
def test_an_event_in_the_queue_ends_in_a_finding(
    world: World, hosted: Hosted, form: Any, encoding: Any
) -> None:
    """What Event Grid delivers to the queue, in each schema and encoding, is looked at."""
    gate = world.gate()
    host, rid = hosted(gate=gate), opened(world)
    world.deliver(form=form, encoding=encoding, array=form != "cloudevents")
    pass_time(world, host)
    assert open_findings(gate, rid) == [BLOB]
    assert host.failures == []


def test_events_close_together_are_one_look(world: World, hosted: Hosted) -> None:
    """Two people's changes of one account are read once, and the finding names both."""
    gate = world.gate()
    host, rid = hosted(gate=gate), opened(world)
    bob = replace(
        ALICE, name="Bob", object_id=f"{ALICE.object_id[:-1]}2", upn="bob@contoso.example"
    )
    world.tenant.write(rid, {"tags": {"by": "bob"}}, by=bob, method="PATCH")
    world.tenant.requests.clear()
    world.deliver()
    pass_time(world, host)
    reads = [r for r in world.tenant.requests if r.path.casefold() == rid.casefold()]
    (standing,) = [s for s in gate.state.findings.of(ResourceId(rid)) if s.open]
    assert {a["name"] for a in standing.value["Actors"]} == {ALICE.upn, bob.upn}
    assert [r.method for r in reads] == ["GET"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"id": "1", "subject": "", "eventType": "x", "data": None},
        {"id": "1", "subject": "/x", "eventType": "x", "data": [1]},
        {"specversion": "1.0", "id": "1", "source": "/", "type": "x"},
        {"specversion": "1.0", "id": "1", "source": "/", "type": "x", "data": "text"},
        {"topic": "t", "subject": 7, "eventType": 7, "data": {"claims": 7}},
    ],
)
def test_a_bad_event_at_the_trigger_does_no_harm(
    world: World, hosted: Hosted, event: dict[str, Any]
) -> None:
    """A push that is no event of ARM's is taken without a failure, and causes no look."""
    gate = world.gate()
    host = hosted(gate=gate)
    host.deliver(event)
    pass_time(world, host, 1)
    assert host.failures == []
    assert list(gate.state.findings.all()) == []
    assert world.tenant.requests == []


def test_rubbish_in_the_queues_is_kept_and_reported(world: World, hosted: Hosted) -> None:
    """Text that is no message is no failure either: a record tells of it, and it is gone."""
    gate = world.gate()
    host = hosted(gate=gate)
    for queue in (HINTS, ACT):
        world.store.send(queue, "rubbish")
    pass_time(world, host, 1)
    assert host.failures == []
    entries = {r["Entry"] for r in world.records(gate, "health")}
    assert entries == {"unreadable-event", "unreadable-order"}
    assert (world.store.waiting(HINTS), world.store.waiting(ACT)) == (0, 0)


def failed(host: Host, name: str) -> int:
    """How often a function failed."""
    return [one for one, _ in host.failures].count(name)


def test_a_message_that_always_fails_becomes_a_record(world: World, hosted: Hosted) -> None:
    """In poison it is kept, a person is told, and it has one more round; that was the last."""

    def broken() -> Policy:
        raise RuntimeError("a fault in the code")

    gate = build(
        Settings(identities=frozenset({US.object_id})),
        TenantCredential(world.tenant, US),
        now=world.clock.now,
        transport=transport(world.tenant),
        store=world.store,
        policy=broken,
    )
    host, rid = hosted(gate=gate), opened(world)
    hint = world.hint(rid)
    gate.state.inbox.note(hint)
    minutes = MAX_DEQUEUE * RETRY.total_seconds() / 60 + 1
    pass_time(world, host, minutes)
    assert failed(host, "hints") == MAX_DEQUEUE
    assert (world.store.waiting(HINTS), world.store.waiting(f"{HINTS}-poison")) == (1, 0)
    pass_time(world, host, 60)
    assert failed(host, "hints") == MAX_DEQUEUE * 2
    assert (world.store.waiting(HINTS), world.store.waiting(f"{HINTS}-poison")) == (0, 0)
    (record,) = world.records(gate, "health")
    assert (record["Entry"], record["Severity"]) == ("poison-hints", "high")
    kept = world.store.get("unreadable", "unreadable", record["KeptAs"])
    assert kept is not None
    assert json.loads(kept.value["text"])["id"] == rid


class Tableless(Fragile):
    """A store whose tables are away while its queues answer."""

    away = True

    def __init__(self, store: Store) -> None:
        super().__init__(store, self._fail)

    def _fail(self, name: str) -> None:
        if self.away and name.endswith((" get", " insert", " replace", " put", " scan")):
            raise StoreUnavailable("state in Azure Tables: away")


def test_an_event_outlives_an_outage_of_the_tables(world: World, hosted: Hosted) -> None:
    """Longer than a message is tried: it ends in poison, and is looked at when state is back."""
    world.policy = policy(enforce(BLOB))
    store = Tableless(world.store)
    gate = world.gate(store=store)
    host, _ = hosted(gate=gate), opened(world)
    world.deliver()
    pass_time(world, host, 10)
    assert world.store.waiting(f"{HINTS}-poison") == 1
    store.away = False
    pass_time(world, host, 20)
    assert world.our_writes() == ["PATCH contoso"]
    assert [r["Entry"] for r in world.records(gate, "health")] == ["poison-hints"]
    assert world.store.waiting(HINTS) == world.store.waiting(f"{HINTS}-poison") == 0


def test_a_host_that_ends_gives_back_what_it_did_not_begin(
    world: World, hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message in hand is finished, the others of its batch show themselves at once."""
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    host = hosted(gate=gate)
    rids = world.load(*(storage(name, allowBlobPublicAccess=True) for name in ("one", "two")))
    for rid in rids:
        world.store.send(ACT, world.hint(rid).to_text())
    monkeypatch.setattr(world.tenant.events, "emit", lambda _event: host.over.set())
    assert host.work() == 1
    assert world.our_writes() == ["PATCH one"]
    assert host.work() == 0
    (left,) = world.store.receive(ACT, 8, timedelta(minutes=10))
    assert json.loads(left.text)["id"] == rids[1]
    assert host.failures == []


# --- timers


def test_timers_fire_by_the_clock(world: World, hosted: Hosted) -> None:
    """Records are shipped every 30 seconds, what is due is woken every minute."""
    gate = world.gate()
    host = hosted(gate=gate)
    (rid,) = world.load(storage(allowBlobPublicAccess=True))
    gate.state.outbox.add("health", ["x"], {"Entry": "x"})
    gate.state.due.add(world.clock.now(), world.hint(rid), "grace")
    assert host.work() == 0
    world.clock.advance(timedelta(seconds=29))
    assert host.work() == 0
    world.clock.advance(timedelta(seconds=1))
    host.work()
    assert gate.state.outbox.oldest() is None
    assert open_findings(gate, rid) == []
    world.clock.advance(timedelta(seconds=30))
    host.work()
    assert open_findings(gate, rid) == [BLOB]
    assert host.failures == []


def swept(world: World, gate: Gate) -> list[str]:
    return [record["Kind"] for record in world.records(gate, "sweeps")]


def test_sweeps_begin_by_policy(world: World, hosted: Hosted) -> None:
    """A new deployment sweeps within five minutes; then as often as policy says."""
    world.policy = policy("sweeps: {full: 6h, incremental: 1h}")
    gate = world.gate()
    host = hosted(gate=gate)
    pass_time(world, host, 4)
    assert swept(world, gate) == []
    pass_time(world, host, 2)
    assert swept(world, gate) == ["full"]
    pass_time(world, host, 58)
    assert swept(world, gate) == ["full"]
    pass_time(world, host, 5 * 60)
    assert swept(world, gate) == ["full"] + ["incremental"] * 5
    pass_time(world, host, 5)
    assert swept(world, gate) == ["full"] + ["incremental"] * 5 + ["full"]
    assert host.failures == []


def test_a_sweep_that_may_not_read_the_index_is_said_and_tried_again(
    world: World, hosted: Hosted
) -> None:
    """It fails alone, for all to see; all else goes on, and so does the next."""
    gate = world.gate()
    host, rid = hosted(gate=gate), opened(world)
    world.tenant.faults.add(Fault("status", path="*resourcegraph*", status=403, times=1))
    world.deliver()
    pass_time(world, host, 6)
    assert open_findings(gate, rid) == [BLOB]
    (record,) = world.records(gate, "sweeps")
    assert "403" in record["Failed"]
    assert [one["Entry"] for one in world.records(gate, "health")] == ["sweep-failed"]
    assert "failed" in health(host)[1]["reasons"][0]
    pass_time(world, host, 70)
    assert world.records(gate, "sweeps")[1]["Failed"] == ""
    assert health(host)[1]["reasons"] == []


# --- health


def health(host: Host) -> tuple[int, dict[str, Any]]:
    answer = host.request("GET", "/health")
    return answer.status_code, json.loads(answer.get_body())


def test_health_is_ok(world: World, hosted: Hosted) -> None:
    """A gate that does its work says so, and nothing of the estate."""
    assert health(hosted()) == (200, {"status": "ok", "app": "all", "reasons": []})


def test_health_tells_of_a_broken_policy(world: World, hosted: Hosted, tmp_path: Path) -> None:
    """Each error of the policy is a reason; once the file is mended all is well again."""
    path = tmp_path / "policy.yaml"
    gate = world.gate()
    file = PolicyFile(path, gate.engine.controls)
    host = hosted(
        gate=build(
            Settings(),
            TenantCredential(world.tenant, US),
            now=world.clock.now,
            transport=transport(world.tenant),
            store=world.store,
            policy=file,
        )
    )
    assert health(host)[1]["status"] == "degraded"
    path.write_text("version: 1\nnonsense: 1\ncritical_share: 5\n")
    status, said = health(host)
    assert (status, said["status"], len(said["reasons"])) == (200, "degraded", 2)
    assert "$.nonsense" in said["reasons"][0] + said["reasons"][1]
    path.write_text("version: 1\n# mended\n")
    assert health(host)[1]["status"] == "ok"
    path.write_bytes(b"\xff\xfe\x00")
    assert health(host)[1]["status"] == "degraded"
    path.unlink()
    assert health(host)[1]["status"] == "degraded"


def test_health_tells_of_a_stop(world: World, hosted: Hosted) -> None:
    """While writes are suspended health is degraded, and well again after."""
    gate = world.gate()
    host = hosted(gate=gate)
    gate.people.suspend("alice", "fire drill")
    status, said = health(host)
    assert (status, said["status"]) == (200, "degraded")
    assert "suspended" in said["reasons"][0]
    gate.people.resume("alice")
    assert health(host)[1]["status"] == "ok"


def test_health_tells_of_records_that_wait(world: World, hosted: Hosted) -> None:
    """Records that the log did not take for an hour are a reason; fresh ones are none."""
    gate = world.gate()
    host = hosted(gate=gate)
    world.clock.advance(timedelta(microseconds=123_456))
    gate.state.outbox.add("health", ["x"], {})
    assert health(host)[1]["status"] == "ok"
    world.clock.advance(timedelta(hours=1, seconds=1))
    assert "records wait for the log since 2026-03-02T06:00:00" in health(host)[1]["reasons"][0]


def test_health_without_state(world: World, hosted: Hosted) -> None:
    """Without state the app is not healthy at all, and says why in one line."""
    host = hosted()
    closed(world)
    status, said = health(host)
    assert (status, said["status"]) == (503, "degraded")
    assert len(said["reasons"]) == 1


def test_health_where_state_cannot_be_opened(
    load: Load, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An app whose state cannot even be opened still answers health."""
    monkeypatch.setenv("PORTCULLIS_STATE", "/dev/null/state.db")
    module = load("gate")
    host = Host(module.app, world.store, world.clock.now)
    status, said = health(host)
    assert (status, said["app"]) == (503, "gate")
    assert "state in" in said["reasons"][0]


def test_a_hand_has_no_pages(world: World, hosted: Hosted) -> None:
    """The app that holds the writer identity answers no request."""
    assert hosted(App.HAND).request("GET", "/health").status_code == 404


# --- gate and hand


def test_a_gate_decides_and_a_hand_writes(world: World, hosted: Hosted) -> None:
    """The gate alone never writes: its decision waits in the queue until a hand carries it out."""
    world.policy = policy(enforce(BLOB))
    gate = world.gate(app=App.GATE)
    host, rid = hosted(App.GATE, gate), opened(world)
    world.deliver()
    pass_time(world, host, 10)
    assert world.our_writes() == []
    assert open_findings(gate, rid) == [BLOB]
    orders = world.store.waiting(ACT)
    assert orders >= 1
    assert health(host)[1]["reasons"] == [f"orders that wait for the hand: {orders}"]
    hand = hosted(App.HAND)
    pass_time(world, hand, 1)
    assert world.our_writes() == ["PATCH contoso"]
    assert world.properties(rid)["allowBlobPublicAccess"] is False
    assert open_findings(gate, rid) == []
    assert world.store.waiting(ACT) == 0
    assert "remediated" in world.entries(gate)
    assert host.failures == hand.failures == []


def test_the_hand_looks_for_itself(world: World, hosted: Hosted) -> None:
    """What was mended between decision and hand is not written: the fresh read counts."""
    world.policy = policy(enforce(BLOB))
    host, rid = hosted(App.GATE), opened(world)
    world.deliver()
    pass_time(world, host)
    world.change(rid, {"allowBlobPublicAccess": False})
    pass_time(world, hosted(App.HAND), 1)
    assert world.our_writes() == []


def test_a_persons_yes_at_the_gate_is_carried_out_by_the_hand(world: World, hosted: Hosted) -> None:
    """An approval given where nothing may be written becomes an order for the hand."""
    world.policy = policy(f"rules: [{{control: {BLOB}, mode: approve}}]")
    gate = world.gate(app=App.GATE)
    host, rid = hosted(App.GATE, gate), opened(world)
    world.deliver()
    pass_time(world, host)
    (asked,) = gate.state.approvals.of(ResourceId(rid))
    gate.people.approve(asked.id, "alice")
    pass_time(world, host)
    assert world.our_writes() == []
    pass_time(world, hosted(App.HAND), 1)
    assert world.our_writes() == ["PATCH contoso"]
    assert world.properties(rid)["allowBlobPublicAccess"] is False


def test_a_gate_that_cannot_be_built_keeps_nothing_for_ever(
    load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While state is away each call tries anew; its garbage is collected as ever."""
    module = load("gate")

    def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(module, "build", away)
    kept = gc.get_freeze_count()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            module.gate()
    assert gc.isenabled()
    assert gc.get_freeze_count() <= kept
