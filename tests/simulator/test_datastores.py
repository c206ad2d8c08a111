"""What SQL, Cosmos DB, storage, vaults and machines insist on."""

from typing import Any

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, COSMOS, GROUP, SERVER, VAULT, Client, code

RULE = f"{SERVER}/firewallRules/office"
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm1"


def _range(start: str, end: str) -> dict[str, Any]:
    return {"properties": {"startIpAddress": start, "endIpAddress": end}}


@pytest.fixture
def server(tenant: Tenant) -> str:
    return tenant.load({"id": SERVER, "location": "westeurope"})


@pytest.mark.usefixtures("server")
def test_a_firewall_rule_comes_and_goes_at_once(arm: Client) -> None:
    """201, 200, then 200 and 204 for its deletion; there is no PATCH."""
    statuses = [
        arm.put(RULE, _range("192.0.2.1", "192.0.2.9")).status_code,
        arm.put(RULE, _range("192.0.2.1", "192.0.2.5")).status_code,
        arm.patch(RULE, _range("192.0.2.1", "192.0.2.2")).status_code,
        arm.delete(RULE).status_code,
        arm.delete(RULE).status_code,
    ]
    assert statuses == [201, 200, 405, 200, 204]


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("192.0.2.9", "192.0.2.1", "StartIPAddressGreaterThanEndIPAddress"),
        ("2.0.0.0", "10.0.0.0", ""),
        ("", "192.0.2.1", "InvalidFirewallRule"),
        ("192.0.2", "192.0.2.1", "InvalidFirewallRule"),
        ("192.0.2.1", "192.0.2.256", "InvalidFirewallRule"),
        ("0.0.0.0", "255.255.255.255", ""),  # noqa: S104 - the hole under test
    ],
)
def test_a_firewall_rules_addresses_are_in_order(
    arm: Client, start: str, end: str, expected: str
) -> None:
    answer = arm.put(RULE, _range(start, end))
    assert answer.status_code == (400 if expected else 201)
    assert not expected or code(answer) == expected


@pytest.mark.parametrize(
    ("resource_id", "action", "name"),
    [(ACCOUNT, "listKeys", "keys"), (COSMOS, "listkeys", "primaryMasterKey")],
)
def test_keys_open_nothing(
    tenant: Tenant, arm: Client, resource_id: str, action: str, name: str
) -> None:
    tenant.load({"id": resource_id, "location": "westeurope"})
    answer = arm.post(f"{resource_id}/{action}")
    assert answer.status_code == 200
    assert "REDACTED" in str(answer.json()[name])


def test_soft_delete_cannot_be_switched_off(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": VAULT, "location": "westeurope", "properties": {"enableSoftDelete": True}})
    answer = arm.patch(VAULT, {"properties": {"enableSoftDelete": False}})
    assert answer.status_code == 400


def test_a_machines_fixed_properties_stay(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": MACHINE, "location": "westeurope", "properties": {"priority": "Regular"}})
    answer = arm.patch(MACHINE, {"properties": {"priority": "Spot"}})
    assert (answer.status_code, code(answer)) == (409, "PropertyChangeNotAllowed")
    assert answer.json()["error"]["target"] == "priority"
    assert arm.patch(MACHINE, {"tags": {"a": "b"}}).status_code == 200


def test_a_machines_etag_is_a_number_in_quotes(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": MACHINE, "location": "westeurope"})
    etag = arm.get(MACHINE).headers["ETag"]
    assert etag.strip('"').isdigit()
    assert arm.patch(MACHINE, {"tags": {}}, If_Match='"0"').status_code == 412
    assert arm.patch(MACHINE, {"tags": {}}, If_Match=etag).status_code == 200


def test_types_without_etags_ignore_the_header(tenant: Tenant, arm: Client) -> None:
    """Nothing guards a storage account against a lost update."""
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    assert "ETag" not in arm.get(ACCOUNT).headers
    assert arm.patch(ACCOUNT, {"tags": {}}, If_Match='W/"stale"').status_code == 200
