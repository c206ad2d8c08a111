"""What controls and cures declare is what they need: enough for every case, and nothing more."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from shared.errors import Refused, Unusable, Why
from shared.journal import Story
from shared.model import Change, Plan, Reversible, State, Verb
from simulator import roles
from simulator.address import parse
from simulator.tenant import Tenant
from tests.cases import FAILED, Case, cases
from tests.engine.world import (
    CONTROLS,
    SUBSCRIPTION,
    US,
    World,
    arranged,
    enforce,
    place,
    policy,
    shown_by_graph,
)
from wiring import Gate

GUARDS = (
    "Microsoft.Resources/subscriptions/read",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
)
"""What the engine itself reads before it writes: whose tenant it is, and who manages the group."""
CONDITION = "!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})"
_DEFINITIONS = "/providers/microsoft.authorization/roledefinitions/"

_UNTOLD = (
    "a poll that is refused counts as ended and the resource itself is read until it has settled;"
    " a failed operation would be recorded without Azure's reason"
)
_MONGO, _SYNAPSE = "Microsoft.DocumentDB/locations", "Microsoft.Synapse/workspaces"
_MYSQL, _POSTGRESQL = "Microsoft.DBforMySQL/locations", "Microsoft.DBforPostgreSQL/locations"
_OF_MYSQL = ("mysql-firewall-any-internet", "mysql-firewall-azure-services")
_OF_POSTGRESQL = (
    "cosmos-postgresql-firewall-broad",
    "postgresql-firewall-any-internet",
    "postgresql-firewall-azure-services",
)
_OF_STORES = {
    "analysis-services-firewall": "Microsoft.AnalysisServices/locations/operationresults/read",
    "cosmos-postgresql-public-ip": f"{_POSTGRESQL}/azureAsyncOperation/read",
    "cosmos-public-network-access": "Microsoft.DocumentDB/locations/operationsStatus/read",
    "elasticsan-public-network-access": "Microsoft.ElasticSan/locations/asyncoperations/read",
    "fhir-public-network-access": "Microsoft.HealthcareApis/locations/operationresults/read",
    "kusto-allowed-ip-open": "Microsoft.Kusto/locations/operationResults/read",
    "kusto-public-network-access": "Microsoft.Kusto/locations/operationResults/read",
    "mongo-vcore-public-network-access": f"{_MONGO}/mongoClusterAzureAsyncOperation/read",
    "mysql-public-network-access": f"{_MYSQL}/azureAsyncOperation/read",
    "postgresql-public-network-access": f"{_POSTGRESQL}/azureAsyncOperation/read",
    "purview-public-network-access": "Microsoft.Purview/locations/operationResults/read",
    "redis-enterprise-public-network-access": "Microsoft.Cache/locations/operationsStatus/read",
    "redis-public-network-access": "Microsoft.Cache/locations/operationResults/read",
    "synapse-public-network-access": f"{_SYNAPSE}/operationResults/read",
}
_AKS, _IDENTITY = "Microsoft.ContainerService/locations", "Microsoft.ManagedIdentity"
_KEYS = "a document names identities by its keys, which the tenant does not follow"
SUPERFLUOUS: dict[tuple[str, str], str] = {
    ("aks-api-authorized-ip-ranges", f"{_AKS}/operations/read"): _UNTOLD,
    ("aks-api-authorized-ip-ranges", f"{_IDENTITY}/userAssignedIdentities/assign/action"): _KEYS,
    ("sqlmi-public-data-endpoint", "Microsoft.Sql/locations/*/read"): _UNTOLD,
    ("cosmos-firewall-open", "Microsoft.DocumentDB/locations/operationsStatus/read"): _UNTOLD,
    ("cosmos-firewall-broad", "Microsoft.DocumentDB/locations/operationsStatus/read"): _UNTOLD,
    (
        "datastore-container-app-tcp-ingress",
        "Microsoft.App/locations/containerappOperationResults/read",
    ): _UNTOLD,
    ("kusto-trusted-external-tenants", "Microsoft.Kusto/locations/operationResults/read"): _UNTOLD,
    (
        "mariadb-single-server-legacy",
        "Microsoft.DBforMariaDB/locations/azureAsyncOperation/read",
    ): _UNTOLD,
    ("mysql-single-server-legacy", f"{_MYSQL}/azureAsyncOperation/read"): _UNTOLD,
    ("netapp-export-policy-any", "Microsoft.NetApp/locations/operationresults/read"): _UNTOLD,
    ("postgresql-single-server-legacy", f"{_POSTGRESQL}/azureAsyncOperation/read"): _UNTOLD,
    ("storagesync-incoming-traffic", "Microsoft.StorageSync/locations/operations/read"): _UNTOLD,
    ("databricks-no-public-ip", "Microsoft.Databricks/locations/operationstatuses/read"): _UNTOLD,
    ("datastore-appgateway-tcp-listener", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("datastore-firewall-dnat", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("datastore-lb-public-inbound", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("datastore-vm-db-port-open", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("datastore-vmss-public-ip", "Microsoft.Compute/locations/operations/read"): _UNTOLD,
    ("datastore-vm-nic-public-ip", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("cosmos-network-acl-bypass", "Microsoft.DocumentDB/locations/operationsStatus/read"): _UNTOLD,
    ("disk-active-sas", "Microsoft.Compute/locations/operations/read"): _UNTOLD,
    ("disk-public-export", "Microsoft.Compute/locations/operations/read"): _UNTOLD,
    ("snapshot-active-sas", "Microsoft.Compute/locations/operations/read"): _UNTOLD,
    ("snapshot-public-export", "Microsoft.Compute/locations/operations/read"): _UNTOLD,
    ("nsg-database-from-internet", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("nsg-ssh-from-internet", "Microsoft.Network/locations/operations/read"): _UNTOLD,
    ("mongo-vcore-firewall-broad", f"{_MONGO}/mongoClusterAzureAsyncOperation/read"): _UNTOLD,
    ("synapse-firewall-any-internet", f"{_SYNAPSE}/operationStatuses/read"): _UNTOLD,
    (
        "sql-server-public-network-access",
        "Microsoft.Sql/locations/serverAzureAsyncOperation/read",
    ): _UNTOLD,
    (
        "iam-lighthouse-privileged",
        "Microsoft.ManagedServices/operationStatuses/read",
    ): _UNTOLD,
    **dict.fromkeys(_OF_STORES.items(), _UNTOLD),
    (
        "appconfig-public-network-access",
        "Microsoft.AppConfiguration/locations/operationsStatus/read",
    ): _UNTOLD,
    (
        "databricks-public-network-access",
        "Microsoft.Databricks/locations/operationStatuses/read",
    ): _UNTOLD,
    (
        "keyvault-hsm-public-network-access",
        "Microsoft.KeyVault/locations/managedHsmOperationResults/read",
    ): _UNTOLD,
    (
        "recovery-vault-public-network-access",
        "Microsoft.RecoveryServices/vaults/operationStatus/read",
    ): _UNTOLD,
    **{(one, f"{_MYSQL}/azureAsyncOperation/read"): _UNTOLD for one in _OF_MYSQL},
    **{(one, f"{_POSTGRESQL}/azureAsyncOperation/read"): _UNTOLD for one in _OF_POSTGRESQL},
}
"""Declared permissions that no case is cured by, with the reason they are declared."""

CURABLE = {one.id for one in CONTROLS.values() if one.remediation is not None}
JUDGED = [
    c
    for c in cases()
    if c.control in CURABLE
    and FAILED not in c.lookups.values()
    and all(shown_by_graph(d) for found in c.lookups.values() for d in found)
]
CURED = [c for c in JUDGED if c.finds and c.plan != "refused"]


def declared(control: str) -> tuple[str, ...]:
    cure = CONTROLS[control].remediation
    assert cure is not None
    return cure.permissions


def privileged(control: str) -> bool:
    cure = CONTROLS[control].remediation
    return cure is not None and cure.privileged


def documents(case: Case) -> Iterator[dict[str, Any]]:
    """What a case needs, as Azure would have it where the case leaves that open."""
    yield case.body
    for found in case.lookups.values():
        yield from (d for d in found if d["id"].lower() != case.body["id"].lower())
    for grant in case.parameters.get("grants", ()):
        yield {"id": grant["scope"]}


def made_whole(document: dict[str, Any]) -> dict[str, Any]:
    properties = {**document.get("properties", {})}
    if _DEFINITIONS in document["id"].lower():
        properties.setdefault("assignableScopes", [SUBSCRIPTION])
    if "condition" in properties:
        properties["condition"] = CONDITION
    return {**document, "properties": properties}


@cache
def woken(kind: str) -> frozenset[str]:
    """The types that a change of this one may lead to a look at, itself among them."""
    found = {kind}
    while True:
        more = {
            one.key
            for control in CONTROLS.values()
            if any(wake.type.key in found for wake in control.detector.wakes)
            for one in (*control.detector.types, *(w.type for w in control.detector.wakes))
        }
        if more <= found:
            return frozenset(found)
        found |= more


def placed(case: Case) -> World:
    """The case in a tenant with access control, where we may do nothing."""
    world = World()
    world.tenant = arranged(Tenant(world.clock, rbac=True))
    # Groups and subscriptions first: they come with what lies in them, but without tags.
    for document in sorted(documents(case), key=lambda one: len(one["id"])):
        # Scopes and built-in roles are there already; children that nobody made, the case makes.
        made = "properties" in document and _DEFINITIONS not in document["id"].lower()
        if made or world.tenant.read(document["id"]) is None:
            place(world.tenant, made_whole(document))
    return world


def allow(world: World, case: Case, name: str, actions: Iterable[str]) -> None:
    """Give us a role of these actions where the case lies."""
    # Outside of subscriptions there is one scope for all that a case reads and writes.
    scope = SUBSCRIPTION if case.id.subscription else "/"
    role = world.tenant.load(roles.custom_role(name, scope, roles.block(list(actions))))
    world.tenant.load(roles.assignment(US.object_id, role, scope))


def world_of(case: Case, *writes: str) -> World:
    """The case in a tenant with access control, where we may read what is declared, and write."""
    world = placed(case)
    # A look judges all controls of a type; what is written wakes others.
    types = woken(case.id.type.casefold()) if writes else {case.id.type.casefold()}
    beside = (one for one in CONTROLS.values() if {kind.key for kind in one.detector.types} & types)
    reads = (*(action for one in beside for action in one.reads), *GUARDS)
    for name, actions in (("reader", reads), ("writer", writes)):
        allow(world, case, name, actions)
    return world


def judged(gate: Gate, case: Case) -> State:
    """The state that the case's control sees."""
    look = gate.people.preview(case.id, dict(case.parameters), frozenset({case.control}))
    (seen,) = [one for one in look.seen if one.control.id == case.control]
    return seen.verdict.state


def plan_of(gate: Gate, case: Case) -> Plan:
    look = gate.people.preview(case.id, dict(case.parameters), frozenset({case.control}))
    (plan,) = [one.plan for one in look.seen if one.control.id == case.control]
    assert plan is not None
    return plan


def cured(world: World, gate: Gate, case: Case) -> Story | str:
    """The story of a person's order that was carried out, or what came of it instead."""
    gate.people.apply(case.id, "carol", dict(case.parameters), frozenset({case.control}))
    world.run(gate, hours=0.2, step=60)
    (story,) = gate.state.journal.all()
    return story if story.state == "remediated" else f"{story.state}: {story.value['Message']}"


def undone(world: World, gate: Gate, story: Story) -> str:
    """Nothing where the order was taken back, or what came of it instead."""
    if story.value["Plan"]["reversible"] == Reversible.NO:
        return ""
    gate.people.undo(story.id, "carol")
    world.run(gate, hours=0.2, step=60)
    (back,) = [one for one in gate.state.journal.all() if one.undoing]
    return "" if back.state == "undone" else f"{back.state}: {back.value['Message']}"


def by_hand(gate: Gate, case: Case) -> str:
    """The writes of a privileged cure, which the engine keeps for a person, there and back."""
    plan = plan_of(gate, case)
    back = () if plan.reversible is Reversible.NO else plan.inverse()
    try:
        for change in (*plan.changes, *back):
            gate.arm.write(whole(gate, change), str(uuid.uuid4()))
    except Refused as refused:
        return str(refused)
    return ""


def whole(gate: Gate, change: Change) -> Change:
    """A put that is taken back is one of the document as it is by then."""
    if change.verb is not Verb.PUT or change.document is not None:
        return change
    now = gate.arm.get(change.target, change.api_version)
    assert now is not None
    return replace(change, document=now.body)


def there_and_back(world: World, case: Case) -> str:
    """Cure and undo; empty where both succeed, else what stood in the way."""
    gate = world.gate()
    if privileged(case.control):
        return by_hand(gate, case)
    try:
        story = cured(world, gate, case)
        return story if isinstance(story, str) else undone(world, gate, story)
    except (Unusable, Refused) as refused:
        return str(refused)


def refused_on_the_way(world: World) -> set[str]:
    """Types of what was asked for and not granted."""
    return {parse(one.path).type for one in world.tenant.requests if one.status == 403}


def assert_judged(world: World, case: Case) -> None:
    """As without access control, and without a refusal."""
    expected = State.NON_COMPLIANT if case.finds else State(case.expect)
    assert judged(world.gate(), case) is expected
    assert refused_on_the_way(world) == set()


def assert_no_write(world: World, case: Case) -> None:
    """Each change of its plan is forbidden."""
    gate = world.gate()
    for change in plan_of(gate, case).changes:
        with pytest.raises(Refused) as refused:
            gate.arm.write(change, str(uuid.uuid4()))
        assert refused.value.why is Why.FORBIDDEN
    assert world.tenant.writes == []


@pytest.mark.parametrize("case", JUDGED, ids=str)
def test_declared_reads_are_enough_to_judge(case: Case) -> None:
    """Every case comes out as without access control, and nothing is refused on the way."""
    assert_judged(world_of(case), case)


@pytest.mark.parametrize("case", CURED, ids=str)
def test_declared_reads_never_write(case: Case) -> None:
    """Each change of the plan, sent with the reader's rights alone, is forbidden."""
    assert_no_write(world_of(case), case)


@pytest.mark.parametrize("case", CURED, ids=str)
def test_declared_writes_are_enough_to_cure_and_undo(case: Case) -> None:
    """Nothing on the way there and back is refused."""
    world = world_of(case, *declared(case.control))
    assert there_and_back(world, case) == ""
    assert refused_on_the_way(world) == set()


SHOWN = {case.control for case in CURED}
"""Controls that the tenant can show violated; what rests on our own state it cannot."""
PERMISSIONS = [(control, one) for control in sorted(SHOWN) for one in declared(control)]


@pytest.mark.parametrize(("control", "permission"), PERMISSIONS)
def test_each_write_permission_is_needed_by_a_case(control: str, permission: str) -> None:
    """For want of it a case is not cured, or not taken back; otherwise the reason is listed."""
    left = [one for one in declared(control) if one != permission]
    mine = (case for case in CURED if case.control == control)
    hurt = any(
        permission.lower() in there_and_back(world_of(case, *left), case).lower() for case in mine
    )
    assert hurt is ((control, permission) not in SUPERFLUOUS)


OWNERSHIP = ("Microsoft.Resources/deploymentStacks/read", "Microsoft.Resources/deployments/read")


@pytest.mark.parametrize("granted", [OWNERSHIP, OWNERSHIP[:1], OWNERSHIP[1:]], ids=len)
def test_owners_are_found_by_two_more_reads(granted: tuple[str, ...]) -> None:
    """Both are enough, and for want of either everything counts as owned."""
    control = "storage-public-blob-access"
    case = next(case for case in CURED if case.control == control)
    world = world_of(case, *declared(control), *granted)
    both = "infrastructure_code: {stacks: true, deployments: 7d}\n"
    world.policy = policy(enforce(control) + both)
    gate = world.gate()
    world.look(gate, case.id.text)
    assert len(world.our_writes()) == (granted == OWNERSHIP)
    refused = {one.path for one in world.tenant.requests if one.status == 403}
    missing = {one.split("/")[1] for one in set(OWNERSHIP) - set(granted)}
    assert {path.rsplit("/", 1)[-1] for path in refused} == missing


def test_expected_findings_are_about_what_is_declared() -> None:
    """A listed permission that has been dealt with in the rule has to come off the list."""
    assert set(SUPERFLUOUS) <= set(PERMISSIONS)
