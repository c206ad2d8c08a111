"""`resourcechanges`: what requests changed, as an incremental sweep asks for it."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, ALICE, COSMOS, GROUP, NSG, ROBOT, SUB, Client, rule

PATH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
OLDEST_FIRST = (
    "resourcechanges | extend at = todatetime(properties.changeAttributes.timestamp)"
    " | order by at asc, id asc | project id, name, type, subscriptionId, resourceGroup, properties"
)
COOL = {"properties": {"accessTier": "Cool"}}


@pytest.fixture
def tenant(tenant: Tenant) -> Tenant:
    properties = {"accessTier": "Hot", "provisioningState": "Succeeded"}
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": properties})
    return tenant


def _rows(arm: Client, query: str = OLDEST_FIRST, **body: Any) -> list[dict[str, Any]]:
    answer = arm.post(PATH, {"query": query, **body})
    assert answer.status_code == 200, answer.json()
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


def _kinds(arm: Client) -> list[str]:
    return [row["properties"]["changeType"] for row in _rows(arm)]


def test_an_update_says_what_by_whom_and_how(tenant: Tenant, arm: Client) -> None:
    arm.patch(ACCOUNT, COOL)
    (row,) = _rows(arm)
    changed = row["properties"]
    assert row["id"] == f"{ACCOUNT}/providers/Microsoft.Resources/changes/{row['name']}"
    assert (row["type"], row["resourceGroup"]) == ("microsoft.resources/changes", "prod-rg")
    assert row["subscriptionId"] == SUB.rsplit("/", 1)[1]
    assert changed["targetResourceId"] == ACCOUNT
    assert changed["targetResourceType"] == "microsoft.storage/storageaccounts"
    assert changed["changeType"] == "Update"
    assert changed["changes"]["properties.accessTier"] == {
        "previousValue": "Hot",
        "newValue": "Cool",
        "changeCategory": "User",
        "propertyChangeType": "Update",
    }
    about = changed["changeAttributes"]
    assert about["timestamp"] == "2026-03-02T06:00:00Z"
    assert about["correlationId"] == tenant.writes[0].correlation_id
    assert (about["changedBy"], about["changedByType"]) == (ROBOT.app_id, "Application")
    assert about["operation"] == "Microsoft.Storage/storageAccounts/write"
    assert about["changesCount"] == len(changed["changes"])
    assert about["previousResourceSnapshotId"] != about["newResourceSnapshotId"]


def test_what_is_made_and_deleted_says_no_properties(tenant: Tenant, arm: Client) -> None:
    vault = ACCOUNT.replace("Storage/storageAccounts", "KeyVault/vaults")
    body = {"location": "westeurope", "properties": {"tenantId": tenant.tenant_id, "sku": {}}}
    tenant.write(vault, body, by=ALICE)
    tenant.remove(vault, by=ALICE)
    made, gone = (row["properties"] for row in _rows(arm))
    assert {made["changeType"], gone["changeType"]} == {"Create", "Delete"}
    for changed in (made, gone):
        about = changed["changeAttributes"]
        assert "changes" not in changed
        assert about["changesCount"] == 0
        assert (about["changedBy"], about["changedByType"]) == (ALICE.upn, "User")
        missing = "previous" if changed["changeType"] == "Create" else "new"
        assert f"{missing}ResourceSnapshotId" not in about


def test_lists_and_tags_change_by_their_paths(tenant: Tenant, arm: Client) -> None:
    rules = [{"value": "203.0.113.1"}, {"value": "203.0.113.2"}]
    tenant.load({"id": ACCOUNT, "tags": {"a": "1", "b": "2"},
                 "properties": {"networkAcls": {"ipRules": rules}}})  # fmt: skip
    arm.patch(ACCOUNT, {
        "tags": {"a": "1", "c": "3"}, "properties": {"networkAcls": {"ipRules": rules[1:]}},
    })  # fmt: skip
    changes = _rows(arm)[0]["properties"]["changes"]
    found = {path: (one["propertyChangeType"], one["newValue"]) for path, one in changes.items()}
    assert found["tags.b"] == ("Remove", None)
    assert found["tags.c"] == ("Insert", "3")
    assert found["properties.networkAcls.ipRules[0].value"] == ("Update", "203.0.113.2")
    assert found["properties.networkAcls.ipRules[1].value"] == ("Remove", None)
    assert "tags.a" not in found


def test_what_changes_nothing_and_what_the_owner_arranges_makes_no_row(
    tenant: Tenant, arm: Client
) -> None:
    arm.patch(ACCOUNT, {"properties": {"accessTier": "Hot"}})
    tenant.load({"id": ACCOUNT, "properties": {"accessTier": "Archive"}})
    assert _kinds(arm) == []


def test_a_long_operation_changes_when_it_begins_and_when_it_ends(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    tenant.operation_seconds = 10
    tenant.load({"id": COSMOS, "location": "westeurope",
                 "properties": {"publicNetworkAccess": "Enabled"}})  # fmt: skip
    arm.patch(COSMOS, {"properties": {"publicNetworkAccess": "Disabled"}})
    clock.advance(timedelta(minutes=1))
    first, last = (row["properties"] for row in _rows(arm))
    stamps = [one["changeAttributes"]["timestamp"] for one in (first, last)]
    assert stamps == ["2026-03-02T06:00:00Z", "2026-03-02T06:00:10Z"]
    ids = {one["changeAttributes"]["correlationId"] for one in (first, last)}
    assert ids == {tenant.writes[0].correlation_id}
    changes = {**first["changes"], **last["changes"]}
    assert changes["properties.provisioningState"]["changeCategory"] == "System"
    assert changes["properties.publicNetworkAccess"]["changeCategory"] == "User"


def test_a_childs_write_is_one_change_of_its_parent(tenant: Tenant, arm: Client) -> None:
    tenant.operation_seconds = 0
    tenant.load({"id": NSG, "location": "westeurope", "properties": {"securityRules": []}})
    tenant.write(f"{NSG}/securityRules/ssh", rule(), by=ALICE)
    rows = [row["properties"] for row in _rows(arm)]
    assert {row["targetResourceId"] for row in rows} == {NSG}
    assert len({row["changeAttributes"]["correlationId"] for row in rows}) == 1
    assert "properties.securityRules[0].properties.access" in rows[0]["changes"]


def test_a_group_takes_its_resources_along(tenant: Tenant, arm: Client) -> None:
    """The group itself is a container, whose changes are in another table."""
    tenant.remove(GROUP, by=ALICE)
    rows = [row["properties"] for row in _rows(arm)]
    assert [(row["targetResourceId"], row["changeType"]) for row in rows] == [(ACCOUNT, "Delete")]


def test_changes_are_kept_for_a_fortnight(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    arm.patch(ACCOUNT, COOL)
    clock.advance(timedelta(days=14))
    assert _kinds(arm) == ["Update"]
    clock.advance(timedelta(seconds=1))
    assert _kinds(arm) == []


def test_graph_hears_of_changes_late(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    """No sooner than it shows the changed resource."""
    tenant.graph.lag = timedelta(minutes=1)
    arm.patch(ACCOUNT, COOL)
    query = "resources | where properties.accessTier == 'Cool' | order by id asc"
    clock.advance(timedelta(seconds=59))
    assert (_rows(arm), _rows(arm, query)) == ([], [])
    clock.advance(timedelta(seconds=1))
    assert len(_rows(arm)) == len(_rows(arm, query)) == 1


def test_the_lag_runs_from_when_an_operation_ended(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    """Not from when somebody looked."""
    tenant.operation_seconds = 30
    tenant.load({"id": COSMOS, "location": "westeurope",
                 "properties": {"publicNetworkAccess": "Enabled"}})  # fmt: skip
    tenant.graph.lag = timedelta(minutes=1)
    arm.patch(COSMOS, {"properties": {"publicNetworkAccess": "Disabled"}})
    clock.advance(timedelta(seconds=90))
    query = "resources | where properties.publicNetworkAccess == 'Disabled' | order by id asc"
    assert [row["id"] for row in _rows(arm, query)] == [COSMOS]
    assert _kinds(arm) == ["Update", "Update"]


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        ("todatetime(properties.changeAttributes.timestamp) > ago(1h)", ["Cool"]),
        ("todatetime(properties.changeAttributes.timestamp) > datetime(2026-03-02T05:59:59Z)",
         ["Hot", "Cool"]),
        ("properties.changeType == 'Update'", ["Hot", "Cool"]),
        ("properties.changeType == 'Delete'", []),
        ("type =~ 'Microsoft.Resources/changes'", ["Hot", "Cool"]),
        ("type =~ 'microsoft.storage/storageaccounts'", []),
        ("properties.targetResourceType in~ ('Microsoft.Storage/storageAccounts')",
         ["Hot", "Cool"]),
        ("subscriptionId in~ ('nobody')", []),
    ],
)  # fmt: skip
def test_the_incremental_sweep(
    tenant: Tenant, arm: Client, clock: VirtualClock, condition: str, seen: list[str]
) -> None:
    tenant.load({"id": ACCOUNT, "properties": {"accessTier": "Archive"}})
    for tier in ("Hot", "Cool"):
        arm.patch(ACCOUNT, {"properties": {"accessTier": tier}})
        clock.advance(timedelta(minutes=40))
    query = OLDEST_FIRST.replace(" | order", f" | where {condition} | order")
    rows = [row["properties"]["changes"] for row in _rows(arm, query)]
    assert [row["properties.accessTier"]["newValue"] for row in rows] == seen


@pytest.mark.parametrize(
    ("condition", "seen"),
    [
        ("type =~ 'Microsoft.Resources/changes'", 1),
        ("type =~ 'microsoft.storage/storageaccounts'", 0),
        (f"subscriptionId in~ ('{SUB.rsplit('/', 1)[1]}')", 1),
        ("subscriptionId in~ ('nobody')", 0),
    ],
)
def test_conditions_that_narrow_where_to_look(
    tenant: Tenant, arm: Client, condition: str, seen: int
) -> None:
    arm.patch(ACCOUNT, COOL)
    assert len(_rows(arm, f"resourcechanges | where {condition} | order by id asc")) == seen


def test_the_filters_hold_for_changes(tenant: Tenant, arm: Client) -> None:
    other = tenant.load({"id": ACCOUNT.replace(SUB, f"{SUB[:-1]}9"), "properties": {}})
    for one in (ACCOUNT, other):
        arm.patch(one, COOL)
    rows = _rows(arm, subscriptions=[f"{SUB.rsplit('/', 1)[1][:-1]}9"])
    assert [row["properties"]["targetResourceId"] for row in rows] == [other]


def test_pages_of_changes(tenant: Tenant, arm: Client) -> None:
    for n in range(5):
        arm.patch(ACCOUNT, {"tags": {"n": str(n)}})
    query = "resourcechanges | order by id asc | project id"
    body: dict[str, Any] = {"$skipToken": None}
    seen: list[str] = []
    while "$skipToken" in body:
        options = {"$top": 2, "$skipToken": body["$skipToken"]}
        body = arm.post(PATH, {"query": query, "options": options}).json()
        assert body["totalRecords"] == 5
        seen += [row["id"] for row in body["data"]]
    assert len(set(seen)) == 5
    assert seen == sorted(seen)


def test_changes_of_what_may_not_be_read_are_left_out(tenant: Tenant, arm: Client) -> None:
    tenant.write(ACCOUNT, COOL, by=ALICE, method="PATCH")
    tenant.refuse(ROBOT, "*/read", ACCOUNT)
    assert _rows(arm) == []
    assert len(_rows(Client(tenant, ALICE))) == 1
