"""Where Resource Graph looks, and that each table is silent about what its caller may not read."""

from typing import Any

import pytest

from simulator import roles
from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, ALICE, GROUP, ROBOT, SUB, VAULT, Client, code

PATH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
GROUPS = "/providers/Microsoft.Management/managementGroups"
TOP, CORP, LAB = (f"{GROUPS}/{name}" for name in ("top", "corp", "lab"))
SECOND = SUB.replace("2", "3")
THIRD = SUB.replace("2", "4")
PLACES = {CORP: SUB, LAB: SECOND}
LIMIT_HIT = "x-ms-tenant-subscription-limit-hit"


def _account(subscription: str) -> str:
    return ACCOUNT.replace(SUB, subscription)


def _assigned(tenant: Tenant, scope: str) -> str:
    return tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, scope))


@pytest.fixture
def tenant() -> Tenant:
    """`top` over `corp` and `lab`, each over a subscription; a third is under the root alone."""
    made = Tenant(rbac=True)
    made.load({"id": TOP, "properties": {"displayName": "Top of all"}})
    for group, subscription in PLACES.items():
        made.load({"id": group, "properties": {"details": {"parent": {"id": TOP}}}})
        made.load({"id": f"{group}/subscriptions/{subscription.rsplit('/', 1)[1]}"})
    for subscription in (SUB, SECOND, THIRD):
        made.load({"id": _account(subscription), "location": "westeurope", "properties": {}})
    return made


def _reads(tenant: Tenant, scope: str) -> None:
    tenant.load(roles.assignment(ROBOT.object_id, roles.READER, scope))


def _ask(arm: Client, query: str, **body: Any) -> Any:
    return arm.post(PATH, {"query": query, **body})


def _ids(arm: Client, table: str, **body: Any) -> list[str]:
    answer = _ask(arm, f"{table} | order by id asc", **body)
    assert answer.status_code == 200, answer.json()
    return [row["id"] for row in answer.json()["data"]]


@pytest.mark.parametrize(
    ("names", "inside"),
    [(["corp"], [SUB]), (["LAB", "corp"], [SUB, SECOND]), (["top"], [SUB, SECOND])],
)
def test_management_groups_hold_what_is_below_them(
    tenant: Tenant, arm: Client, names: list[str], inside: list[str]
) -> None:
    _reads(tenant, "/")
    assert _ids(arm, "resources", managementGroups=names) == [_account(one) for one in inside]


def test_containers_of_a_management_group(tenant: Tenant, arm: Client) -> None:
    """The group itself, the groups below, and their subscriptions with their groups."""
    _reads(tenant, "/")
    second = GROUP.replace(SUB, SECOND)
    assert _ids(arm, "resourcecontainers", managementGroups=["lab"]) == [LAB, SECOND, second]
    assert {TOP, CORP, LAB} < set(_ids(arm, "resourcecontainers", managementGroups=["top"]))
    assert TOP not in _ids(arm, "resourcecontainers", subscriptions=[SUB.rsplit("/", 1)[1]])


def test_assignments_of_a_management_group(tenant: Tenant, arm: Client) -> None:
    """Those at the group and below; those above it for who asks."""
    _reads(tenant, "/")
    at = {scope: _assigned(tenant, scope) for scope in ("/", TOP, CORP, SUB, LAB, THIRD)}
    mine = "authorizationresources | where type =~ 'microsoft.authorization/roleassignments'"
    mine += f" | where properties.principalId == '{ALICE.object_id}'"

    def found(**options: str) -> set[str]:
        return set(_ids(arm, mine, managementGroups=["corp"], options=options))

    assert found() == {at[CORP], at[SUB]}
    above = found(authorizationScopeFilter="AtScopeAboveAndBelow")
    assert above == {at["/"], at[TOP], at[CORP], at[SUB]}


def test_management_groups_of_which_nothing_may_be_read_are_refused(
    tenant: Tenant, arm: Client
) -> None:
    refused = _ask(arm, "resources", managementGroups=["corp"])
    assert (refused.status_code, code(refused)) == (403, "AuthorizationFailed")
    _reads(tenant, SUB)
    assert _ids(arm, "resources", managementGroups=["corp", "lab"]) == [ACCOUNT]
    assert _ask(arm, "resources", managementGroups=["lab"]).status_code == 403
    assert _ask(arm, "resources", managementGroups=["nobody"]).status_code == 403


def test_a_management_group_that_may_be_read_need_hold_nothing(tenant: Tenant, arm: Client) -> None:
    empty = tenant.load({"id": f"{GROUPS}/empty"})
    _reads(tenant, empty)
    assert _ids(arm, "resourcecontainers", managementGroups=["empty"]) == [empty]
    assert _ids(arm, "resources", managementGroups=["empty"]) == []


def test_what_is_in_no_subscription_has_an_empty_one(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, "/")
    guid = SUB.rsplit("/", 1)[1]
    query = "resourcecontainers | where subscriptionId {} | order by id asc"
    inside = _ask(arm, query.format(f"in~ ('{guid}')")).json()["data"]
    assert [row["id"] for row in inside] == [SUB, GROUP]
    outside = _ask(arm, query.format("=~ ''")).json()["data"]
    assert {CORP, LAB, TOP} <= {row["id"] for row in outside}
    assert {row["subscriptionId"] for row in outside} == {""}


def test_a_refusal_below_a_subscription_hides_what_is_below_it(tenant: Tenant, arm: Client) -> None:
    other = tenant.load({"id": ACCOUNT.replace(GROUP, f"{SUB}/resourceGroups/other")})
    _reads(tenant, SUB)
    tenant.refuse(ROBOT, "*/read", GROUP)
    body = _ask(arm, "resources | order by id asc").json()
    assert ([row["id"] for row in body["data"]], body["totalRecords"]) == ([other], 1)


def test_subscriptions_know_the_groups_above_them(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, "/")
    query = (
        "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | order by id asc"
        " | project id, properties.state, chain = properties.managementGroupAncestorsChain"
    )
    root = {"displayName": "Tenant Root Group", "name": tenant.tenant_id}
    top = {"displayName": "Top of all", "name": "top"}
    assert _ask(arm, query).json()["data"] == [
        {"id": SUB, "properties_state": "Enabled",
         "chain": [{"displayName": "corp", "name": "corp"}, top, root]},
        {"id": SECOND, "properties_state": "Enabled",
         "chain": [{"displayName": "lab", "name": "lab"}, top, root]},
        {"id": THIRD, "properties_state": "Enabled", "chain": [root]},
    ]  # fmt: skip


def test_another_tenants_subscription_is_shown_as_that_tenants(tenant: Tenant, arm: Client) -> None:
    """Azure Lighthouse delegates it: events and rows say where; no group of ours is above it."""
    other = "99999999-0000-4000-8000-000000000009"
    tenant.load({"id": THIRD, "tenantId": other})
    for subscription in (SECOND, THIRD):
        _reads(tenant, subscription)
        _assigned(tenant, subscription)
        tenant.write(_account(subscription), {"tags": {"a": "b"}}, by=ALICE, method="PATCH")
    lives = {SECOND[15:]: tenant.tenant_id, THIRD[15:]: other}
    events = [one["data"] for one in tenant.events.take()]
    assert {one["subscriptionId"]: one["tenantId"] for one in events} == lives
    for table in ("resources", "resourcechanges", "resourcecontainers"):
        rows = _ask(arm, f"{table} | order by id asc").json()["data"]
        assert {row["subscriptionId"]: row["tenantId"] for row in rows} == lives, table
    chains = [row["properties"].get("managementGroupAncestorsChain") for row in rows]
    assert [{"displayName": other, "name": other}] in chains


def test_a_subscription_that_moves_knows_its_new_place(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, "/")
    chains = []
    for _ in range(2):
        rows = _ask(arm, "resourcecontainers | order by id asc").json()["data"]
        (third,) = [row for row in rows if row["id"] == THIRD]
        chains.append([one["name"] for one in third["properties"]["managementGroupAncestorsChain"]])
        tenant.load({"id": f"{LAB}/subscriptions/{THIRD.rsplit('/', 1)[1]}"})
    assert chains == [[tenant.tenant_id], ["lab", "top", tenant.tenant_id]]


def test_management_groups_know_the_groups_above_them(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, "/")
    query = (
        "resourcecontainers | where type =~ 'microsoft.management/managementgroups'"
        " | where name == 'corp' | order by id asc"
    )
    (row,) = _ask(arm, query).json()["data"]
    details = row["properties"]["details"]
    assert details["parent"] == {"id": TOP}
    assert details["managementGroupAncestors"] == ["top", tenant.tenant_id]
    assert [one["name"] for one in details["managementGroupAncestorsChain"]] == [
        "top", tenant.tenant_id,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (None, []),
        (ACCOUNT, []),
        (GROUP, [GROUP]),
        (SUB, [SUB, GROUP]),
        (CORP, [CORP, SUB, GROUP]),
    ],
)
def test_containers_are_shown_to_who_may_read_them(
    tenant: Tenant, arm: Client, scope: str | None, expected: list[str]
) -> None:
    if scope:
        _reads(tenant, scope)
    body = _ask(arm, "resourcecontainers | order by id asc").json()
    assert [row["id"] for row in body["data"]] == expected
    assert (body["totalRecords"], body["resultTruncated"]) == (len(expected), "false")


@pytest.mark.parametrize("scope", [GROUP, SUB, CORP])
def test_every_table_is_silent_about_what_it_hides(tenant: Tenant, arm: Client, scope: str) -> None:
    """Of two subscriptions with the like inside, only the readable one shows, changes too."""
    writer = roles.assignment(ALICE.object_id, roles.CONTRIBUTOR, "/")
    tenant.load(writer)
    for one in (SUB, SECOND):
        tenant.write(_account(one), {"tags": {"a": "b"}}, by=ALICE, method="PATCH")
        _assigned(tenant, GROUP.replace(SUB, one))
    _reads(tenant, scope)
    for table in ("resources", "resourcechanges", "authorizationresources", "resourcecontainers"):
        query = f"{table} | where isnotempty(subscriptionId) | summarize n = count() by"
        (row,) = _ask(arm, f"{query} subscriptionId").json()["data"]
        assert row["subscriptionId"] == SUB.rsplit("/", 1)[1]
        assert row["n"] > 0
        everything = _ask(Client(tenant, ALICE), f"{query} subscriptionId").json()
        assert len(everything["data"]) > 1


def test_assignments_of_policies_are_in_a_table_of_their_own(tenant: Tenant, arm: Client) -> None:
    """Also those at a management group; each is shown to who may read it there."""
    ids = [
        f"{scope}/providers/Microsoft.Authorization/policyAssignments/p" for scope in (CORP, SUB)
    ]
    for one in ids:
        tenant.load({"id": one, "properties": {}})
    _reads(tenant, SUB)
    query = "policyresources | order by id asc"
    assert [row["id"] for row in _ask(arm, query).json()["data"]] == ids[1:]
    _reads(tenant, CORP)
    rows = _ask(arm, query).json()["data"]
    assert [(row["id"], row["type"]) for row in rows] == [
        (one, "microsoft.authorization/policyassignments") for one in ids
    ]
    assert not _ask(arm, "resources | where type contains 'policyassignments'").json()["data"]


def test_totals_count_what_is_shown(tenant: Tenant, arm: Client) -> None:
    """Also where all of one subscription is readable and a single group of another."""
    tenant.load({"id": VAULT, "location": "westeurope", "properties": {}})
    for n in range(3):
        tenant.load({"id": f"{_account(SECOND)}{n}", "location": "westeurope"})
    _reads(tenant, SUB)
    _reads(tenant, f"{_account(SECOND)}1")
    body = _ask(arm, "resources | order by id asc", options={"$top": 2}).json()
    assert [row["id"] for row in body["data"]] == [VAULT, ACCOUNT]
    assert body["totalRecords"] == 3
    options = {"$top": 2, "$skipToken": body["$skipToken"]}
    body = _ask(arm, "resources | order by id asc", options=options).json()
    assert [row["id"] for row in body["data"]] == [f"{_account(SECOND)}1"]
    assert body["totalRecords"] == 3


def test_a_query_looks_at_so_many_subscriptions_and_says_when_it_was_cut(
    tenant: Tenant, arm: Client
) -> None:
    _reads(tenant, "/")
    tenant.graph.scopes.limit = 2
    answer = _ask(arm, "resources | order by id asc")
    assert [row["id"] for row in answer.json()["data"]] == [ACCOUNT, _account(SECOND)]
    assert (answer.headers[LIMIT_HIT], answer.json()["resultTruncated"]) == ("true", "false")
    inside = _ask(arm, "resources | order by id asc", managementGroups=["top"])
    assert (inside.headers[LIMIT_HIT], inside.json()["count"]) == ("false", 2)
    tenant.graph.scopes.limit = 1
    inside = _ask(arm, "resources | order by id asc", managementGroups=["top"])
    assert (inside.headers[LIMIT_HIT], inside.json()["count"]) == ("true", 1)


@pytest.mark.parametrize(
    "table",
    [
        "resources",
        "resourcecontainers",
        "authorizationresources",
        "policyresources",
        "resourcechanges",
    ],
)
def test_the_quota_is_one_for_all_tables(arm: Client, table: str) -> None:
    first = _ask(arm, table)
    assert int(first.headers["x-ms-user-quota-remaining"]) == 14
    assert first.headers["x-ms-user-quota-resets-after"] == "00:00:05"
    assert int(_ask(arm, "resources").headers["x-ms-user-quota-remaining"]) == 13
