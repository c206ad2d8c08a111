"""Digests to people through the real outbox and client: one message, not a storm; none lost."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from docs import example
from shared.azure.digests import Digests
from shared.azure.notices import Notices
from shared.errors import PortcullisError, Refused, StoreUnavailable, Transient
from shared.outbox import Outbox, Sink
from shared.policy import Policy
from shared.policy_file import load
from shared.settings import Settings
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from shared.store.tables import Table
from simulator.clock import VirtualClock
from simulator.faults import Fault
from simulator.tenant import Tenant
from tests.azure.arrivals import TOPIC, door
from tests.engine.world import Fragile, Killed, World, enforce, kills, policy, storage
from tests.made import ACCOUNT

ENDPOINT = "https://notices.westeurope-1.eventgrid.azure.net/api/events"
CONSOLE = "https://gate.contoso.example"
SECONDS = timedelta(seconds=30)
NIGHT = 'notices: {quiet: [{from: "22:00", to: "06:00", zone: Europe/Berlin}]}\n'
RULES = load("version: 1\n", {})


class Desk:
    """An outbox and the digests behind it, by the timers of the app."""

    def __init__(
        self,
        tenant: Tenant,
        store: Store,
        clock: VirtualClock,
        rules: Policy = RULES,
    ) -> None:
        self.tenant = tenant
        self.clock = clock
        self.outbox = Outbox(store, clock.now)
        self.digests = Digests(store, door(tenant, ENDPOINT), lambda: rules, CONSOLE)
        self.sinks: list[Sink] = [self.digests]
        self.faults: list[PortcullisError] = []

    def add(self, owner: str, *identity: Any, **fields: Any) -> str:
        told = {"Entry": "remediated", "ResourceId": ACCOUNT, "Owner": owner, **fields}
        return str(self.outbox.add("actions", [told["Entry"], *identity], told)["EventId"])

    def passes(self, **time: float) -> None:
        """Half a minute at a time: records are shipped, each whole minute what is due is told."""
        until = self.clock.now() + timedelta(**time)
        while self.clock.now() < until:
            self.clock.advance(SECONDS)
            self._try(lambda: self.outbox.ship(self.sinks))
            if self.clock.now().second == 0:
                self._try(self.digests.send)

    def _try(self, timer: Any) -> None:
        try:
            timer()
        except PortcullisError as fault:
            self.faults.append(fault)

    @property
    def sent(self) -> list[dict[str, Any]]:
        return told(self.tenant)


def told(tenant: Tenant) -> list[dict[str, Any]]:
    """The digests that the topic took, oldest first."""
    return [event for event in tenant.topic.events if event["type"] == "Portcullis.Digest"]


def counts(events: list[dict[str, Any]]) -> dict[str, int]:
    """By owner, how much was told; what came twice under one id is one message."""
    found: Counter[str] = Counter()
    for event in {event["id"]: event for event in events}.values():
        assert event["data"]["count"] == sum(g["count"] for g in event["data"]["groups"])
        found[event["subject"]] += event["data"]["count"]
    return dict(found)


@pytest.fixture
def desk(tenant: Tenant, store: EmbeddedStore, clock: VirtualClock) -> Desk:
    return Desk(tenant, store, clock)


# --- what is told


def test_a_cure_is_told_to_its_owner_with_the_way_back(clock: VirtualClock) -> None:
    """By the whole app: what, where, why, who, and the link to the page with the button."""
    world = World(clock=clock, settings=Settings(topic=ENDPOINT, console_url=CONSOLE))
    (account,) = world.load({**storage(allowBlobPublicAccess=False), "tags": {"owner": "web"}})
    world.change(account, {"allowBlobPublicAccess": True})
    world.policy = policy(enforce("storage-public-blob-access"))
    gate = world.gate()
    world.run(gate)
    gate.worker.ship(gate.sinks)
    clock.advance(timedelta(minutes=1))
    gate.due()
    (event,) = told(world.tenant)
    (action,) = [r for r in world.records(gate) if r["Entry"] == "remediated"]
    (group,) = event["data"]["groups"]
    assert (event["subject"], event["data"]["owner"]) == ("web", "web")
    assert event["data"]["headline"] == "put right (1)"
    assert group == {
        "what": "put right",
        "type": "Portcullis.Remediated",
        "control": "storage-public-blob-access",
        "severity": "high",
        "count": 1,
        "where": [account],
        "why": "/properties/allowBlobPublicAccess is true, expected false",
        "who": "alice@contoso.example",
        "undo": f"portcullis undo {action['ActionId']}",
        "action": action["ActionId"],
        "plan": "",
        "command": f"portcullis undo {action['ActionId']}",
        "link": f"{CONSOLE}/log/{action['ActionId']}",
    }


def test_a_real_morning_in_one_digest_an_owner(desk: Desk) -> None:
    """What people need not hear of is left out; the machines' feed stays as it was."""
    machines = Notices(door(desk.tenant, ENDPOINT))
    for stream, records in example.played().items():
        desk.digests.keep(stream, records)
        machines.keep(stream, records)
    desk.passes(minutes=2)
    urgent, calm = sorted(desk.sent, key=lambda event: not event["data"]["urgent"])
    kinds = [{g["type"].split(".")[1] for g in e["data"]["groups"]} for e in (urgent, calm)]
    assert kinds[0] == {"Contested", "GateUnhealthy"}
    assert kinds[1] == {"FindingOpened", "Remediated", "ApprovalAsked", "Undone", "Failed"}
    assert {g["what"] for g in urgent["data"]["groups"]} >= {"unknown-own-write"}
    assert len(desk.tenant.topic.events) > 10


@pytest.mark.parametrize(
    ("stream", "fields", "urgent"),
    [
        ("findings", {"Transition": "opened", "Severity": "critical"}, False),
        ("findings", {"Transition": "opened", "Severity": "high"}, None),
        ("actions", {"Entry": "intent"}, None),
        ("actions", {"Entry": "asked", "PlanId": "p"}, False),
        ("actions", {"Entry": "notice"}, False),
        ("actions", {"Entry": "limit-reached"}, True),
        ("actions", {"Entry": "contested"}, True),
        ("actions", {"Entry": "suspended", "ResourceId": "/"}, True),
        ("actions", {"Entry": "suspended", "ResourceId": ACCOUNT}, None),
        ("actions", {"Entry": "resumed", "ResourceId": "/"}, False),
        ("health", {"Entry": "unknown-own-write", "Severity": "critical"}, True),
        ("health", {"Entry": "gave-up", "Severity": "high"}, True),
        ("health", {"Entry": "seen-scope", "Severity": "low"}, False),
        ("sweeps", {"Summary": "sweep"}, None),
    ],
)
def test_what_people_hear_of_and_how_soon(
    desk: Desk,
    stream: str,
    fields: dict[str, str],
    urgent: bool | None,  # noqa: FBT001  what is expected
) -> None:
    """Urgent at the next minute, the rest when it has settled, some never."""
    desk.outbox.add(stream, [fields], fields)
    desk.passes(minutes=1)
    assert [event["data"]["urgent"] for event in desk.sent] == ([True] if urgent else [])
    desk.passes(minutes=1)
    assert [event["data"]["urgent"] for event in desk.sent] == [
        u for u in [urgent] if u is not None
    ]
    assert {event["subject"] for event in desk.sent} <= {"unowned"}


def test_owners_are_the_same_in_whatever_case_they_are_written(desk: Desk) -> None:
    """One message, in the first spelling."""
    for i, owner in enumerate(["Team-Web", "team-web", "", "unowned"]):
        desk.add(owner, i)
    desk.passes(minutes=2)
    assert counts(desk.sent) == {"Team-Web": 2, "unowned": 2}


def test_without_a_console_commands_stand_alone(
    tenant: Tenant, store: EmbeddedStore, clock: VirtualClock
) -> None:
    """No link leads nowhere."""
    desk = Desk(tenant, store, clock)
    desk.digests = Digests(store, door(tenant, ENDPOINT), lambda: RULES, "")
    desk.sinks = [desk.digests]
    desk.add("web", 1, ActionId="a1", UndoCommand="portcullis undo a1")
    desk.passes(minutes=2)
    (group,) = desk.sent[0]["data"]["groups"]
    assert (desk.sent[0]["data"]["console"], group["link"]) == ("", "")
    assert group["command"] == "portcullis undo a1"


# --- how often


def test_a_storm_is_one_message_an_owner(desk: Desk) -> None:
    """Five hundred cures for three owners in a minute: three messages, every cure counted."""
    for i in range(500):
        desk.add(f"team-{i % 3}", i)
        if i % 250 == 249:
            desk.passes(seconds=30)
    desk.passes(minutes=15)
    assert len(desk.sent) == 3
    assert counts(desk.sent) == {"team-0": 167, "team-1": 167, "team-2": 166}
    assert all(len(g["where"]) <= 5 for e in desk.sent for g in e["data"]["groups"])


def test_a_long_storm_is_one_message_in_each_window(desk: Desk) -> None:
    """An hour of cures: four or five messages, fifteen minutes apart."""
    for i in range(120):
        desk.add("web", i)
        desk.passes(seconds=30)
    desk.passes(minutes=16)
    assert counts(desk.sent) == {"web": 120}
    assert len(desk.sent) == 5
    assert len({event["id"] for event in desk.sent}) == 5


def test_urgent_is_told_at_night_and_the_rest_in_the_morning(
    tenant: Tenant, store: EmbeddedStore, clock: VirtualClock
) -> None:
    """At 3 a.m. the pager goes once in a quarter of an hour; a cure waits for six o'clock."""
    clock.advance(timedelta(hours=20))
    desk = Desk(tenant, store, clock, load(f"version: 1\n{NIGHT}", {}))
    for minute in range(20):
        desk.add("web", minute, Entry="contested")
        desk.add("web", minute)
        desk.passes(minutes=1)
    desk.passes(minutes=15)
    assert [(e["data"]["urgent"], e["data"]["count"]) for e in desk.sent] == [
        (True, 1),
        (True, 15),
        (True, 4),
    ]
    desk.passes(hours=6)
    assert [(e["data"]["urgent"], e["data"]["count"]) for e in desk.sent[3:]] == [(False, 20)]
    assert desk.sent[-1]["time"] == "2026-03-03T05:00:00.000Z"


# --- at least once, and told once


@pytest.mark.parametrize("kind", ["cut-before", "timeout-before", "cut-after", "timeout-after"])
def test_a_topic_that_was_away_for_hours(desk: Desk, kind: Any) -> None:
    """What was gathered is at most two messages when it is back; the log is never held up."""
    desk.tenant.faults.add(Fault(kind, path=TOPIC, times=0))
    for i in range(8):
        desk.add("web", i)
        desk.passes(hours=1)
    assert desk.outbox.oldest() is None
    assert all(isinstance(fault, Transient) for fault in desk.faults)
    desk.tenant.faults.clear()
    taken = len({event["id"] for event in desk.sent})
    desk.passes(minutes=20)
    assert counts(desk.sent) == {"web": 8}
    assert len({event["id"] for event in desk.sent}) - taken <= 2


@pytest.mark.parametrize(("status", "code"), [(503, "Busy"), (403, "Forbidden"), (429, "Slow")])
def test_what_a_topic_refused_is_one_message_when_it_takes_again(
    desk: Desk, status: int, code: str
) -> None:
    """It said no, so nothing was told: all of it is gathered, the first word's example first."""
    desk.tenant.faults.add(Fault("status", path=TOPIC, status=status, code=code, times=0))
    for i in range(6):
        desk.add("web", i, Message=f"word {i}")
        desk.passes(minutes=10)
    assert {type(fault) for fault in desk.faults} <= {Transient, Refused}
    desk.tenant.faults.clear()
    desk.passes(minutes=3)
    assert [event["data"]["count"] for event in desk.sent] == [6]
    assert desk.sent[0]["data"]["groups"][0]["why"] == "word 0"


def test_a_lost_answer_is_repeated_under_the_same_id(desk: Desk) -> None:
    """The same words too, whatever came meanwhile: who counts ids counts right."""
    desk.add("web", 1)
    desk.tenant.faults.add(Fault("cut-after", path=TOPIC))
    desk.passes(minutes=2)
    desk.add("web", 2)
    desk.passes(minutes=20)
    first, repeat, rest = desk.sent
    assert first == repeat
    assert rest["id"] != first["id"]
    assert counts(desk.sent) == {"web": 2}


def test_a_repeat_wakes_nobody(tenant: Tenant, store: EmbeddedStore, clock: VirtualClock) -> None:
    """The answer was lost a minute before the night: the repeat comes when it is over."""
    clock.advance(timedelta(hours=14, minutes=57))
    desk = Desk(tenant, store, clock, load(f"version: 1\n{NIGHT}", {}))
    tenant.faults.add(Fault("cut-after", path=TOPIC))
    desk.add("web", 1)
    desk.passes(minutes=30)
    assert len(desk.sent) == 1
    desk.passes(hours=8)
    assert len(desk.sent) == 2
    assert counts(desk.sent) == {"web": 1}


def test_a_refusal_after_a_lost_answer_gathers_nothing_twice(desk: Desk) -> None:
    """What may have been taken stays as it was, though the topic says no the next time."""
    desk.add("web", 1)
    desk.tenant.faults.add(Fault("cut-after", path=TOPIC))
    desk.tenant.faults.add(Fault("status", path=TOPIC, status=503, times=2))
    desk.passes(minutes=2)
    desk.add("web", 2)
    desk.passes(minutes=30)
    assert counts(desk.sent) == {"web": 2}


def test_records_that_come_again_are_counted_once(desk: Desk) -> None:
    """Under one EventId, in the same window or after it was told."""
    for _ in range(3):
        desk.add("web", "same")
        desk.add("web", "urgent", Entry="contested")
        desk.passes(minutes=20)
    assert counts(desk.sent) == {"web": 2}


def test_one_owner_in_trouble_holds_up_no_other(
    tenant: Tenant, store: EmbeddedStore, clock: VirtualClock
) -> None:
    """The state fails for one owner's row: the others are told, and the fault is raised."""

    class Torn:
        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        def replace(self, table: Table, partition: str, key: str, *rest: Any) -> str:
            if key == "b" and torn:
                raise StoreUnavailable("the row of b")
            return store.replace(table, partition, key, *rest)

    torn = False
    desk = Desk(tenant, Torn(), clock)
    for owner in "abc":
        desk.add(owner, owner)
    desk.passes(seconds=30)
    torn = True
    desk.passes(minutes=2)
    assert sorted(counts(desk.sent)) == ["a", "c"]
    assert {str(fault) for fault in desk.faults} == {"the row of b"}
    torn = False
    desk.passes(minutes=1)
    assert counts(desk.sent) == {"a": 1, "b": 1, "c": 1}


def _killed(tenant_of: Any, clock_of: Any) -> Iterator[tuple[Desk, list[str], list[str]]]:
    """A desk whose process was killed at its first store operation, its second, ..."""
    for _, kill, seen in kills():
        clock = clock_of()
        tenant, store = tenant_of(clock), EmbeddedStore(clock.now)
        doomed = Desk(tenant, Fragile(store, kill), clock)
        desk = Desk(tenant, store, clock)
        sent = [desk.add(f"team-{i % 2}", i) for i in range(4)]
        sent.append(desk.add("team-0", "urgent", Entry="contested"))
        try:
            doomed.passes(minutes=3)
        except Killed:
            yield desk, sent, seen
            continue
        return


def test_nothing_is_lost_and_nothing_told_twice_wherever_the_process_ends() -> None:
    """Killed before and after each operation on the state, in filing and in telling."""
    places = 0
    for desk, sent, seen in _killed(Tenant, VirtualClock):
        where = f"killed {seen[-1]} ({len(seen)})"
        late = desk.add("team-1", "late")
        desk.passes(minutes=40)
        assert late not in sent
        assert counts(desk.sent) == {"team-0": 3, "team-1": 3}, where
        for one in {event["id"] for event in desk.sent}:
            repeats = [event for event in desk.sent if event["id"] == one]
            assert all(event == repeats[0] for event in repeats), where
        for owner in ("team-0", "team-1"):
            calm = {
                e["id"]: e["time"]
                for e in desk.sent
                if e["subject"] == owner and not e["data"]["urgent"]
            }
            assert len(calm) <= 2, where
        places += 1
    assert places > 30


def test_two_processes_file_and_tell_at_once(
    tenant: Tenant, store: EmbeddedStore, clock: VirtualClock
) -> None:
    """Whoever comes second finds the row moved, and adds to it."""
    one, two = Desk(tenant, store, clock), Desk(tenant, store, clock)
    for i in range(40):
        (one, two)[i % 2].add("web", i)
        records = list(one.outbox.records("actions"))
        two.digests.keep("actions", records[-3:])
        one.digests.keep("actions", records[-5:])
    one.passes(minutes=1)
    two.passes(minutes=1)
    one.digests.send()
    assert counts(one.sent) == {"web": 40}
    assert len(one.sent) == 1


def test_owners_with_nothing_to_tell_are_forgotten(desk: Desk, store: EmbeddedStore) -> None:
    """Rows do not stay for ever; what waits does."""
    desk.add("web", 1)
    desk.passes(minutes=3)
    assert [row.key for row in store.scan("digests")] == ["web"]
    desk.passes(hours=6)
    assert list(store.scan("digests")) == []
    assert list(itertools.islice(store.scan("outbox"), 1)) == []


# --- the minute's timer


def test_a_topic_that_is_away_stops_nothing_else(clock: VirtualClock) -> None:
    """What is due is woken all the same, and the fault is said."""
    world = World(clock=clock, settings=Settings(topic=ENDPOINT))
    gate = world.gate()
    gate.state.outbox.add("health", ["x"], {"Entry": "x", "Severity": "high"})
    assert gate.digests is not None
    gate.worker.ship([gate.digests])
    gate.state.due.add(clock.now(), world.hint(ACCOUNT), "grace")
    world.tenant.faults.add(Fault("status", path=TOPIC, status=503, times=0))
    with pytest.raises(Transient, match=r"the topic notices\.westeurope"):
        gate.due()
    assert list(gate.state.due.waiting()) == []


def test_what_else_the_timer_does_holds_up_no_digest(clock: VirtualClock) -> None:
    """Dead letters that cannot be read are said, after people were told."""

    def unreadable() -> Any:
        raise StoreUnavailable("the letters")

    world = World(clock=clock, settings=Settings(topic=ENDPOINT))
    gate = replace(world.gate(), letters=unreadable)
    gate.state.outbox.add("health", ["x"], {"Entry": "x", "Severity": "high"})
    gate.worker.ship(gate.sinks)
    with pytest.raises(StoreUnavailable, match="the letters"):
        gate.due()
    assert [event["data"]["headline"] for event in told(world.tenant)] == ["x (1)"]


def test_without_a_topic_nobody_is_told(clock: VirtualClock) -> None:
    """Nothing is filed, and the timer asks the state for nothing."""
    world = World(clock=clock)
    gate = world.gate()
    assert gate.digests is None
    assert "digest" not in {sink.name for sink in gate.sinks}
    gate.due()
