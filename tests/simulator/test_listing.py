"""Collections and their pages."""

from typing import Any

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    GROUP,
    LOCKS,
    NSG,
    SERVER,
    SUB,
    VAULT,
    Client,
    code,
    rule,
)

STORAGE = "providers/Microsoft.Storage/storageAccounts"


def _names(value: list[dict[str, Any]]) -> list[str]:
    return [str(one["name"]) for one in value]


def _pages(arm: Client, path: str) -> list[list[dict[str, Any]]]:
    """Every page of a list, following the links verbatim."""
    pages = []
    link = path
    while link:
        answer = arm.get(link)
        assert answer.status_code == 200
        pages.append(answer.json()["value"])
        link = answer.json().get("nextLink") or ""
    return pages


@pytest.fixture
def accounts(tenant: Tenant) -> list[str]:
    """Seven accounts in two groups and one in another subscription."""
    made = [
        tenant.load({"id": f"{SUB}/resourceGroups/g{n % 2}/{STORAGE}/a{n}", "location": "westus"})
        for n in range(7)
    ]
    tenant.load({"id": f"/subscriptions/other/resourceGroups/g0/{STORAGE}/a9"})
    return made


def test_lists_by_subscription_and_by_group(arm: Client, accounts: list[str]) -> None:
    everywhere = arm.get(f"{SUB}/{STORAGE}").json()
    assert sorted(one["id"] for one in everywhere["value"]) == sorted(accounts)
    assert "nextLink" not in everywhere
    in_group = arm.get(
        f"{SUB}/resourceGroups/G0/{STORAGE.upper()}".replace("PROVIDERS", "providers")
    )
    assert _names(in_group.json()["value"]) == ["a0", "a2", "a4", "a6"]


@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_pages_hold_everything_once(
    tenant: Tenant, arm: Client, accounts: list[str], size: int
) -> None:
    tenant.listing.page_size = size
    pages = _pages(arm, f"{SUB}/{STORAGE}?api-version=2024-01-01")
    assert [len(page) <= size for page in pages] == [True] * -(-7 // size)
    assert sorted(one["id"] for page in pages for one in page) == sorted(accounts)


def test_an_empty_page_in_the_middle_is_not_the_end(
    tenant: Tenant, arm: Client, accounts: list[str]
) -> None:
    tenant.listing.page_size = 3
    tenant.listing.empty_page_after = 1
    pages = _pages(arm, f"{SUB}/{STORAGE}?api-version=2024-01-01")
    assert [len(page) for page in pages] == [3, 0, 3, 1]


def test_vault_lists_end_with_an_empty_page(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": VAULT, "location": "westeurope"})
    pages = _pages(arm, f"{SUB}/providers/Microsoft.KeyVault/vaults?api-version=2023-07-01")
    assert [len(page) for page in pages] == [1, 0]


def test_what_changes_under_a_reader_neither_repeats_nor_hides_the_rest(
    tenant: Tenant, arm: Client, accounts: list[str]
) -> None:
    tenant.listing.page_size = 3
    first = arm.get(f"{SUB}/{STORAGE}").json()
    gone = first["value"][0]["id"]
    arm.delete(gone)
    rest = [one["id"] for page in _pages(arm, first["nextLink"]) for one in page]
    seen = [one["id"] for one in first["value"]] + rest
    assert sorted(seen) == sorted(accounts)


def test_a_made_up_token_is_refused(arm: Client) -> None:
    answer = arm.get(f"{SUB}/{STORAGE}?api-version=2024-01-01&$skiptoken=zzz")
    assert (answer.status_code, code(answer)) == (400, "InvalidSkipToken")


def test_children_are_listed_below_their_parent(tenant: Tenant, arm: Client) -> None:
    for name in ("all", "office"):
        tenant.load({"id": f"{SERVER}/firewallRules/{name}", "properties": {}})
    tenant.load({"id": f"{SERVER}-2/firewallRules/elsewhere", "properties": {}})
    listed = arm.get(f"{SERVER}/firewallRules").json()["value"]
    assert _names(listed) == ["all", "office"]
    missing = arm.get(f"{SERVER}-3/firewallRules")
    assert (missing.status_code, code(missing)) == (404, "ParentResourceNotFound")


def test_settings_that_always_exist_are_listed(tenant: Tenant, arm: Client) -> None:
    """Once, whether or not somebody has set them."""
    tenant.load({"id": SERVER})
    listed = arm.get(f"{SERVER}/auditingSettings").json()["value"]
    assert [one["properties"]["state"] for one in listed] == ["Disabled"]
    tenant.load({"id": f"{SERVER}/auditingSettings/default", "properties": {"state": "Enabled"}})
    listed = arm.get(f"{SERVER}/auditingSettings").json()["value"]
    assert [one["properties"]["state"] for one in listed] == ["Enabled"]
    assert _names(arm.get(f"{SERVER}/encryptionProtector").json()["value"]) == ["current"]


def test_embedded_children_are_listed_too(tenant: Tenant, arm: Client) -> None:
    rules = [{"name": "a", **rule(100)}, {"name": "b", **rule(200)}]
    tenant.load({"id": NSG, "location": "westeurope", "properties": {"securityRules": rules}})
    assert _names(arm.get(f"{NSG}/securityRules").json()["value"]) == ["a", "b"]


def test_subscriptions_and_groups_are_listed(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": "/subscriptions/other", "displayName": "Second"})
    listed = arm.get("/subscriptions").json()["value"]
    assert [one["displayName"] for one in listed] == ["Production", "Second"]
    assert _names(arm.get(f"{SUB}/resourcegroups").json()["value"]) == ["Prod-RG"]
    assert arm.get("/tenants").json()["value"][0]["tenantId"] == tenant.tenant_id


def test_the_generic_list_has_no_properties(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {"accessTier": "Hot"}})
    tenant.load({"id": f"{SERVER}/firewallRules/all", "properties": {}})
    tenant.load({"id": f"{GROUP}/{LOCKS}/keep", "properties": {"level": "ReadOnly"}})
    for scope in (SUB, GROUP):
        listed = arm.get(f"{scope}/resources").json()["value"]
        assert _names(listed) == ["sql1", "contoso"]
        assert not any("properties" in one for one in listed)
    kind = "resourceType eq 'microsoft.sql/SERVERS'"
    filtered = arm.get(f"{SUB}/resources?api-version=2021-04-01&$filter={kind}")
    assert _names(filtered.json()["value"]) == ["sql1"]


@pytest.mark.parametrize(("name", "found"), [("SQL1", ["sql1"]), ("sql2", [])])
def test_the_generic_list_finds_one_by_name(
    tenant: Tenant, arm: Client, name: str, found: list[str]
) -> None:
    tenant.load({"id": SERVER})
    tenant.load({"id": f"{GROUP}/providers/Microsoft.Web/sites/sql1"})
    kind = f"resourceType eq 'Microsoft.Sql/servers' and name eq '{name}'"
    listed = arm.get(f"{SUB}/resources?api-version=2021-04-01&$filter={kind}")
    assert _names(listed.json()["value"]) == found


def test_a_subscription_has_regions(arm: Client) -> None:
    regions = {one["name"]: one for one in arm.get(f"{SUB}/locations").json()["value"]}
    pair = regions["westeurope"]["metadata"]["pairedRegion"][0]
    assert pair == {"name": "northeurope", "id": f"{SUB}/locations/northeurope"}


def test_locks_are_listed_below_but_diagnostic_settings_are_not(
    tenant: Tenant, arm: Client
) -> None:
    """A subscription's list of settings is about the subscription alone."""
    settings = "providers/Microsoft.Insights/diagnosticSettings"
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    for scope, name in ((SUB, "s"), (ACCOUNT, "a")):
        tenant.load({"id": f"{scope}/{LOCKS}/{name}", "properties": {"level": "ReadOnly"}})
        tenant.load({"id": f"{scope}/{settings}/{name}", "properties": {}})
    assert len(arm.get(f"{SUB}/{LOCKS}").json()["value"]) == 2
    assert _names(arm.get(f"{SUB}/{settings}").json()["value"]) == ["s"]
    assert _names(arm.get(f"{ACCOUNT}/{settings}").json()["value"]) == ["a"]


GROUPS = "/providers/Microsoft.Management/managementGroups"


def _descendants(arm: Client, name: str) -> list[tuple[str, str]]:
    pages = _pages(arm, f"{GROUPS}/{name}/descendants?api-version=2020-05-01")
    return [(one["id"], one["properties"]["parent"]["id"]) for page in pages for one in page]


@pytest.fixture
def groups(tenant: Tenant) -> Tenant:
    """A group in a group, a subscription in each, and one in neither."""
    other = "/subscriptions/33333333-3333-4333-8333-333333333333"
    tenant.load({"id": f"{GROUPS}/top"})
    parent = {"details": {"parent": {"id": f"{GROUPS}/top"}}}
    tenant.load({"id": f"{GROUPS}/Leaf", "properties": parent})
    tenant.load({"id": other})
    tenant.load({"id": other.replace("3", "4")})
    tenant.load({"id": f"{GROUPS}/leaf/subscriptions/{SUB.rsplit('/', 1)[1]}"})
    tenant.load({"id": f"{GROUPS}/top/subscriptions/{other.rsplit('/', 1)[1]}"})
    return tenant


def test_a_management_groups_descendants(groups: Tenant, arm: Client) -> None:
    """At any depth, each with its own parent; a name is asked for without case."""
    other = "/subscriptions/33333333-3333-4333-8333-333333333333"
    below = [(f"{GROUPS}/Leaf", f"{GROUPS}/top"), (SUB, f"{GROUPS}/Leaf"), (other, f"{GROUPS}/top")]
    assert _descendants(arm, "TOP") == below
    assert _descendants(arm, "leaf") == below[1:2]
    groups.listing.page_size = 2
    assert _descendants(arm, "top") == below


def test_the_tenants_root_group_holds_what_was_never_placed(groups: Tenant, arm: Client) -> None:
    root = groups.state.tenant_id
    below = dict(_descendants(arm, root))
    lone = "/subscriptions/44444444-4444-4444-8444-444444444444"
    assert below[lone] == below[f"{GROUPS}/top"] == f"{GROUPS}/{root}".lower()
    assert len(below) == 5


def test_a_group_that_is_none_has_no_descendants(groups: Tenant, arm: Client) -> None:
    answer = arm.get(f"{GROUPS}/none/descendants?api-version=2020-05-01")
    assert (answer.status_code, code(answer)) == (404, "NotFound")
    assert _descendants(arm, "leaf")


@pytest.mark.parametrize(
    "path",
    [
        f"{SUB}/tagNames",
        f"{SUB}/{STORAGE}?api-version=2024-01-01&$filter=name eq 'a'",
        f"{SUB}/resources?api-version=2021-04-01&$filter=tagName eq 'x'",
    ],
)
def test_unknown_lists_are_refused(arm: Client, path: str) -> None:
    assert code(arm.get(path)) == "SimulatorDoesNotKnow"
