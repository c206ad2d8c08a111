"""State of any version: fresh, older, newer, and on the way from one to the next."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential

from shared import schema
from shared.errors import NewerState, StoreUnavailable
from shared.hints import ACT, HINTS, SWEEPS
from shared.log import key_of
from shared.model import ResourceId
from shared.outbox import STREAMS, Console, Outbox
from shared.schema import MIGRATIONS, VERSION, Migration, Place, Schema
from shared.settings import App
from shared.state import State
from shared.store import Store
from shared.store.azure import AzureStore
from shared.store.embedded import EmbeddedStore
from shared.store.tables import Table
from simulator.clock import VirtualClock
from simulator.host import Host
from tests.azurite import ACCOUNT, KEY, Azurite
from tests.console.world import Review
from tests.engine.test_state_rights import Reading
from tests.engine.world import Fragile, Killed, World, enforce, kills, policy, storage
from tests.stage import Stage
from tests.store.crowd import at_once

ROW: tuple[Table, str, str] = ("schema", "schema", "version")
WRITES = {"insert", "replace", "put", "delete"}
QUEUES = (HINTS, SWEEPS, f"{HINTS}-poison", f"{SWEEPS}-poison", f"{ACT}-poison")
LEASE = timedelta(minutes=2)


@pytest.fixture(params=["embedded", "azurite"])
def kept(request: pytest.FixtureRequest, clock: VirtualClock) -> Iterator[Store]:
    """An empty store of each kind."""
    made: EmbeddedStore | AzureStore = EmbeddedStore(clock.now)
    if request.param == "azurite":
        running: Azurite = request.getfixturevalue("azurite")
        made = AzureStore(
            AzureNamedKeyCredential(ACCOUNT, KEY),
            tables=running.addresses["table"],
            queues=running.addresses["queue"],
            blobs=running.addresses["blob"],
            prefix=f"s{uuid.uuid4().hex[:12]}",
        )
    yield made
    made.close()


def version(store: Store) -> dict[str, Any] | None:
    row = store.get(*ROW)
    return row.value if row else None


def of_version(store: Store, number: int) -> None:
    store.put(*ROW, {"schema": number})


def aged(store: Store, clock: VirtualClock, count: int = 6, *, waiting: int = 0) -> None:
    """State as versions left it that knew no lines: records that went, and some that wait."""
    outbox = Outbox(store, clock.now)
    for i in range(count + waiting):
        if i == count:
            outbox.ship([Console(io.StringIO())])
        stream = STREAMS[i % 4]
        outbox.add(stream, [i], {"Entry": f"entry {i}", "Controls": ["plain"]})
        if i % 2:
            clock.advance(timedelta(hours=7))
    if not waiting:
        outbox.ship([Console(io.StringIO())])
    for row in list(store.scan("log")):
        store.delete("log", row.partition, row.key)
    for row in list(store.scan("outbox")):
        bare = {name: row.value[name] for name in ("Record", "KeptBy")}
        store.put("outbox", row.partition, row.key, bare)


def lines(state: State) -> list[tuple[str, str]]:
    """Stream and id of every line, in the order of the log."""
    return [
        (stream, str(row.value["EventId"])) for stream in STREAMS for row in state.log.scan(stream)
    ]


def recorded(state: State) -> list[tuple[str, str]]:
    """The same of every record that went, newest first."""
    return [
        (stream, str(record["EventId"]))
        for stream in STREAMS
        for record in reversed(list(state.outbox.records(stream)))
    ]


def assert_whole(store: Store, clock: VirtualClock, why: str = "") -> None:
    """Every record has its one line, in order, and the state is of this version."""
    state = State.over(store, clock.now)
    assert lines(state) == recorded(state), why
    assert version(store) == {"schema": VERSION}, why


# --- fresh and older


def test_each_version_leads_to_the_next() -> None:
    assert [one.start for one in MIGRATIONS] == list(range(1, VERSION))


def test_fresh_state_is_of_this_version(kept: Store, clock: VirtualClock) -> None:
    """Nothing is left to do in it."""
    state = State.over(kept, clock.now)
    assert state.suspension.stopped() is None
    assert version(kept) == {"schema": VERSION}
    assert state.schema.left() == []
    assert state.schema.migrate()


@pytest.mark.parametrize("marked", [False, True])
def test_records_of_before_get_their_lines(kept: Store, clock: VirtualClock, marked: bool) -> None:  # noqa: FBT001
    """Each its own, in order, and each leads to its record; whether or not the state was marked."""
    aged(kept, clock)
    if marked:
        of_version(kept, 1)
    state = State.over(kept, clock.now)
    assert lines(state) == []
    assert [one.start for one in state.schema.left()] == [1]
    assert state.schema.migrate()
    assert_whole(kept, clock)
    (line,) = [one for one in state.log.page("health").lines if one["Entry"] == "entry 3"]
    record = state.log.record("health", line["Key"])
    assert record is not None
    assert (record["Entry"], record["EventId"]) == ("entry 3", line["EventId"])


def test_older_versions_stop_before_anything_is_brought_up(
    store: Store, clock: VirtualClock
) -> None:
    """The first look at older state makes it ours; an app that knows less is refused from then."""
    aged(store, clock)
    State.over(store, clock.now).suspension.stopped()
    assert version(store) == {"schema": VERSION, "from": 1}


def test_lines_that_are_there_are_not_doubled(store: Store, clock: VirtualClock) -> None:
    """Neither one in its place, nor one that an older version put at the head of its instant."""
    aged(store, clock)
    state = State.over(store, clock.now)
    first, second, *_ = store.scan("records", next(store.scan("records")).partition)
    for row, order in ((first, int(first.key.split("-")[-2])), (second, 0)):
        at = row.value["OccurredAt"]
        place = key_of(datetime.fromisoformat(at), order, row.value["EventId"])
        state.log.note("actions", place, row.value, row.key)
    assert state.schema.migrate()
    assert sorted(lines(state)) == sorted(recorded(state))


def test_a_record_that_waits_gets_its_line_when_it_goes(store: Store, clock: VirtualClock) -> None:
    aged(store, clock, count=4, waiting=4)
    state = State.over(store, clock.now)
    assert state.schema.migrate()
    assert len(lines(state)) == 4
    state.outbox.ship([Console(io.StringIO())])
    assert sorted(lines(state)) == sorted(recorded(state))


def test_records_with_keys_of_the_first_form_have_lines(store: Store, clock: VirtualClock) -> None:
    """They did not say which of an instant they are."""
    at = clock.now().isoformat()
    record = {"EventId": "0123456789abcdef", "OccurredAt": at, "Entry": "asked"}
    store.put("records", f"actions {at[:10]}", f"{at}-0123456789abcdef", record)
    state = State.over(store, clock.now)
    assert state.schema.migrate()
    assert_whole(store, clock)


def test_state_comes_through_several_versions_in_order(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next begins when one is at its end, and goes on by itself where a call ended in it."""
    came: list[str | None] = []

    def run(store: Store, place: Place | None) -> Iterator[Place]:
        came.append(place[1] if place else None)
        yield from [("p", key) for key in "abc" if place is None or key > place[1]]

    monkeypatch.setattr(schema, "MIGRATIONS", (*MIGRATIONS, Migration(VERSION, "more", run)))
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    monkeypatch.setattr(schema, "_TURN", timedelta(0))
    monkeypatch.setattr(schema, "_BATCH", 4)
    aged(store, clock)
    state = State.over(store, clock.now)
    assert [state.schema.migrate() for _ in range(6)] == [False] * 5 + [True]
    assert came == [None, "a", "b", "c"]
    assert lines(state) == recorded(state)
    assert version(store) == {"schema": VERSION + 1}


# --- killed, together, overtaken


def test_killed_anywhere_it_ends_right_at_the_next_start(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every operation on the store; once the dead one's claim has run out."""
    monkeypatch.setattr(schema, "_BATCH", 2)
    for at, kill, seen in kills():
        store = EmbeddedStore(clock.now)
        aged(store, clock)
        with suppress(Killed):
            State.over(Fragile(store, kill), clock.now).schema.migrate()
        clock.advance(LEASE)
        assert State.over(store, clock.now).schema.migrate()
        assert_whole(store, clock, f"killed {seen[-1]} ({at})")
        if len(seen) <= at:
            break
    assert at > 30


@pytest.mark.parametrize("at", range(1, 34, 6))
def test_killed_on_azurite(azurite: Azurite, clock: VirtualClock, at: int) -> None:
    """As above."""
    store = AzureStore(
        AzureNamedKeyCredential(ACCOUNT, KEY),
        tables=azurite.addresses["table"],
        queues=azurite.addresses["queue"],
        blobs=azurite.addresses["blob"],
        prefix=f"s{uuid.uuid4().hex[:12]}",
    )
    aged(store, clock)
    killer = next(kill for number, kill, _ in kills() if number == at)
    with pytest.raises(Killed):
        State.over(Fragile(store, killer), clock.now).schema.migrate()
    clock.advance(LEASE)
    assert State.over(store, clock.now).schema.migrate()
    assert_whole(store, clock)
    store.close()


class Tallied(Fragile):
    """A store that tells which tables were written to."""

    def __init__(self, store: Store) -> None:
        super().__init__(store, lambda _: None)
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        real = super().__getattr__(name)

        def operation(table: str, *args: Any, **kwargs: Any) -> Any:
            self.written.append(table)
            return real(table, *args, **kwargs)

        return operation if name in WRITES else real


def test_two_that_start_at_once_migrate_once(kept: Store, clock: VirtualClock) -> None:
    """One does it, the others go on meanwhile; no line is written twice."""
    aged(kept, clock, count=12)
    tallied = Tallied(kept)

    def start(_: int) -> None:
        state = State.over(tallied, clock.now)
        state.schema.migrate()
        state.suspension.stopped()

    at_once(4, start)
    assert_whole(kept, clock)
    assert tallied.written.count("log") == 12
    assert set(tallied.written) == {"schema", "log"}


def test_nobody_waits_for_who_is_at_it(store: Store, clock: VirtualClock) -> None:
    """Another works on, and leaves the rest alone until the claim of a dead one has run out."""
    aged(store, clock)
    dying = Schema(Fragile(store, next(k for at, k, _ in kills() if at == 20)), clock.now)
    with pytest.raises(Killed):
        dying.migrate()
    other = State.over(store, clock.now)
    before = version(store)
    assert before is not None
    assert before["until"]
    assert other.schema.migrate() is False
    assert other.suspension.stopped() is None
    assert version(store) == before
    clock.advance(LEASE)
    assert other.schema.migrate()
    assert_whole(store, clock)


def test_a_long_migration_goes_on_from_call_to_call(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each works for some seconds, lets go at once, and does nothing a second time."""
    aged(store, clock, count=40)
    monkeypatch.setattr(schema, "_BATCH", 4)
    tallied = Tallied(Fragile(store, lambda _: clock.advance(timedelta(seconds=1))))
    state = State.over(tallied, clock.now)
    places = []
    while not state.schema.migrate():
        row = version(store)
        assert row is not None
        assert row["until"] == ""
        places.append(tuple(row["place"]))
        assert len(places) < 40
    assert len(places) > 3
    assert places == sorted(set(places))
    assert tallied.written.count("log") == 40
    assert_whole(store, clock)


def test_a_newer_version_takes_over_a_migration(store: Store, clock: VirtualClock) -> None:
    """Who was at it lets go, and its row stays the newer one's."""
    aged(store, clock)
    newer = {"schema": VERSION + 1, "from": 1, "place": None, "until": ""}

    def overtaken(name: str) -> None:
        if name == "before put":
            store.put(*ROW, newer)

    ours = State.over(Fragile(store, overtaken), clock.now)
    assert ours.schema.migrate() is False
    assert version(store) == newer
    assert ours.schema.migrate() is False
    clock.advance(timedelta(minutes=1))
    with pytest.raises(NewerState):
        ours.schema.migrate()
    assert version(store) == newer


# --- when it is looked at


def test_nothing_is_asked_before_first_use_and_then_one_row(
    store: Store, clock: VirtualClock
) -> None:
    """Once a minute and process, however much is done."""
    of_version(store, VERSION)
    seen: list[str] = []
    state = State.over(Fragile(store, seen.append), clock.now)
    assert seen == []
    for _ in range(10):
        state.schema.check()
    assert seen == ["before get", "after get"]
    for row in range(10):
        state.store.put("log", "p", str(row), {})
    assert seen.count("before get") == 1
    clock.advance(timedelta(minutes=1))
    state.store.put("log", "p", "k", {})
    assert seen.count("before get") == 2


def test_building_a_gate_asks_nothing(world: World) -> None:
    seen: list[str] = []
    world.gate(store=Fragile(world.store, seen.append)).close()
    assert not {one for one in seen if one.split()[1] in {*WRITES, "get", "scan"}}


def test_a_version_that_cannot_be_read_is_no_version(store: Store, clock: VirtualClock) -> None:
    """Nothing is written there."""
    store.put(*ROW, {"schema": "two"})
    with pytest.raises(StoreUnavailable, match="the version of the state cannot be read: 'two'"):
        State.over(store, clock.now).suspension.suspend("alice", "")
    assert version(store) == {"schema": "two"}


# --- newer


@pytest.fixture
def world() -> World:
    return World()


SAID = f"state is of version {VERSION + 1}, this Portcullis knows {VERSION} and writes nothing"


def test_newer_state_is_neither_read_nor_written(kept: Store, clock: VirtualClock) -> None:
    """By any part; one that is deployed anew goes on at once, one that runs within a minute."""
    of_version(kept, VERSION + 1)
    seen: list[str] = []
    state = State.over(Fragile(kept, seen.append), clock.now)
    for use in (state.suspension.stopped, lambda: state.outbox.add("health", ["a"], {})):
        with pytest.raises(NewerState, match=SAID):
            use()
    assert set(seen) == {"before get", "after get"}
    of_version(kept, VERSION)
    assert State.over(kept, clock.now).suspension.stopped() is None
    clock.advance(timedelta(minutes=1))
    assert state.suspension.stopped() is None


@dataclass
class Older:
    """An app of this version that meets newer state, under its host; `seen` is what it asks."""

    load: Callable[[str], Any]
    app: App
    world: World = field(default_factory=World)
    seen: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.account,) = self.world.load(storage(allowBlobPublicAccess=True))
        self.world.policy = policy(enforce("storage-public-blob-access"))
        of_version(self.world.store, VERSION + 1)
        module = self.load(self.app.value)
        module.use(self.world.gate(app=self.app, store=Fragile(self.world.store, self._asked)))
        self.host = Host(module.app, self.world.store, self.world.clock.now)

    def _asked(self, when: str) -> None:
        self.seen.append(when.split()[1])

    def passes(self, minutes: int) -> None:
        for _ in range(minutes):
            self.host.messages()
            self.world.clock.advance(timedelta(minutes=1))


@pytest.mark.parametrize(("app", "queues"), [(App.HAND, (ACT,)), (App.GATE, QUEUES)])
def test_messages_wait_for_a_version_that_knows_the_state(
    load: Callable[[str], Any], app: App, queues: tuple[str, ...]
) -> None:
    """For hours, as they are, in their own queues; the version that comes takes them."""
    older = Older(load, app)
    store, hint = older.world.store, older.world.hint(older.account).to_text()
    for queue in queues:
        store.send(queue, hint)
    older.passes(180)
    assert older.host.failures == []
    assert set(older.seen) == {"get", "send"}
    assert {queue: store.waiting(queue) for queue in queues} == dict.fromkeys(queues, 1)
    assert store.waiting(f"{ACT}-poison") == (1 if app is App.GATE else 0)
    older.world.clock.advance(timedelta(minutes=5))
    texts = [one.text for queue in queues for one in store.receive(queue, 9, timedelta(0))]
    assert texts == [hint] * len(queues)
    of_version(store, VERSION)
    older.passes(60)
    assert {queue: store.waiting(queue) for queue in queues} == dict.fromkeys(queues, 0)
    found = State.over(store, older.world.clock.now).findings.of(ResourceId(older.account))
    assert list(found) != []


@pytest.mark.parametrize("app", [App.GATE, App.HAND])
def test_what_only_a_newer_version_judges_waits_too(load: Callable[[str], Any], app: App) -> None:
    """No control of ours looks at such a type, and that is no reason to drop the message."""
    older, queue = Older(load, app), ACT if app is App.HAND else HINTS
    thing = f"{older.account.rpartition('/providers/')[0]}/providers/Microsoft.New/things/one"
    older.world.store.send(queue, older.world.hint(thing).to_text())
    older.passes(60)
    assert older.world.store.waiting(queue) == 1


def test_timers_write_nothing_to_newer_state(load: Callable[[str], Any]) -> None:
    """They fail, and say why."""
    older = Older(load, App.GATE)
    for timer in ("sweep", "ship", "due"):
        with pytest.raises(NewerState, match=SAID):
            older.host.fire(timer)
    assert set(older.seen) == {"get"}
    assert older.world.tenant.requests == []


def test_health_tells_of_newer_state(load: Callable[[str], Any]) -> None:
    older = Older(load, App.GATE)
    answer = older.host.request("GET", "/health")
    said = json.loads(answer.get_body())
    assert (answer.status_code, said["status"]) == (503, "degraded")
    assert said["reasons"] == [f"{SAID}: deploy the newer one to this app too"]
    assert set(older.seen) == {"get"}


def test_the_console_tells_of_newer_state() -> None:
    """In place of each page."""
    review = Review()
    of_version(review.world.store, VERSION + 1)
    review.world.clock.advance(timedelta(minutes=1))
    for path in ("/log", "/findings", "/approvals", "/estate", "/api/log"):
        answer = review.visit().get(path)
        assert (answer.status_code, SAID in answer.text) == (503, True)


@pytest.mark.parametrize(
    "command",
    ["log", "findings", "sweep", "suspend", f"hint {storage()['id']}", f"plan {storage()['id']}"],
)
def test_the_command_line_refuses_newer_state(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    """One line, and an exit that is not zero."""
    stage = Stage(tmp_path, monkeypatch, capsys)
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    assert stage.run("log").code == 0
    store = EmbeddedStore(stage.clock.now, tmp_path / ".portcullis" / "state.db")
    of_version(store, VERSION + 1)
    before = rows_of(store)
    stage.clock.advance(timedelta(minutes=2))
    ran = stage.run(*command.split())
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"portcullis: {SAID}: deploy the newer one to this app too\n"
    assert rows_of(store) == before
    store.close()


def rows_of(store: EmbeddedStore) -> list[Any]:
    """All rows of all tables."""
    found, _ = store._run("SELECT * FROM entity")  # noqa: SLF001  there is no other way to look
    return found


def test_the_command_line_brings_a_file_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A laptop has no timers: the first command shows what older versions recorded."""
    stage = Stage(tmp_path, monkeypatch, capsys)
    with closing(EmbeddedStore(stage.clock.now, tmp_path / ".portcullis" / "state.db")) as store:
        aged(store, stage.clock)
    shown = json.loads(stage.run("log", "--format", "json").out)
    assert [one["Entry"] for one in shown] == ["entry 4", "entry 0"]


def test_the_minutes_timer_brings_the_rest_up(load: Callable[[str], Any]) -> None:
    """As the gate, which may not write what the hand acts on; days count once the log is whole."""
    world = World()
    aged(world.store, world.clock)
    until = (world.clock.now() + LEASE).isoformat()
    world.store.put(*ROW, {"schema": VERSION, "from": 1, "place": None, "until": until})
    gate = world.gate(app=App.GATE, store=Reading(world.store))
    gate.due()
    assert lines(gate.state) == []
    assert world.store.get("trends", "place", "mark") is None
    world.clock.advance(LEASE)
    gate.due()
    assert lines(gate.state) == recorded(gate.state)
    assert version(world.store) == {"schema": VERSION}
    assert world.store.get("trends", "place", "mark") is not None
