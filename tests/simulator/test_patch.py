"""PATCH by type: merged, replaced whole, tags alone; and what a write leaves behind."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, COSMOS, GROUP, NSG, PIP, ROBOT, SUB, VAULT, Client, code

_ACLS = {
    "bypass": "AzureServices",
    "virtualNetworkRules": [],
    "ipRules": [{"value": "198.51.100.0/24", "action": "Allow"}],
    "defaultAction": "Allow",
}


@pytest.mark.parametrize("resource_id", [ACCOUNT, VAULT])
def test_network_acls_are_replaced_whole(tenant: Tenant, arm: Client, resource_id: str) -> None:
    """A PATCH that names only the default action loses the rules beside it."""
    tenant.load({"id": resource_id, "location": "westeurope", "properties": {"networkAcls": _ACLS}})
    answer = arm.patch(resource_id, {"properties": {"networkAcls": {"defaultAction": "Deny"}}})
    assert answer.status_code == 200
    assert arm.get(resource_id).json()["properties"]["networkAcls"] == {"defaultAction": "Deny"}


def test_lists_are_replaced_and_their_neighbours_stay(tenant: Tenant, arm: Client) -> None:
    properties = {
        "ipRules": [{"ipAddressOrRange": "192.0.2.0/24"}],
        "publicNetworkAccess": "Enabled",
    }
    tenant.load({"id": COSMOS, "location": "westeurope", "properties": properties})
    arm.patch(COSMOS, {"properties": {"ipRules": [{"ipAddressOrRange": "198.51.100.7"}]}})
    tenant.settle()
    after = arm.get(COSMOS).json()["properties"]
    assert after["ipRules"] == [{"ipAddressOrRange": "198.51.100.7"}]
    assert after["publicNetworkAccess"] == "Enabled"


def test_a_null_is_not_given(tenant: Tenant, arm: Client) -> None:
    """Storage ignores a null: a property that was set cannot be taken away by PATCH."""
    tenant.load(
        {"id": ACCOUNT, "location": "westeurope", "properties": {"allowSharedKeyAccess": False}}
    )
    arm.patch(ACCOUNT, {"properties": {"allowSharedKeyAccess": None, "accessTier": "Cool"}})
    after = arm.get(ACCOUNT).json()["properties"]
    assert (after["allowSharedKeyAccess"], after["accessTier"]) == (False, "Cool")


@pytest.mark.parametrize("resource_id", [NSG, PIP])
def test_network_resources_patch_tags_only(tenant: Tenant, arm: Client, resource_id: str) -> None:
    tenant.load({"id": resource_id, "location": "westeurope", "tags": {"a": "1", "b": "2"}})
    before = arm.get(resource_id).json()["etag"]
    answer = arm.patch(resource_id, {"tags": {"b": "3"}})
    assert (answer.status_code, answer.json()["tags"]) == (200, {"b": "3"})
    assert answer.json()["etag"] != before
    refused = arm.patch(resource_id, {"properties": {"idleTimeoutInMinutes": 30}})
    assert (refused.status_code, code(refused)) == (400, "InvalidRequestContent")


def test_group_tags_can_be_patched(arm: Client) -> None:
    assert arm.patch(GROUP, {"tags": {"owner": "platform"}}).status_code == 200
    assert arm.get(GROUP).json()["tags"] == {"owner": "platform"}


def test_the_provider_fills_in_what_a_create_leaves_out(tenant: Tenant, arm: Client) -> None:
    """A default that ARM fills in is there afterwards, and cannot be told from a choice."""
    arm.put(ACCOUNT, {"location": "westeurope", "sku": {"name": "Standard_LRS"}})
    tenant.settle()
    properties = arm.get(ACCOUNT).json()["properties"]
    assert properties["supportsHttpsTrafficOnly"] is True
    assert properties["networkAcls"]["defaultAction"] == "Allow"
    assert properties["primaryEndpoints"]["blob"] == "https://contoso.blob.core.windows.net/"
    assert properties["creationTime"].startswith("2026-03-02T06:00:00")


def test_what_only_the_provider_sets_survives_a_put(tenant: Tenant, arm: Client) -> None:
    arm.put(NSG, {"location": "westeurope", "properties": {"resourceGuid": "mine"}})
    tenant.settle()
    first = arm.get(NSG).json()
    assert first["properties"]["resourceGuid"] != "mine"
    arm.put(NSG, {"id": "/else/where", "type": "x", "location": "westeurope", "etag": "x"})
    tenant.settle()
    second = arm.get(NSG).json()
    assert second["properties"]["resourceGuid"] == first["properties"]["resourceGuid"]
    assert (second["id"], second["type"]) == (NSG, "Microsoft.Network/networkSecurityGroups")


def test_a_password_is_accepted_and_never_shown(tenant: Tenant, arm: Client) -> None:
    server = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
    properties = {"administratorLogin": "boss", "administratorLoginPassword": "not-a-secret"}
    arm.put(server, {"location": "westeurope", "properties": properties})
    tenant.settle()
    assert "administratorLogin" in arm.get(server).json()["properties"]
    assert "administratorLoginPassword" not in arm.get(server).json()["properties"]


@pytest.mark.parametrize("held", [None, True])
def test_purge_protection_only_closes(tenant: Tenant, arm: Client, *, held: bool | None) -> None:
    """False is refused even where it was never on; leaving it out of a PUT keeps it on."""
    properties = {} if held is None else {"enablePurgeProtection": held}
    tenant.load({"id": VAULT, "location": "westeurope", "properties": properties})
    for send in (arm.put, arm.patch):
        body = {"location": "westeurope", "properties": {"enablePurgeProtection": False}}
        answer = send(VAULT, body)
        assert answer.status_code == 400
        assert "irreversible" in answer.json()["error"]["message"]
    arm.put(VAULT, {"location": "westeurope", "properties": {}})
    assert arm.get(VAULT).json()["properties"].get("enablePurgeProtection") is held


def test_a_site_keeps_its_configuration_in_a_child(tenant: Tenant, arm: Client) -> None:
    """`siteConfig` in a site's PATCH arrives in `config/web`; the site itself shows null."""
    site = f"{GROUP}/providers/Microsoft.Web/sites/shop"
    tenant.load({"id": site, "location": "West Europe", "properties": {"siteConfig": None}})
    arm.patch(site, {"properties": {"siteConfig": {"minTlsVersion": "1.0"}, "httpsOnly": True}})
    assert arm.get(f"{site}/config/web").json()["properties"]["minTlsVersion"] == "1.0"
    assert arm.get(site).json()["properties"] == {"siteConfig": None, "httpsOnly": True}
    arm.patch(f"{site}/config/web", {"properties": {"minTlsVersion": "1.2"}})
    after = arm.get(f"{site}/config/web").json()["properties"]
    assert (after["minTlsVersion"], after["ftpsState"]) == ("1.2", "FtpsOnly")


_names = st.sampled_from(["alpha", "beta", "gamma"])
_leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4)
_values = st.recursive(
    _leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_names, inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(_names, _values, max_size=3)


def _plainly_merged(current: Any, patch: Any) -> Any:
    """What the documentation of a merging PATCH says, written down independently."""
    if not (isinstance(current, dict) and isinstance(patch, dict)):
        return patch
    kept = {name: value for name, value in current.items() if patch.get(name) is None}
    changed = {
        name: _plainly_merged(current.get(name), value)
        for name, value in patch.items()
        if value is not None
    }
    return kept | changed


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


@settings(max_examples=60, deadline=None)
@given(first=_objects, patches=st.lists(_objects, max_size=3))
def test_reading_gives_what_a_plain_merge_says(
    first: dict[str, Any], patches: list[dict[str, Any]]
) -> None:
    """PUT, then any PATCHes, then GET: the properties are those of a merge on paper."""
    tenant = Tenant()
    tenant.load({"id": SUB})
    tenant.load({"id": GROUP})
    arm = Client(tenant, ROBOT)
    workspace = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/logs"
    arm.put(workspace, {"location": "westeurope", "properties": first})
    expected = _without_nulls(first)
    for patch in patches:
        arm.patch(workspace, {"properties": patch})
        expected = _plainly_merged(expected, patch)
    observed = arm.get(workspace).json()["properties"]
    assert observed.pop("provisioningState") == "Succeeded"
    assert observed == expected
