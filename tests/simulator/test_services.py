"""Platform stores: namespaces and their rule sets, perimeters, and what only a PUT changes."""

import pytest
from azure.core.rest import HttpResponse

from simulator import roles
from simulator.tenant import Tenant
from tests.simulator.client import GROUP, ROBOT, SUB, VAULT, Client, code

HUBS = f"{GROUP}/providers/Microsoft.EventHub/namespaces/n"
BUS = f"{GROUP}/providers/Microsoft.ServiceBus/namespaces/n"
BRICKS = f"{GROUP}/providers/Microsoft.Databricks/workspaces/w"
INSIGHTS = f"{GROUP}/providers/Microsoft.Insights/components/c"
HSM = f"{GROUP}/providers/Microsoft.KeyVault/managedHSMs/h"
PERIMETER = f"{GROUP}/providers/Microsoft.Network/networkSecurityPerimeters/p"
OFF = {"properties": {"publicNetworkAccess": "Disabled"}}


def there(tenant: Tenant, resource_id: str) -> None:
    properties = {"publicNetworkAccess": "Enabled"}
    tenant.load({"id": resource_id, "location": "westeurope", "properties": properties})


@pytest.mark.parametrize("namespace", [HUBS, BUS])
def test_a_namespace_has_a_rule_set_before_anybody_sets_it(
    tenant: Tenant, arm: Client, namespace: str
) -> None:
    """It lets everybody in, and can be replaced, but not patched."""
    there(tenant, namespace)
    rules = f"{namespace}/networkRuleSets/default"
    assert arm.get(rules).json()["properties"]["defaultAction"] == "Allow"
    arm.put(rules, {"properties": {"defaultAction": "Deny"}})
    assert arm.get(rules).json()["properties"]["defaultAction"] == "Deny"
    assert arm.patch(rules, OFF).status_code == 405


def test_service_bus_drops_the_switch_from_a_patch(tenant: Tenant, arm: Client) -> None:
    """It answers as if all were well, and only a PUT turns the endpoint off."""
    there(tenant, BUS)
    assert arm.patch(BUS, {**OFF, "tags": {"a": "1"}}).status_code == 200
    after = arm.get(BUS).json()
    assert (after["properties"]["publicNetworkAccess"], after["tags"]) == ("Enabled", {"a": "1"})
    put = arm.put(BUS, {"location": "westeurope", **OFF})
    assert (put.status_code, put.json()["properties"]["provisioningState"]) == (200, "Updating")
    tenant.settle()
    assert arm.get(BUS).json()["properties"]["publicNetworkAccess"] == "Disabled"


@pytest.mark.parametrize("resource_id", [BRICKS, INSIGHTS, PERIMETER])
def test_some_services_patch_tags_only(tenant: Tenant, arm: Client, resource_id: str) -> None:
    there(tenant, resource_id)
    refused = arm.patch(resource_id, OFF)
    assert (refused.status_code, code(refused)) == (400, "InvalidRequestContent")


def test_a_managed_hsm_is_polled_at_its_own_place(tenant: Tenant, arm: Client) -> None:
    there(tenant, HSM)
    answer = arm.patch(HSM, OFF)
    assert answer.status_code == 202
    assert "/locations/westeurope/managedHsmOperationResults/" in answer.headers["Location"]
    tenant.settle()
    assert arm.get(HSM).json()["properties"]["publicNetworkAccess"] == "Disabled"


JOINS = {
    "Microsoft.Network/networkSecurityPerimeters/profiles/join/action": f"{PERIMETER}/profiles/one",
    "Microsoft.KeyVault/vaults/joinPerimeter/action": VAULT,
}


def associated(*actions: str) -> HttpResponse:
    """What comes of an association, written with the right to write and `actions`."""
    tenant = Tenant(rbac=True)
    for one in (VAULT, PERIMETER, f"{PERIMETER}/profiles/one"):
        there(tenant, one)
    role = tenant.load(roles.custom_role("writer", SUB, roles.block(["*/write", *actions])))
    tenant.load(roles.assignment(ROBOT.object_id, role, SUB))
    profile, store = ({"id": one} for one in JOINS.values())
    properties = {"accessMode": "Enforced", "privateLinkResource": store, "profile": profile}
    return Client(tenant).put(f"{PERIMETER}/resourceAssociations/a", {"properties": properties})


def test_who_may_join_profile_and_store_may_associate_them() -> None:
    assert associated(*JOINS).status_code == 201


@pytest.mark.parametrize("lacking", JOINS)
def test_an_association_joins_a_profile_and_a_store(lacking: str) -> None:
    """The right to write it is not enough: it takes both others, each on what is joined."""
    answer = associated(*(one for one in JOINS if one != lacking))
    assert code(answer) == "LinkedAuthorizationFailed"
    assert lacking in answer.text()
    assert JOINS[lacking] in answer.text()
