"""Resource Graph: its queries, its manners, its lag, its quota, its silences."""

from datetime import timedelta
from typing import Any

import pytest

from simulator import roles
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    ASSIGNMENTS,
    GROUP,
    NSG,
    ROBOT,
    SERVER,
    SUB,
    Client,
    code,
)

PATH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
ACCOUNTS = "Resources | where type in~ ('Microsoft.Storage/storageAccounts') | order by id asc"
SUB_GUID = SUB.rsplit("/", 1)[1]


def _ask(arm: Client, query: str, **body: Any) -> Any:
    return arm.post(PATH, {"query": query, **body})


def _types(*names: str, table: str = "Resources") -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"{table} | where type in~ ({listed}) | order by id asc"


def test_a_row_has_graphs_manners(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": ACCOUNT, "location": "West Europe", "properties": {"accessTier": "Hot"}})
    answer = _ask(arm, ACCOUNTS)
    assert answer.status_code == 200
    body = answer.json()
    assert (body["totalRecords"], body["count"], body["resultTruncated"]) == (1, 1, "false")
    (row,) = body["data"]
    assert row["type"] == "microsoft.storage/storageaccounts"
    assert (row["resourceGroup"], row["subscriptionId"]) == ("prod-rg", SUB_GUID)
    assert (row["id"], row["location"], row["tenantId"]) == (
        ACCOUNT,
        "westeurope",
        tenant.tenant_id,
    )
    assert (row["kind"], row["managedBy"], row["identity"], row["zones"]) == ("", "", None, None)
    assert row["properties"] == {"accessTier": "Hot"}


def test_several_types_come_in_order_of_id(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, "location": "westeurope"})
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    query = _types("microsoft.storage/STORAGEACCOUNTS", "microsoft.network/networksecuritygroups")
    assert [row["id"] for row in _ask(arm, query).json()["data"]] == [NSG, ACCOUNT]


def test_a_row_is_that_of_the_document_now(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": ACCOUNT, "location": "westeurope", "tags": {"n": "1"}})
    assert _ask(arm, ACCOUNTS).json()["data"][0]["tags"] == {"n": "1"}
    tenant.write(ACCOUNT, {"tags": {"n": "2"}}, by=ALICE, method="PATCH")
    assert _ask(arm, ACCOUNTS).json()["data"][0]["tags"] == {"n": "2"}


def test_columns_can_be_chosen(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    rows = _ask(arm, f"{ACCOUNTS} | project id, tags").json()["data"]
    assert rows == [{"id": ACCOUNT, "tags": None}]


def test_an_unknown_query_is_refused_with_the_word(arm: Client) -> None:
    answer = _ask(arm, "Resources | where type in~ ('a') | mv-expand zones")
    assert answer.status_code == 400
    (detail,) = answer.json()["error"]["details"]
    assert (detail["code"], detail["message"].rsplit(": ", 1)[1]) == ("InvalidQuery", "mv-expand")


def test_old_versions_are_refused(arm: Client) -> None:
    answer = arm.post(PATH.replace("2022-10-01", "2019-04-01"), {"query": ACCOUNTS})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("table", "kind", "held"),
    [
        ("Resources", "microsoft.sql/servers", True),
        ("Resources", "microsoft.sql/servers/databases", True),
        ("Resources", "microsoft.sql/servers/firewallrules", False),
        ("Resources", "microsoft.healthcareapis/workspaces/fhirservices", True),
        ("Resources", "microsoft.netapp/netappaccounts/capacitypools/volumes", True),
        ("Resources", "microsoft.authorization/roleassignments", False),
        ("AuthorizationResources", "microsoft.authorization/roleassignments", True),
        ("AuthorizationResources", "microsoft.sql/servers", False),
        ("ResourceContainers", "microsoft.resources/subscriptions", True),
        ("ResourceContainers", "microsoft.resources/subscriptions/resourcegroups", True),
        ("ResourceContainers", "microsoft.sql/servers", False),
    ],
)
def test_each_table_holds_its_types(
    tenant: Tenant, arm: Client, table: str, kind: str, *, held: bool
) -> None:
    tenant.load({"id": f"{SERVER}/firewallRules/all", "properties": {}})
    tenant.load({"id": f"{SERVER}/databases/db", "location": "westeurope"})
    for child in (
        "Microsoft.HealthcareApis/workspaces/w/fhirservices/f",
        "Microsoft.NetApp/netAppAccounts/n/capacityPools/p/volumes/v",
    ):
        tenant.load({"id": f"{GROUP}/providers/{child}", "location": "westeurope"})
    tenant.load({"id": f"{GROUP}/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000001"})
    rows = _ask(arm, _types(kind, table=table)).json()["data"]
    assert {row["type"] for row in rows} == ({kind} if held else set())


@pytest.fixture
def many(tenant: Tenant) -> list[str]:
    return sorted(
        tenant.load(
            {
                "id": f"/subscriptions/s{n % 3}/resourceGroups/g/providers/"
                f"Microsoft.Storage/storageAccounts/a{n:02d}"
            }
        )
        for n in range(20)
    )


def _pages(arm: Client, query: str, top: int, total: int) -> list[str]:
    """The ids of all pages, one after the other."""
    seen: list[str] = []
    options: dict[str, Any] = {"$top": top, "resultFormat": "objectArray"}
    while True:
        body = _ask(arm, query, options=options).json()
        assert body["totalRecords"] == total
        seen += [row["id"] for row in body["data"]]
        if "$skipToken" not in body:
            return seen
        assert body["count"] == top
        options["$skipToken"] = body["$skipToken"]


@pytest.mark.parametrize("top", [1, 7, 20, 1000])
def test_pages_hold_every_row_once_in_order(arm: Client, many: list[str], top: int) -> None:
    assert _pages(arm, ACCOUNTS, top, 20) == many
    filtered = f"Resources | where name !in ('a03', 'a04') | {ACCOUNTS.split(' | ', 1)[1]}"
    assert _pages(arm, filtered, top, 18) == [i for i in many if i[-2:] not in {"03", "04"}]
    assert _pages(arm, "Resources | order by name desc", top, 20) == sorted(
        many, key=lambda i: i[-2:], reverse=True
    )


def test_without_an_order_there_is_none(arm: Client, many: list[str]) -> None:
    """The same for all pages, so that each row comes once; but not that of ids."""
    seen = _pages(arm, "Resources | where type =~ 'microsoft.storage/storageaccounts'", 7, 20)
    assert seen != many
    assert sorted(seen) == many


def test_a_token_belongs_to_its_kind_of_order(arm: Client, many: list[str]) -> None:
    by_name = "Resources | order by name asc"
    tokens = {
        query: _ask(arm, query, options={"$top": 5}).json()["$skipToken"]
        for query in (ACCOUNTS, by_name)
    }
    for query, other in ((ACCOUNTS, by_name), (by_name, ACCOUNTS)):
        assert _ask(arm, query, options={"$skipToken": tokens[query]}).status_code == 200
        assert _ask(arm, query, options={"$skipToken": tokens[other]}).status_code == 400


def test_without_the_id_the_rest_is_silently_lost(arm: Client, many: list[str]) -> None:
    body = _ask(arm, f"{ACCOUNTS} | project name", options={"$top": 5}).json()
    assert (body["count"], body["resultTruncated"], "$skipToken" in body) == (5, "true", False)


@pytest.mark.parametrize(
    ("stage", "count", "truncated"),
    [
        ("take 7", 5, "true"),
        ("take 3", 3, "false"),
        ("summarize count() by id", 5, "true"),
        ("summarize count() by subscriptionId", 3, "false"),
        ("extend id = name", 5, "true"),
    ],
)
def test_what_is_cut_or_summed_has_no_second_page(
    arm: Client, many: list[str], stage: str, count: int, truncated: str
) -> None:
    body = _ask(arm, f"{ACCOUNTS} | {stage}", options={"$top": 5}).json()
    assert (body["count"], body["resultTruncated"]) == (count, truncated)
    assert "$skipToken" not in body


def test_rows_are_counted_by_subscription(arm: Client, many: list[str]) -> None:
    query = "resources | summarize count() by subscriptionId | order by subscriptionId asc"
    assert _ask(arm, query).json()["data"] == [
        {"subscriptionId": "s0", "count_": 7},
        {"subscriptionId": "s1", "count_": 7},
        {"subscriptionId": "s2", "count_": 6},
    ]


def test_a_condition_on_subscriptions_is_like_the_filter(arm: Client, many: list[str]) -> None:
    query = f"resources | where subscriptionId in~ ('S1') | {ACCOUNTS.split(' | ', 1)[1]}"
    body = _ask(arm, query).json()
    assert {row["subscriptionId"] for row in body["data"]} == {"s1"}
    assert body["totalRecords"] == 7
    assert _ask(arm, query, subscriptions=["s2"]).json()["data"] == []


def test_assignments_since(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    """The incremental sweep of role assignments."""
    for n, day in enumerate((1, 2)):
        name = f"dddddddd-0000-4000-8000-00000000000{n}"
        properties = {"updatedOn": f"2026-03-0{day}T05:00:00.1234567Z"}
        tenant.load({"id": f"{GROUP}/{ASSIGNMENTS}/{name}", "properties": properties})
    query = (
        "authorizationresources | where type =~ 'microsoft.authorization/roleassignments'"
        " | where todatetime(properties.updatedOn) > ago(1d) | order by id asc | project id, name"
    )
    rows = _ask(arm, query).json()["data"]
    assert [row["name"] for row in rows] == ["dddddddd-0000-4000-8000-000000000001"]


def test_the_subscriptions_filter(arm: Client, many: list[str]) -> None:
    body = _ask(arm, ACCOUNTS, subscriptions=["S1", "nobody"]).json()
    assert {row["subscriptionId"] for row in body["data"]} == {"s1"}
    assert body["totalRecords"] == 7
    refused = _ask(arm, ACCOUNTS, subscriptions=["nobody"])
    assert refused.status_code == 403


def test_what_may_not_be_read_is_left_out_without_a_word(
    tenant: Tenant, arm: Client, many: list[str]
) -> None:
    tenant.refuse(ROBOT, "*/read", "/subscriptions/s1")
    body = _ask(arm, ACCOUNTS).json()
    assert {row["subscriptionId"] for row in body["data"]} == {"s0", "s2"}
    assert (body["totalRecords"], body["resultTruncated"]) == (13, "false")
    assert _ask(arm, ACCOUNTS, subscriptions=["s1"]).status_code == 403
    assert _ask(Client(tenant, ALICE), ACCOUNTS).json()["totalRecords"] == 20


def test_inherited_assignments_are_shown_only_to_who_asks(tenant: Tenant, arm: Client) -> None:
    """Without the scope filter, what is granted above a subscription is missing."""
    tenant.load({"id": f"/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000001"})
    tenant.load({"id": f"{GROUP}/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000002"})
    query = _types("microsoft.authorization/roleassignments", table="AuthorizationResources")
    counts = [
        _ask(arm, query, subscriptions=[SUB_GUID]).json()["totalRecords"],
        _ask(
            arm,
            query,
            subscriptions=[SUB_GUID],
            options={"authorizationScopeFilter": "AtScopeAboveAndBelow"},
        ).json()["totalRecords"],
        _ask(arm, query).json()["totalRecords"],
    ]
    assert counts == [1, 2, 2]


@pytest.mark.parametrize(
    ("asked", "names"), [({}, ["Deployer"]), ({"subscriptions": [SUB.rsplit("/", 1)[1]]}, [])]
)
def test_role_definitions_have_no_place(
    tenant: Tenant, arm: Client, asked: dict[str, Any], names: list[str]
) -> None:
    """Only who asks for the whole tenant sees them, by ids without a subscription."""
    loaded = tenant.load(roles.custom_role("Deployer", SUB, roles.block(["*/read"])))
    query = _types("microsoft.authorization/roledefinitions", table="AuthorizationResources")
    rows = _ask(arm, query, **asked).json()["data"]
    custom = [row for row in rows if row["properties"]["type"] == "CustomRole"]
    assert [row["properties"]["roleName"] for row in custom] == names
    for row in custom:
        name = loaded.rsplit("/", 1)[1]
        assert row["id"] == f"/providers/Microsoft.Authorization/RoleDefinitions/{name}"
        assert row["subscriptionId"] == ""


def test_graph_sees_changes_late(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    """For a minute Graph shows the old properties, the deleted, and not the new."""
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {"accessTier": "Hot"}})
    doomed, coming, quiet = ACCOUNT + "b", ACCOUNT + "c", ACCOUNT + "d"
    tenant.load({"id": doomed, "location": "westeurope"})
    tenant.load({"id": quiet, "location": "westeurope"})
    tenant.graph.lag = timedelta(minutes=1)
    tenant.write(ACCOUNT, {"properties": {"accessTier": "Cool"}}, by=ALICE, method="PATCH")
    tenant.remove(doomed, by=ALICE)
    tenant.load({"id": coming, "location": "westeurope"})

    def shown() -> dict[str, Any]:
        rows = _ask(arm, ACCOUNTS).json()["data"]
        return {row["id"]: row["properties"].get("accessTier") for row in rows}

    clock.advance(timedelta(seconds=59))
    assert shown() == {ACCOUNT: "Hot", doomed: None, quiet: None}
    clock.advance(timedelta(seconds=1))
    assert shown() == {ACCOUNT: "Cool", coming: None, quiet: None}


def test_fifteen_queries_in_five_seconds(clock: VirtualClock) -> None:
    tenant = Tenant(clock, throttling=True)
    arm = Client(tenant)
    left = [int(_ask(arm, ACCOUNTS).headers["x-ms-user-quota-remaining"]) for _ in range(15)]
    assert left == list(range(14, -1, -1))
    refused = _ask(arm, ACCOUNTS)
    assert refused.status_code == 429
    assert refused.headers["x-ms-user-quota-resets-after"] == "00:00:05"
    assert _ask(Client(tenant, ALICE), ACCOUNTS).status_code == 200
    clock.advance(timedelta(seconds=5))
    assert _ask(arm, ACCOUNTS).status_code == 200


def test_a_query_is_no_write(tenant: Tenant, arm: Client) -> None:
    _ask(arm, ACCOUNTS)
    assert tenant.writes == []
    assert tenant.events.take() == []


@pytest.mark.parametrize(
    "body",
    [
        {"options": {"resultFormat": "table"}},
        {"options": {"authorizationScopeFilter": "AtScopeExact"}},
        {"options": {"$skipToken": "%%%"}},
        {"options": {"$skip": 5}},
        {"options": {"$top": 0}},
        {"options": {"$top": 1001}},
        {"options": {"$top": "many"}},
        {"options": ["$top"]},
        {"facets": [{"expression": "location"}]},
        {"managementGroups": ["platform"], "subscriptions": [SUB_GUID]},
        {"managementGroups": "platform"},
        {"subscriptions": [{}]},
    ],
)
def test_unknown_options_are_refused(arm: Client, body: dict[str, Any]) -> None:
    answer = _ask(arm, ACCOUNTS, **body)
    assert (answer.status_code, code(answer)) == (400, "BadRequest")
    assert answer.headers["x-ms-user-quota-remaining"] == "14"
