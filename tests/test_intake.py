"""Intake: whatever arrives becomes a hint, is ours, is ignored, or is kept and reported."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rules import controls
from shared.decision import Decision, Do, Mode
from shared.errors import Transient
from shared.hints import HINTS, Hint
from shared.intake import Intake, Taken
from shared.journal import Journal
from shared.model import Control, ResourceId
from shared.observing import Observer
from shared.outbox import Record
from shared.own import Own
from shared.planning import Cure
from shared.policy_scopes import Below
from shared.state import State
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.engine.world import ALICE, CONTROLS, SUBSCRIPTION, US, policy
from tests.made import ACCOUNT, GROUP, finding, plan

NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
DISK = f"{GROUP}/providers/Microsoft.Compute/disks/data"
ADDRESS = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/ip"
TEN_MINUTES = timedelta(minutes=10)
WRITE = "Microsoft.Resources.ResourceWriteSuccess"
HINTED, OURS = Taken(hinted=1), Taken(ours=1)
IGNORED, UNREADABLE = Taken(ignored=1), Taken(unreadable=1)


class NoReader:
    """Intake asks Azure nothing."""

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Any:
        raise AssertionError(f"{resource_id} was read")

    def list(self, collection: str, api_version: str) -> Any:
        raise AssertionError(f"{collection} was read")


@pytest.fixture
def state(store: Store, clock: VirtualClock) -> State:
    return State.over(store, clock.now)


@pytest.fixture
def intake(state: State) -> Intake:
    return made(state)


def made(state: State, text: str = "", known: dict[str, Control] = CONTROLS) -> Intake:
    observer = Observer(NoReader(), known, state.now)
    watching = policy(text)
    return Intake(observer, state, lambda: watching, frozenset({US.object_id.upper()}))


def event(subject: str = ACCOUNT, kind: str = WRITE, **data: Any) -> dict[str, Any]:
    return {
        "subject": subject,
        "eventType": kind,
        "eventTime": "2026-03-02T06:00:00Z",
        "data": data,
    }


def by(object_id: str, request: str = "", correlation: str = "") -> dict[str, Any]:
    """The parts of an event's data that tell who did it."""
    return {
        "claims": {"http://schemas.microsoft.com/identity/claims/objectidentifier": object_id},
        "httpRequest": {"clientRequestId": request},
        "correlationId": correlation,
    }


def hinted(state: State) -> list[str]:
    """The ids that messages on their way hint at."""
    state.now.__self__.advance(timedelta(minutes=1))  # type: ignore[attr-defined]
    messages = state.store.receive(HINTS, 32, timedelta(minutes=1))
    for message in messages:
        state.store.done(message)
    found = [Hint.from_json(json.loads(m.text)) for m in messages]
    return sorted(hint.id.text for hint in found if hint is not None)


def health(state: State) -> list[Record]:
    return list(state.outbox.records("health"))


# --- forms


@pytest.mark.parametrize("form", ["eventgrid", "cloudevents", "strings"])
@pytest.mark.parametrize("encoding", ["base64", "plain"])
@pytest.mark.parametrize("array", [True, False])
def test_every_form_of_an_event_becomes_the_same_hint(
    state: State, intake: Intake, form: Any, encoding: Any, array: Any
) -> None:
    """Each schema, encoded or plain, alone or in an array, text or bytes: one id, one actor."""
    tenant = Tenant()
    tenant.load({"id": ACCOUNT, "kind": "StorageV2", "properties": {}})
    tenant.events.take()
    tenant.write(ACCOUNT, {"tags": {"a": "b"}}, by=ALICE, method="PATCH")
    (message,) = tenant.events.take_messages(form=form, encoding=encoding, array=array)
    assert intake.take(message) == intake.take(message.encode()) == HINTED
    row = state.store.get("dirty", ResourceId(ACCOUNT).key, "marker")
    assert row is not None
    (actor,) = row.value["actors"]
    assert (actor["name"], actor["object_id"]) == (ALICE.upn, ALICE.object_id)
    assert actor["operation"] == "Microsoft.Storage/storageAccounts/write"
    assert actor["correlation_id"]
    assert [i.casefold() for i in hinted(state)] == [ACCOUNT.casefold()]


def test_an_array_of_many(state: State, intake: Intake) -> None:
    """Each event of a delivery has its own fate; a bad one takes no other with it."""
    delivery = [event(), event(NSG), 7, event(f"{GROUP}"), {"data": {}}, event(ACCOUNT)]
    assert intake.take(json.dumps(delivery)) == Taken(hinted=3, ignored=1, unreadable=2)
    assert hinted(state) == sorted([ACCOUNT, NSG])
    assert len(health(state)) == 2


def test_the_resource_is_found_where_the_subject_is_missing(state: State, intake: Intake) -> None:
    """Without a subject `resourceUri` names the resource, then the authorization's scope."""
    for data in (
        {"resourceUri": ACCOUNT},
        {"authorization": {"scope": NSG}},
        {"authorization": json.dumps({"scope": SERVER})},
    ):
        assert intake.take(json.dumps({"eventType": WRITE, "data": data})) == HINTED
    assert hinted(state) == sorted([ACCOUNT, NSG, SERVER])


# --- where an event points


@pytest.mark.parametrize(
    ("subject", "judged"),
    [
        (f"{NSG}/securityRules/ssh", NSG),
        (f"{SERVER}/firewallRules/all", SERVER),
        (f"{ACCOUNT}/blobServices/default/containers/c", ACCOUNT),
        (f"{ACCOUNT}/providers/Microsoft.Resources/tags/default", ACCOUNT),
        (f"{ACCOUNT}/providers/Microsoft.Authorization/locks/keep", ACCOUNT),
        (f"{ACCOUNT}/providers/Microsoft.Insights/diagnosticSettings/d", ACCOUNT),
        (ACCOUNT.replace("resourceGroups", "resourcegroups"), ACCOUNT),
        (ACCOUNT.upper(), ACCOUNT),
        (f" {ACCOUNT}/ ", ACCOUNT),
        (ADDRESS, ADDRESS),
        (SUBSCRIPTION, SUBSCRIPTION),
        (f"{SUBSCRIPTION}/providers/Microsoft.Authorization/locks/l", SUBSCRIPTION),
    ],
)
@pytest.mark.parametrize("kind", ["Write", "Delete"])
def test_events_point_at_what_is_judged(
    state: State, intake: Intake, subject: str, judged: str, kind: str
) -> None:
    """A change of a child, a lock or tags, and their removal, hints at the judged parent."""
    text = json.dumps(event(subject, f"Microsoft.Resources.Resource{kind}Success"))
    assert intake.take(text) == HINTED
    assert [i.casefold() for i in hinted(state)] == [judged.casefold()]


@pytest.mark.parametrize(
    "subject",
    [
        GROUP,
        f"{GROUP}/providers/Microsoft.BotService/botServices/n",
        f"{GROUP}/providers/Microsoft.BotService/botServices/n/channels/r",
        "/providers/Microsoft.Management/managementGroups/mg",
        "somewhere",
        "//",
        "/ /a/ /",
    ],
)
def test_what_no_control_judges_is_ignored(state: State, intake: Intake, subject: str) -> None:
    """An event about nothing judged leaves no hint."""
    taken = intake.take(json.dumps(event(subject)))
    assert taken in (IGNORED, UNREADABLE)
    assert hinted(state) == []


def test_what_policy_does_not_watch_is_ignored(state: State) -> None:
    """Only events of watched scopes become hints."""
    intake = made(state, f"scopes: [{GROUP}]")
    other = ACCOUNT.replace("/Prod/", "/Prod2/")
    assert intake.take(json.dumps([event(), event(other)])) == Taken(hinted=1, ignored=1)
    assert hinted(state) == [ACCOUNT]


def test_what_policy_excludes_is_ignored(state: State) -> None:
    """Also where the scope around it is watched."""
    intake = made(state, f"scopes: [/]\nexclude: [{GROUP}]")
    other = ACCOUNT.replace("/Prod/", "/Prod2/")
    assert intake.take(json.dumps([event(), event(other)])) == Taken(hinted=1, ignored=1)
    assert hinted(state) == [other]


@pytest.mark.parametrize("key", ["scopes", "exclude"])
def test_an_event_is_kept_while_it_cannot_be_seen_where_it_lies(state: State, key: str) -> None:
    """A management group that cannot be listed now loses no hint; the look asks again."""

    def busy(_: str) -> Below:
        raise Transient("busy")

    watching = policy(f"{key}: [/providers/Microsoft.Management/managementGroups/corp]")
    watching.place(busy)
    known = controls()
    observer = Observer(NoReader(), known, state.now)
    intake = Intake(observer, state, lambda: watching, frozenset())
    assert intake.take(json.dumps(event())) == HINTED
    assert hinted(state) == [ACCOUNT]


def test_what_nobody_watches_costs_the_store_nothing(
    state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of events of other scopes and types is told apart without a read of state."""
    intake = made(state, f"scopes: [{GROUP}]")

    def asked(*names: str) -> None:
        raise AssertionError(f"state was asked for {names}")

    state.schema.check()
    monkeypatch.setattr(EmbeddedStore, "get", asked)
    others = [ACCOUNT.replace("/Prod/", "/Prod2/"), f"{GROUP}/providers/Microsoft.Web/sites/w"]
    told = by(ALICE.object_id, request="r", correlation="c")
    assert intake.take(json.dumps([event(o, **told) for o in others])) == Taken(ignored=2)


def test_failures_are_ignored(state: State, intake: Intake) -> None:
    """What did not happen is no reason to look."""
    for kind in ("WriteFailure", "DeleteFailure", "WriteCancel", "ActionFailure"):
        text = json.dumps(event(kind=f"Microsoft.Resources.Resource{kind}"))
        assert intake.take(text) == IGNORED
    assert hinted(state) == []


def test_actions_count_where_a_control_lists_them(state: State, intake: Intake) -> None:
    """A POST is a reason to look only where a control says that it may violate it."""
    kind = "Microsoft.Resources.ResourceActionSuccess"
    granting = event(DISK, kind, operationName="MICROSOFT.COMPUTE/disks/beginGetAccess/ACTION")
    reading = event(
        ACCOUNT, kind, operationName="Microsoft.Storage/storageAccounts/listKeys/action"
    )
    untold = event(DISK, kind)
    assert intake.take(json.dumps([granting, reading, untold])) == Taken(hinted=1, ignored=2)
    assert hinted(state) == [DISK]


# --- our own writes


def sent(journal: Journal, request: str, correlation: str) -> None:
    """The journal knows a write of ours by these ids."""
    one = finding()
    story = journal.begin(
        "an-action",
        Cure(plan=plan(), findings=(one,)),
        Decision(do=Do.REMEDIATE, mode=Mode.ENFORCE, source="test"),
        episodes={},
        actors=(),
        owner="",
        person="",
        durations={},
    )
    journal.sent(journal.sending(story, request), correlation)


@pytest.mark.parametrize("who", [US.object_id, ALICE.object_id])
def test_our_own_writes_wake_nobody(
    state: State, intake: Intake, clock: VirtualClock, who: str
) -> None:
    """A write known by its request id, or by its correlation id alone, leaves no hint."""
    sent(state.journal, "Request-1", "Correlation-1")
    told = [
        by(who, request="request-1"),
        by(who, correlation="CORRELATION-1"),
        by(who, request="other", correlation="correlation-1"),
    ]
    for data in told:
        assert intake.take(json.dumps(event(**data))) == OURS
    clock.advance(2 * TEN_MINUTES)
    assert intake.check_suspects() == 0
    assert hinted(state) == []


def test_others_writes_are_not_ours(state: State, intake: Intake) -> None:
    """Empty ids, or other ones, are nobody's; such a write is looked at."""
    sent(state.journal, "request-1", "")
    for data in (by(ALICE.object_id), by("", "request-2", "request")):
        assert intake.take(json.dumps(event(**data))) == HINTED


def test_an_unknown_write_under_our_identity_alarms_after_ten_minutes(
    state: State, intake: Intake, clock: VirtualClock
) -> None:
    """It is looked at as anybody's; when the journal stays silent for ten minutes, it alarms."""
    text = json.dumps(event(**by(US.object_id, "stolen", "stolen too")))
    assert intake.take(text) == HINTED
    clock.advance(TEN_MINUTES - timedelta(seconds=1))
    assert intake.check_suspects() == 0
    assert health(state) == []
    clock.advance(timedelta(seconds=1))
    assert intake.check_suspects() == 1
    (alarm,) = health(state)
    assert (alarm["Entry"], alarm["Severity"]) == ("unknown-own-write", "critical")
    assert ResourceId(alarm["ResourceId"]) == ResourceId(ACCOUNT)
    assert alarm["CausedBy"][0]["client_request_id"] == "stolen"
    clock.advance(TEN_MINUTES)
    assert intake.check_suspects() == 0


@pytest.mark.parametrize("known_by", ["request", "correlation"])
def test_no_alarm_where_the_journal_learns_of_it(
    state: State, intake: Intake, clock: VirtualClock, known_by: str
) -> None:
    """An event that overtakes the journal is no alarm: the journal has ten minutes."""
    intake.take(json.dumps(event(**by(US.object_id, "request", "correlation"))))
    clock.advance(TEN_MINUTES - timedelta(seconds=1))
    sent(state.journal, *(("request", "") if known_by == "request" else ("x", "correlation")))
    clock.advance(timedelta(hours=1))
    assert intake.check_suspects() == 0
    assert health(state) == []


def test_our_identity_is_known_in_every_spelling(
    state: State, intake: Intake, clock: VirtualClock
) -> None:
    """Claims in strings, other cases, and the evidence's ids without dashes are our identity."""
    claims = by(US.object_id.upper())["claims"]
    bare = US.object_id.replace("-", "")
    forms: list[dict[str, Any]] = [
        {"claims": json.dumps(claims)},
        {"authorization": {"evidence": {"principalId": bare}}},
        {"authorization": json.dumps({"evidence": {"principalId": US.object_id}})},
    ]
    for i, data in enumerate(forms):
        intake.take(json.dumps(event(f"{ACCOUNT}{i}", **data)))
    clock.advance(TEN_MINUTES)
    assert intake.check_suspects() == 3


def test_failed_and_foreign_writes_raise_no_alarm(
    state: State, intake: Intake, clock: VirtualClock
) -> None:
    """A write under our identity that Azure refused, or anybody else's, is not suspicious."""
    failed = "Microsoft.Resources.ResourceWriteFailure"
    intake.take(json.dumps(event(kind=failed, **by(US.object_id, "x"))))
    intake.take(json.dumps(event(**by(ALICE.object_id, "x"))))
    clock.advance(TEN_MINUTES)
    assert intake.check_suspects() == 0


def test_a_write_where_nothing_is_judged_alarms_too(
    state: State, intake: Intake, clock: VirtualClock
) -> None:
    """A stolen identity may write anywhere: the alarm does not depend on a control."""
    assert intake.take(json.dumps(event(GROUP, **by(US.object_id, "x")))) == IGNORED
    clock.advance(TEN_MINUTES)
    assert intake.check_suspects() == 1


# --- what others recorded

RECORDED = {
    "c7n-queue-body-minimal": IGNORED,
    "c7n-sample-event-resourcegroup-write": IGNORED,
    "c7n-storage-container-event-minimal": HINTED,
    "cloudevents-action-success-resourcegroup": IGNORED,
    "cloudevents-delete-success-resourcegroup": HINTED,
    "cloudevents-write-success-resourcegroup": HINTED,
    "eventgrid-action-success-subscription": IGNORED,
    "eventgrid-delete-success-subscription": HINTED,
    "eventgrid-write-success-old-dataversion-empty": IGNORED,
    "eventgrid-write-success-subscription": HINTED,
}


def test_recorded_events(recorded: Path, state: State, intake: Intake) -> None:
    """Every recorded sample becomes what it should: storage is looked at, the rest is not."""
    files = sorted((recorded / "events").glob("*.json"))
    found = {file.stem: intake.take(file.read_bytes()) for file in files}
    assert found == RECORDED
    assert health(state) == []
    assert {ResourceId(i).type for i in hinted(state)} == {"Microsoft.Storage/storageAccounts"}


def test_a_control_that_judges_a_child_is_hinted_at_it(state: State) -> None:
    """Where a control judges the child itself, its event hints at the child, not the parent."""
    one = controls()["storage-public-blob-access"]
    child = replace(
        one.detector.resource_type, name="Microsoft.Storage/storageAccounts/blobServices"
    )
    known = {"c": replace(one, detector=replace(one.detector, resource_type=child))}
    intake = made(state, known=known)
    subject = f"{ACCOUNT}/blobServices/default/containers/c"
    assert intake.take(json.dumps(event(subject))) == HINTED
    assert hinted(state) == [f"{ACCOUNT}/blobServices/default"]


# --- what we run on


STATE_ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/portcullisstate"
APP = f"{GROUP}/providers/Microsoft.Web/sites/portcullis-gate"
RULE = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules/portcullis"
RUNS_ON = Own(
    accounts=frozenset({"portcullisstate"}),
    apps=frozenset({ResourceId(APP)}),
    listed=frozenset({ResourceId(RULE)}),
)
DELETED = "Microsoft.Resources.ResourceDeleteSuccess"


def made_of_ours(state: State) -> Intake:
    observer, watching = Observer(NoReader(), CONTROLS, state.now), policy("")
    return Intake(observer, state, lambda: watching, frozenset(), RUNS_ON)


@pytest.mark.parametrize(
    "gone", [STATE_ACCOUNT, STATE_ACCOUNT.upper(), APP, RULE, GROUP, f"{APP}/config/web"]
)
def test_the_deletion_of_what_we_run_on_is_an_alarm(state: State, gone: str) -> None:
    """Whoever deletes our account, app or rule, or a group around them, is named, once."""
    told = json.dumps(event(gone, DELETED, **by(ALICE.object_id, correlation="c-1")))
    for _ in range(2):
        made_of_ours(state).take(told)
    alarm = health(state)[0]
    assert (alarm["Entry"], alarm["Severity"]) == ("own-removed", "critical")
    assert alarm["CausedBy"][0]["object_id"] == ALICE.object_id
    assert len({one["EventId"] for one in health(state)}) == 1


@pytest.mark.parametrize(
    ("subject", "kind"),
    [
        (STATE_ACCOUNT, WRITE),
        (ACCOUNT, DELETED),
        (STATE_ACCOUNT, DELETED.replace("Success", "Failure")),
        (f"{GROUP}other", DELETED),
    ],
)
def test_what_is_not_the_end_of_our_own_is_no_alarm(state: State, subject: str, kind: str) -> None:
    """A write, a failure, and the deletion of what is not ours alarm nobody."""
    made_of_ours(state).take(json.dumps(event(subject, kind)))
    assert health(state) == []
