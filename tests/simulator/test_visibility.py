"""What a caller sees: of a list and of Resource Graph, only what it may read."""

from typing import Any

import pytest

from simulator import roles
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    ASSIGNMENTS,
    GROUP,
    ROBOT,
    SUB,
    VAULT,
    Client,
    code,
)

GRAPH = "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
PLATFORM = "/providers/Microsoft.Management/managementGroups/platform"
SECOND = "/subscriptions/33333333-3333-4333-8333-333333333333"
OTHER = f"{SUB}/resourceGroups/other"
HIDDEN = ACCOUNT.replace(GROUP, OTHER)
FOREIGN = ACCOUNT.replace(SUB, SECOND)
ACCOUNTS = "providers/Microsoft.Storage/storageAccounts"


@pytest.fixture
def tenant() -> Tenant:
    """Two subscriptions; accounts in two groups of the first and one of the second."""
    made = Tenant(rbac=True)
    for one in (ACCOUNT, HIDDEN, FOREIGN, VAULT):
        made.load({"id": one, "location": "westeurope", "properties": {}})
    made.load({"id": f"{PLATFORM}/subscriptions/{SUB.rsplit('/', 1)[1]}"})
    return made


def _reads(tenant: Tenant, scope: str, role: str = roles.READER) -> None:
    tenant.load(roles.assignment(ROBOT.object_id, role, scope))


def _ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.json()
    return [one["id"] for one in answer.json()["value"]]


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (SUB, [HIDDEN, ACCOUNT]),
        (PLATFORM, [HIDDEN, ACCOUNT]),
        (GROUP, [ACCOUNT]),
        (ACCOUNT, [ACCOUNT]),
    ],
)
def test_a_list_shows_what_may_be_read(
    tenant: Tenant, arm: Client, scope: str, expected: list[str]
) -> None:
    _reads(tenant, scope)
    assert _ids(arm.get(f"{SUB}/{ACCOUNTS}")) == sorted(expected, key=str.lower)


@pytest.mark.parametrize("path", [f"{SUB}/{ACCOUNTS}", f"{SUB}/resources", f"{SUB}/resourceGroups"])
def test_a_list_with_nothing_to_show_is_refused(tenant: Tenant, arm: Client, path: str) -> None:
    """Rights on another subscription, or to write, or on a type apart, show nothing here."""
    _reads(tenant, SECOND)
    writing = roles.custom_role("writer", SUB, roles.block(["*/write"]))
    _reads(tenant, SUB, tenant.load(writing))
    answer = arm.get(path)
    assert (answer.status_code, code(answer)) == (403, "AuthorizationFailed")


def test_every_list_is_held_to_the_same(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, GROUP)
    assert _ids(arm.get(f"{SUB}/resourceGroups")) == [GROUP]
    assert _ids(arm.get(f"{SUB}/resources")) == sorted([ACCOUNT, VAULT], key=str.lower)
    assert _ids(arm.get(f"{GROUP}/resources")) == sorted([ACCOUNT, VAULT], key=str.lower)
    assert arm.get(f"{OTHER}/resources").status_code == 403
    assert _ids(arm.get("/subscriptions")) == [SUB]
    _reads(tenant, SECOND)
    assert _ids(arm.get("/subscriptions")) == [SUB, SECOND]


def test_pages_are_full_of_what_is_shown(tenant: Tenant, arm: Client) -> None:
    """What is hidden leaves no gaps, and no link to a page with nothing to see."""
    tenant.listing.page_size = 1
    _reads(tenant, GROUP)
    body = arm.get(f"{SUB}/{ACCOUNTS}").json()
    assert [one["id"] for one in body["value"]] == [ACCOUNT]
    assert "nextLink" not in body


def test_children_are_listed_by_who_may_read_them_all(tenant: Tenant, arm: Client) -> None:
    """A right on one rule does not open the list of its server's rules."""
    rule = tenant.load(
        {"id": f"{GROUP}/providers/Microsoft.Sql/servers/s/firewallRules/a", "properties": {}}
    )
    rules = rule.rsplit("/", 1)[0]
    _reads(tenant, rule)
    assert arm.get(rule).status_code == 200
    assert arm.get(rules).status_code == 403
    _reads(tenant, rules.rsplit("/", 1)[0])
    assert _ids(arm.get(rules)) == [rule]


def test_inherited_assignments_are_seen_from_below(tenant: Tenant, arm: Client) -> None:
    """Who may read a subscription's assignments sees those above it that hold there."""
    above = tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, PLATFORM))
    _reads(tenant, GROUP)
    assert above not in _ids(arm.get(f"{SUB}/{ASSIGNMENTS}"))
    _reads(tenant, SUB)
    assert above in _ids(arm.get(f"{SUB}/{ASSIGNMENTS}"))
    assert arm.get(above).status_code == 403


def test_a_scope_is_no_beginning_of_a_name(tenant: Tenant, arm: Client) -> None:
    """A right in a group shows nothing of the group whose name is the beginning of its name."""
    longer = tenant.load({"id": ACCOUNT.replace(GROUP, f"{GROUP}-2"), "location": "westeurope"})
    _reads(tenant, longer)
    assert arm.get(f"{GROUP}/{ACCOUNTS}").status_code == 403
    assert _ids(arm.get(f"{GROUP}-2/{ACCOUNTS}")) == [longer]


def test_management_groups_are_listed_as_far_as_they_may_be_read(
    tenant: Tenant, arm: Client
) -> None:
    groups = "/providers/Microsoft.Management/managementGroups"
    _reads(tenant, SUB)
    assert arm.get(groups).status_code == 403
    _reads(tenant, PLATFORM)
    assert _ids(arm.get(groups)) == [PLATFORM]


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("Microsoft.Management/managementGroups/descendants/read", 200),
        ("Microsoft.Management/managementGroups/read", 403),
        ("Microsoft.Management/managementGroups/subscriptions/read", 403),
    ],
)
def test_the_descendants_of_a_group_are_an_action_of_their_own(
    tenant: Tenant, arm: Client, action: str, status: int
) -> None:
    """A right at the subscription below does not list them, nor one to read the group."""
    path = f"{PLATFORM}/descendants?api-version=2020-05-01"
    _reads(tenant, SUB)
    assert arm.get(path).status_code == 403
    role = tenant.load(roles.custom_role("lister", PLATFORM, roles.block([action])))
    _reads(tenant, PLATFORM, role)
    assert arm.get(path).status_code == status


def test_a_subscription_that_is_moved_inherits_from_its_new_place(
    tenant: Tenant, arm: Client
) -> None:
    _reads(tenant, PLATFORM)
    assert arm.get(FOREIGN).status_code == 403
    tenant.load({"id": f"{PLATFORM}/subscriptions/{SECOND.rsplit('/', 1)[1]}"})
    assert arm.get(FOREIGN).status_code == 200


def test_a_mixed_list_asks_for_the_right_to_each_type(tenant: Tenant, arm: Client) -> None:
    """The right to the list itself shows nothing of what is on it."""
    listing = "Microsoft.Resources/subscriptions/resources/read"
    reading = roles.block([listing, "Microsoft.KeyVault/vaults/read"])
    _reads(tenant, SUB, tenant.load(roles.custom_role("vaults", SUB, reading)))
    assert _ids(arm.get(f"{SUB}/resources")) == [VAULT]


def test_a_refused_list_shows_nothing(tenant: Tenant, arm: Client) -> None:
    _reads(tenant, GROUP)
    tenant.refuse(ROBOT, "Microsoft.Storage/storageAccounts/read", SUB)
    assert arm.get(f"{SUB}/{ACCOUNTS}").status_code == 403


def test_a_resource_that_looks_like_a_list_is_read_like_one_resource(
    tenant: Tenant, arm: Client
) -> None:
    """Rights on something of its type below do not open it."""
    odd = tenant.load({"id": f"{SUB}/{ACCOUNTS}", "name": "odd"})
    _reads(tenant, GROUP)
    assert arm.get(odd).status_code == 403
    _reads(tenant, SUB)
    assert arm.get(odd).json()["name"] == "odd"


# Resource Graph


def _ask(arm: Client, kind: str = "storageaccounts", **body: Any) -> Any:
    query = f"Resources | where type in~ ('microsoft.storage/{kind}') | order by id asc"
    return arm.post(GRAPH, {"query": query, **body})


def _numbers(*ids: str) -> list[str]:
    return [one.rsplit("/", 1)[1] for one in ids]


def test_graph_shows_nothing_to_nobody(arm: Client) -> None:
    """Asking needs no right; seeing does."""
    body = _ask(arm).json()
    assert (body["data"], body["totalRecords"]) == ([], 0)


@pytest.mark.parametrize(
    ("scope", "expected"),
    [(SUB, [HIDDEN, ACCOUNT]), (GROUP, [ACCOUNT]), (FOREIGN, [FOREIGN]), ("/", None)],
)
def test_graph_is_silent_about_what_it_hides(
    tenant: Tenant, arm: Client, scope: str, expected: list[str] | None
) -> None:
    _reads(tenant, scope)
    everything = [ACCOUNT, HIDDEN, FOREIGN]
    shown = sorted(expected or everything, key=str.lower)
    body = _ask(arm).json()
    assert [row["id"] for row in body["data"]] == shown
    assert (body["totalRecords"], body["resultTruncated"]) == (len(shown), "false")


def test_graph_refuses_when_no_given_subscription_is_readable(tenant: Tenant, arm: Client) -> None:
    """One that is readable in part is enough, and the others are left out without a word."""
    both = _numbers(SUB, SECOND)
    assert _ask(arm, subscriptions=both).status_code == 403
    _reads(tenant, GROUP)
    rows = _ask(arm, subscriptions=both).json()["data"]
    assert [row["id"] for row in rows] == [ACCOUNT]
    answer = _ask(arm, subscriptions=_numbers(SECOND))
    assert (answer.status_code, code(answer)) == (403, "AuthorizationFailed")


def test_graph_asks_for_the_right_to_the_type(tenant: Tenant, arm: Client) -> None:
    reading = roles.block(["Microsoft.KeyVault/vaults/read"])
    _reads(tenant, SUB, tenant.load(roles.custom_role("vaults", SUB, reading)))
    assert _ask(arm, subscriptions=_numbers(SUB)).json()["data"] == []
    query = "Resources | where type in~ ('microsoft.keyvault/vaults') | order by id asc"
    rows = arm.post(GRAPH, {"query": query}).json()["data"]
    assert [row["id"] for row in rows] == [VAULT]


@pytest.mark.parametrize(("scope", "seen"), [(SUB, True), (GROUP, False), (SECOND, False)])
def test_graph_shows_what_is_granted_above_to_who_may_see_it(
    tenant: Tenant, arm: Client, scope: str, *, seen: bool
) -> None:
    above = tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, PLATFORM))
    _reads(tenant, GROUP)
    _reads(tenant, scope)
    query = (
        "authorizationresources | where type in~ ('microsoft.authorization/roleassignments') "
        "| order by id asc"
    )
    options = {"authorizationScopeFilter": "AtScopeAboveAndBelow"}
    body = {"query": query, "subscriptions": _numbers(SUB, SECOND), "options": options}
    rows = arm.post(GRAPH, body).json()["data"]
    assert (above in [row["id"] for row in rows]) is seen
