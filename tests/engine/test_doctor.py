"""`portcullis doctor`: all is well, or exactly what was broken is told, with what mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import doctor
from shared import needs
from shared.azure.arm import Arm
from shared.azure.logs import STREAMS
from shared.doctor import Is, Told, worst
from shared.errors import PolicyFault, StoreUnavailable
from shared.hints import ACT
from shared.model import ResourceId
from shared.own import Own
from shared.policy import broken
from shared.schema import MIGRATIONS, VERSION
from shared.settings import App, LogsRule, Settings, SignIn, Storage
from shared.store import Store
from simulator import roles
from simulator.adapter import TenantCredential
from simulator.call import Identity
from simulator.faults import Fault
from tests.engine.world import (
    ALICE,
    CONTROLS,
    GROUP,
    SUBSCRIPTION,
    US,
    Fragile,
    World,
    enforce,
    policy,
    storage,
)
from tests.standin import Said, stand_in
from wiring import Gate, kept

RULE = "dcr-00000000000000000000000000000001"
RULE_ID = f"{GROUP}/providers/Microsoft.Insights/dataCollectionRules/records"
KEPT = str(storage("kept")["id"])
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/changes"
BLOB = "storage-public-blob-access"
DECLARED = {one.name: dict(one.columns) for one in STREAMS.values()}
SETTINGS = Settings(
    policy=Path("policy.yaml"),
    state=Path("state.db"),
    logs=LogsRule(endpoint="https://records.westeurope-1.ingest.monitor.azure.com", rule=RULE),
    topic="https://notices.westeurope-1.eventgrid.azure.net/api/events",
    named=Own(accounts=frozenset({"kept"}), listed=frozenset({ResourceId(RULE_ID)})),
)


def rule(declared: dict[str, dict[str, str]]) -> dict[str, Any]:
    """The data collection rule, as ARM shows it."""
    streams = {
        stream: {"columns": [{"name": n, "type": kind} for n, kind in columns.items()]}
        for stream, columns in declared.items()
    }
    about = {"immutableId": RULE, "streamDeclarations": streams}
    return {"id": RULE_ID, "location": "westeurope", "properties": about}


@dataclass
class Deployment:
    """A gate in a tenant with access control, everything as it should be."""

    app: App = App.GATE
    who: Identity = US
    world: World = field(default_factory=lambda: World(rbac=True, settings=SETTINGS))
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        tenant = self.world.tenant
        tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, SUBSCRIPTION))
        self.world.load(storage("kept"), rule(DECLARED))
        tenant.logs.declare(RULE, DECLARED)
        self.may("Portcullis gate", needs.reads(CONTROLS))
        self.may("Rule reader", ["Microsoft.Insights/dataCollectionRules/read"])
        self.subscribe(KEPT)
        gate = self.world.gate(app=self.app)
        self.world.change(KEPT, {"minimumTlsVersion": "TLS1_2"})
        self.world.run(gate)
        gate.sweep.run()
        self.world.drain(gate)
        gate.worker.ship(gate.sinks)

    def may(self, name: str, actions: Iterable[str], *not_actions: str) -> None:
        """Let us do that in the subscription; again by that name replaces it."""
        block = roles.block(sorted(actions), not_actions)
        role = self.world.tenant.load(roles.custom_role(name, SUBSCRIPTION, block))
        more = {"roleDefinitionId": role, "principalType": US.kind}
        self.world.tenant.load(roles.assignment(US.object_id, role, SUBSCRIPTION, **more))

    def subscribe(self, account: str) -> None:
        """Have events sent to the queue of hints in an account."""
        source = {"topicType": "Microsoft.Resources.Subscriptions", "source": SUBSCRIPTION}
        write = self.world.tenant.write
        write(TOPIC, {"location": "global", "properties": source}, by=ALICE)
        queue = {"resourceId": account, "queueName": "hints"}
        to = {"destination": {"endpointType": "StorageQueue", "properties": queue}}
        write(f"{TOPIC}/eventSubscriptions/portcullis", {"properties": to}, by=ALICE)

    def gate(self, store: Store | None = None) -> Gate:
        return self.world.gate(app=self.app, store=store, who=self.who)

    def looked(self) -> list[Told]:
        return doctor.looked(self.gate, self.environment)

    def trouble(self) -> list[tuple[str, str, str]]:
        """(check, subject, state) of whatever is not well."""
        return [
            (one.check, one.found.subject, one.found.state.value)
            for one in self.looked()
            if one.found.state is not Is.OK
        ]

    def only(self, check: str, subject: str = "") -> tuple[str, str]:
        """What is said of the one thing that is wrong, and how it is mended."""
        told = [one for one in self.looked() if one.found.state is not Is.OK]
        assert [(t.check, t.found.subject, t.found.state) for t in told] == [
            (check, subject, Is.WRONG)
        ], told
        assert worst(told) is Is.WRONG
        return told[0].found.message, told[0].found.mend


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def test_all_is_well(deployment: Deployment) -> None:
    """Every check says so, one row reached the log, and nothing else was changed."""
    tenant = deployment.world.tenant
    rows, before = len(tenant.logs.rows(HEALTH)), (len(tenant.writes), len(tenant.topic.events))
    told = deployment.looked()
    assert [t.to_json() for t in told if t.found.state is not Is.OK] == []
    assert {t.check for t in told} == set(doctor.CHECKS)
    assert doctor.CODES[worst(told)] == 0
    sent = tenant.logs.rows(HEALTH)[rows:]
    assert [(row["Entry"], row["Severity"]) for row in sent] == [("doctor", "low")]
    assert (len(tenant.writes), len(tenant.topic.events)) == before


HEALTH = STREAMS["health"].name


def test_a_read_that_is_not_allowed(deployment: Deployment) -> None:
    """It is named, and the role is what mends it."""
    key = "Microsoft.KeyVault/vaults/read"
    deployment.may("Portcullis gate", needs.reads(CONTROLS) - {key})
    message, mend = deployment.only("reads", SUBSCRIPTION)
    assert message == f"not allowed are 1 of {len(needs.reads(CONTROLS))} actions: {key}"
    assert mend.startswith(f"az role assignment create --assignee {US.object_id}")
    assert f'--role "Portcullis gate" --scope {SUBSCRIPTION}' in mend


def test_many_reads_that_are_not_allowed(deployment: Deployment) -> None:
    """Five are named, all are counted."""
    deployment.may("Portcullis gate", [*needs.reads(CONTROLS), "*"], "Microsoft.Network/*/read")
    deployment.may("Portcullis gate", ["*/read"], "Microsoft.Network/*/read")
    missing = {one for one in needs.reads(CONTROLS) if one.startswith("Microsoft.Network/")}
    message, _ = deployment.only("reads", SUBSCRIPTION)
    assert message.startswith(f"not allowed are {len(missing)} of ")
    assert message.endswith(f" and {len(missing) - 5} more")


@pytest.mark.parametrize(
    ("actions", "left_out", "named"),
    [
        (
            ["Microsoft.Storage/storageAccounts/write"],
            [],
            "Microsoft.Storage/storageAccounts/write",
        ),
        (["*"], [], "*"),
        (["*"], ["*/write"], "*"),
        (["Microsoft.Sql/servers/*"], ["*/write", "*/delete"], "Microsoft.Sql/servers/*"),
        (["Microsoft.Storage/storageAccounts/listKeys/action"], [], "listKeys/action"),
        (
            ["Microsoft.Sql/servers/*"],
            [f"Microsoft.Sql/servers/*/{verb}" for verb in ("write", "delete", "action")],
            "Microsoft.Sql/servers/*",
        ),
    ],
)
def test_a_gate_that_may_write(
    deployment: Deployment, actions: list[str], left_out: list[str], named: str
) -> None:
    deployment.may("Too much", actions, *left_out)
    message, mend = deployment.only("writes", SUBSCRIPTION)
    assert named in message
    assert f"az role assignment list --assignee {US.object_id} --scope {SUBSCRIPTION}" in mend


def test_a_gate_that_may_write_data(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data actions are rights too; what reads data is no write."""
    blobs = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
    told = Arm.permissions

    def permissions(arm: Arm, scope: ResourceId) -> Any:
        data = [f"{blobs}/read", f"{blobs}/write"]
        return [*told(arm, scope), {"actions": [], "dataActions": data}]

    monkeypatch.setattr(Arm, "permissions", permissions)
    message, _ = deployment.only("writes", SUBSCRIPTION)
    assert message.endswith(f": {blobs}/write")


def test_wildcards_that_leave_every_write_out(deployment: Deployment) -> None:
    """What notActions take away again is nothing that may be written."""
    verbs = ("*/write", "*/delete", "*/action")
    deployment.may("Everything but writes", ["*", "Microsoft.Sql/servers/*", "*/read"], *verbs)
    assert deployment.trouble() == []


def test_a_hand_that_may_write_what_policy_lets_it() -> None:
    """That and no more."""
    hand = Deployment(app=App.HAND)
    hand.world.policy = policy(enforce(BLOB))
    cured = needs.writes([CONTROLS[BLOB]])
    hand.may("Portcullis hand", cured)
    hand.may("More", ["Microsoft.Sql/servers/firewallRules/write"])
    message, _ = hand.only("writes", SUBSCRIPTION)
    assert message.endswith(": Microsoft.Sql/servers/firewallRules/write")


def test_a_hand_that_may_not_write() -> None:
    hand = Deployment(app=App.HAND)
    hand.world.policy = policy(enforce(BLOB))
    message, mend = hand.only("reads", SUBSCRIPTION)
    assert message.endswith(" actions: Microsoft.Storage/storageAccounts/write")
    assert '--role "Portcullis hand"' in mend


def test_an_app_that_does_both_may_write() -> None:
    """It is told, and is no fault."""
    both = Deployment(app=App.ALL)
    both.may("Portcullis hand", ["Microsoft.Storage/storageAccounts/write"])
    told = {one.check: one.found for one in both.looked()}
    assert told["writes"].state is Is.OK
    assert "Microsoft.Storage/storageAccounts/write" in told["writes"].message


def test_a_subscription_that_is_not_shown(deployment: Deployment) -> None:
    other = "/subscriptions/00000000-0000-0000-0000-00000000dead"
    deployment.world.policy = policy(f"scopes: [{SUBSCRIPTION}, {other}]\n")
    _, mend = deployment.only("reads", other)
    assert mend.startswith("az role assignment create")


def test_a_management_group_that_cannot_be_listed(deployment: Deployment) -> None:
    """That is said of the policy; the subscriptions that are shown are looked at all the same."""
    group = "/providers/Microsoft.Management/managementGroups/production"
    deployment.world.policy = policy(f"scopes: [{SUBSCRIPTION}, {group}]\n")
    _, mend = deployment.only("policy", group)
    assert mend.endswith(f"--role Reader --scope {group}")


def test_a_policy_that_is_broken(deployment: Deployment) -> None:
    deployment.world.policy = broken((PolicyFault("$.rules[0].mode", "no such mode"),))
    message, mend = deployment.only("policy", "policy.yaml")
    assert "$.rules[0].mode: no such mode" in message
    assert mend == "portcullis policy check policy.yaml"


@pytest.mark.parametrize(("minutes", "way"), [(10, "ahead of"), (-10, "behind")])
def test_a_clock_that_is_off(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, minutes: int, way: str
) -> None:
    tenant = deployment.world.tenant
    handle = tenant.handle

    def apart(request: Any) -> Any:
        answer = handle(request)
        then = tenant.clock.now() - timedelta(minutes=minutes)
        answer.headers["Date"] = f"{then:%a, %d %b %Y %H:%M:%S} GMT"
        return answer

    monkeypatch.setattr(tenant, "handle", apart)
    message, mend = deployment.only("clock")
    assert message == f"our clock is 600 seconds {way} that of Azure"
    assert "timedatectl" in mend


def test_events_that_nobody_subscribed_to(deployment: Deployment) -> None:
    deployment.world.tenant.remove(f"{TOPIC}/eventSubscriptions/portcullis", by=ALICE)
    message, mend = deployment.only("events", SUBSCRIPTION)
    assert message == "no event subscription"
    assert f"portcullis onboard {SUBSCRIPTION.rpartition('/')[2]}" in mend


def test_events_that_go_to_another_account(deployment: Deployment) -> None:
    (other,) = deployment.world.load(storage("another"))
    deployment.subscribe(other)
    message, _ = deployment.only("events", SUBSCRIPTION)
    assert message == "events go to another account than kept"


def test_events_that_stopped_coming(deployment: Deployment) -> None:
    """Nobody can tell silence from a quiet estate."""
    deployment.world.clock.advance(timedelta(hours=25))
    deployment.gate().sweep.run()
    deployment.gate().worker.ship(deployment.gate().sinks)
    told = deployment.looked()
    odd = [(t.check, t.found.subject) for t in told if t.found.state is not Is.OK]
    assert odd == [("last event", "")]
    assert doctor.CODES[worst(told)] == 2


# --- the log and the topic


def test_a_rule_that_lacks_a_column(deployment: Deployment) -> None:
    """Which, and which has another type; Azure itself would drop or empty it without a word."""
    declared = {name: dict(columns) for name, columns in DECLARED.items()}
    del declared["Custom-PortcullisActions"]["Refusal"]
    declared["Custom-PortcullisSweeps"]["Seen"] = "string"
    deployment.world.load(rule(declared))
    message, mend = deployment.only("logs", "columns")
    assert message == (
        "Custom-PortcullisActions lacks Refusal (string);"
        " Custom-PortcullisSweeps has Seen as string, not long"
    )
    assert mend.startswith("deploy again")


def test_a_rule_without_a_stream(deployment: Deployment) -> None:
    declared = {name: one for name, one in DECLARED.items() if name != HEALTH}
    deployment.world.load(rule(declared))
    assert deployment.only("logs", "columns")[0] == f"{HEALTH} is not declared"


@pytest.mark.parametrize(
    ("status", "mended"),
    [(403, '--role "Monitoring Metrics Publisher"'), (404, "PORTCULLIS_LOGS_RULE"), (400, "again")],
)
def test_a_rule_that_takes_nothing(deployment: Deployment, status: int, mended: str) -> None:
    fault = Fault("status", path="/dataCollectionRules/*", status=status, code="No", times=0)
    deployment.world.tenant.faults.add(fault)
    message, mend = deployment.only("logs", RULE)
    assert str(status) in message or status == 404
    assert mended in mend


def test_a_rule_that_is_busy(deployment: Deployment) -> None:
    """429 says nothing about how it is set up."""
    fault = Fault("status", path="/dataCollectionRules/*", status=429, code="Busy", times=0)
    deployment.world.tenant.faults.add(fault)
    assert deployment.trouble() == [("logs", RULE, "unknown")]


def test_a_topic_that_is_gone(deployment: Deployment) -> None:
    """Its host is no more."""
    deployment.world.tenant.faults.add(Fault("cut-before", path="/api/events", times=0))
    _, mend = deployment.only("topic", str(SETTINGS.topic))
    assert "az eventgrid topic list" in mend


def test_a_topic_that_refuses_us(deployment: Deployment) -> None:
    deployment.world.tenant.faults.add(Fault("status", path="/api/events", status=403, times=0))
    _, mend = deployment.only("topic", str(SETTINGS.topic))
    assert '--role "EventGrid Data Sender"' in mend


# --- the state


class Refusing:
    """A store that is shut."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def refused(*_: Any, **__: Any) -> Any:
            raise StoreUnavailable("state in Azure Tables: 403 AuthorizationFailure")

        return (lambda: None) if name == "close" else refused


def test_state_that_is_refused(deployment: Deployment) -> None:
    """That is wrong; what rests on it cannot be told, all else is looked at."""
    deployment.world.store = Refusing()
    told = deployment.looked()
    odd = {t.check: t.found for t in told if t.found.state is not Is.OK}
    assert {name for name, one in odd.items() if one.state is Is.WRONG} == {"state"}
    assert set(odd) == {"state", "queues", "outbox", "suspension", "sweeps", "last event"}
    assert "403" in odd["state"].message
    assert odd["sweeps"].message.startswith("state cannot be read: ")
    assert doctor.CODES[worst(told)] == 1


@pytest.mark.parametrize(
    ("app", "mend"),
    [
        (App.GATE, "azd provision"),
        (App.HAND, "azd provision"),
        (App.ALL, "Storage Table Data Contributor"),
    ],
)
def test_an_account_that_refuses_us(app: App, mend: str) -> None:
    """By the real client: 403 of Azure Tables, and what mends it.

    That is no role on the whole account, save where one identity does everything.
    """
    deployment = Deployment(app=app)
    with stand_in() as account:
        account.say(Said(403, headers={"x-ms-request-id": "1"}))
        at = Storage(tables=account.url, queues=account.url, blobs=account.url)
        deployment.world.settings = replace(SETTINGS, state=None, storage=at)
        keyed = replace(at, account="kept", key="a2V5")
        us = TenantCredential(deployment.world.tenant, US)
        deployment.world.store = kept(
            replace(SETTINGS, storage=keyed), us, deployment.world.clock.now
        )
        found = [t.found for t in deployment.looked() if t.found.state is Is.WRONG]
    assert [one.subject for one in found] == [account.url]
    assert "403" in found[0].message
    assert mend in found[0].mend
    assert ("role assignment" in found[0].mend) is (app is App.ALL)


def test_state_of_a_newer_version(deployment: Deployment) -> None:
    """It is wrong, what mends it is the newer version, and no row is tried in it."""
    store, seen = deployment.world.store, list[str]()
    store.put("schema", "schema", "version", {"schema": VERSION + 1})
    deployment.world.store = Fragile(store, seen.append)
    odd = {t.check: t.found for t in deployment.looked() if t.found.state is not Is.OK}
    assert {name for name, one in odd.items() if one.state is Is.WRONG} == {"state"}
    assert f"state is of version {VERSION + 1}, this Portcullis knows" in odd["state"].message
    assert odd["state"].mend.startswith("deploy the newer Portcullis here: ")
    assert {name.split()[1] for name in seen} == {"get", "close"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"schema": VERSION}, "removed"),
        ({"schema": VERSION, "from": 1}, f"removed; under way: {MIGRATIONS[0].does}"),
    ],
)
def test_state_of_a_known_version(deployment: Deployment, value: Any, told: str) -> None:
    """It is well; what is still to be brought up is told."""
    deployment.world.store.put("schema", "schema", "version", value)
    deployment.world.clock.advance(timedelta(minutes=1))
    (state,) = [t.found for t in deployment.looked() if t.check == "state"]
    assert state.state is Is.OK
    assert state.message == f"version {VERSION}: a row was written, read and {told}"


def test_messages_that_failed(deployment: Deployment) -> None:
    deployment.world.store.send("hints-poison", "{}")
    message, mend = deployment.only("queues", "hints")
    assert message == "messages that failed again and again: 1"
    assert "poison-hints" in mend


def test_orders_without_a_hand(deployment: Deployment) -> None:
    deployment.world.store.send(ACT, "{}")
    assert "PORTCULLIS_APP=hand" in deployment.only("queues", "act")[1]


def test_records_that_do_not_leave(deployment: Deployment) -> None:
    deployment.gate().state.outbox.add("health", ["x"], {"Entry": "x"})
    deployment.world.clock.advance(timedelta(minutes=61))
    deployment.gate().sweep.run()
    message, mend = deployment.only("outbox")
    assert "records wait since " in message
    assert "/health" in mend


def test_a_stop(deployment: Deployment) -> None:
    deployment.gate().state.suspension.suspend("alice", "incident 17")
    message, mend = deployment.only("suspension")
    assert message.startswith("alice suspended all writes at ")
    assert message.endswith(": incident 17")
    assert mend == "portcullis resume"


def test_a_sweep_that_is_late(deployment: Deployment) -> None:
    """The interval is policy's."""
    deployment.world.policy = policy("sweeps: {full: 1h, incremental: 50m}\n")
    deployment.world.clock.advance(timedelta(minutes=99))
    assert deployment.trouble() == []


def test_a_full_sweep_that_is_late(deployment: Deployment) -> None:
    deployment.world.policy = policy("sweeps: {full: 1h, incremental: 59m}\n")
    deployment.world.clock.advance(timedelta(minutes=125))
    told = deployment.looked()
    odd = [(t.check, t.found.subject) for t in told if t.found.state is Is.WRONG]
    assert odd == [("sweeps", "full"), ("sweeps", "incremental")]
    assert all("portcullis sweep" in t.found.mend for t in told if t.found.state is Is.WRONG)


def test_a_sweep_that_failed(deployment: Deployment) -> None:
    at = deployment.world.clock.now().isoformat()
    row = {"at": at, "reason": "the index is away"}
    deployment.world.store.put("control", "control", "failed-sweep", row)
    message, _ = deployment.only("sweeps", "last")
    assert message == f"the one of {at[:19]} failed: the index is away"


@pytest.mark.parametrize(("minutes", "late"), [(10, False), (20, True)])
def test_a_sweep_under_way(deployment: Deployment, minutes: int, late: bool) -> None:  # noqa: FBT001
    """While it moves nothing is late; one that stands still is no sweep."""
    deployment.world.clock.advance(timedelta(days=3))
    deployment.gate().sweep.tick()
    deployment.world.clock.advance(timedelta(minutes=minutes))
    wrong = [t.found.subject for t in deployment.looked() if t.found.state is Is.WRONG]
    assert wrong == (["full", "incremental"] if late else [])


# --- what surrounds it


def test_nobody_that_we_are(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without identities our own writes cannot be told from those of others."""
    gate = deployment.gate(None)
    bare = replace(gate, settings=replace(gate.settings, identities=frozenset(), directory=None))
    told = doctor.looked(lambda _: bare, {})
    odd = [(t.check, t.found.subject) for t in told if t.found.state is not Is.OK]
    assert odd == [("settings", "identities")]


def test_the_directory_does_not_show_us(deployment: Deployment) -> None:
    tenant = deployment.world.tenant
    tenant.faults.add(Fault("status", path="/v1.0/*", status=403, code="Denied", times=0))
    _, mend = deployment.only("directory", "https://graph.microsoft.com")
    assert "User.Read.All" in mend


@pytest.mark.parametrize(
    ("signs_in", "on", "mended"),
    [
        (False, "True", "PORTCULLIS_CONSOLE_TENANT"),
        (True, "False", "authentication"),
        (True, "True", ""),
    ],
)
def test_the_console_in_azure(signs_in: bool, on: str, mended: str) -> None:  # noqa: FBT001
    """Who may come must be set, and App Service authentication be on."""
    who = SignIn(tenant=US.object_id, client=str(US.app_id)) if signs_in else None
    world = World(rbac=True, settings=replace(SETTINGS, console=who))
    one = Deployment(world=world)
    one.environment = {"WEBSITE_SITE_NAME": "gate", "WEBSITE_AUTH_ENABLED": on}
    found = next(t.found for t in one.looked() if t.check == "console")
    assert (found.state is Is.WRONG, mended in found.mend) == (bool(mended), True)


def test_a_check_that_breaks_hides_no_other(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_check(_: Any) -> Any:
        raise ZeroDivisionError("nobody\nforesaw it")

    monkeypatch.setattr(doctor, "CHECKS", {**doctor.CHECKS, "clock": broken_check})
    told = {one.check: one.found for one in deployment.looked()}
    assert told["clock"].message == "ZeroDivisionError: nobody foresaw it"
    assert told["clock"].state is Is.UNKNOWN
    assert set(told) == set(doctor.CHECKS)
