"""Linked access: a document may only refer to what its writer may join."""

from typing import Any

import pytest

from simulator import roles
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    COSMOS,
    GROUP,
    NIC,
    NSG,
    PIP,
    ROBOT,
    SERVER,
    SUB,
    VAULT,
    Client,
    code,
)

NETWORK = f"{GROUP}/providers/Microsoft.Network"
VNET = f"{NETWORK}/virtualNetworks/v1"
SUBNET = f"{VNET}/subnets/s1"
POOL = f"{NETWORK}/loadBalancers/lb/backendAddressPools/p"
RULE = f"{NETWORK}/loadBalancers/lb/inboundNatRules/r"
GATEWAY_POOL = f"{NETWORK}/applicationGateways/gw/backendAddressPools/p"
APPLICATIONS = f"{NETWORK}/applicationSecurityGroups/web"
ENDPOINT = "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action"
ALLOWED_IN = {"networkAcls": {"defaultAction": "Deny", "virtualNetworkRules": [{"id": SUBNET}]}}


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant(rbac=True)
    for one in (VNET, NSG, PIP):
        made.load({"id": one, "location": "westeurope"})
    made.load({"id": SUBNET, "properties": {"addressPrefix": "10.0.0.0/24"}})
    for one in (ACCOUNT, VAULT, COSMOS, SERVER):
        made.load({"id": one, "location": "westeurope", "properties": {}})
    return made


def _holder(tenant: Tenant, *actions: str) -> Client:
    role = tenant.load(roles.custom_role("writer", SUB, roles.block(["*/write", *actions])))
    tenant.load(roles.assignment(ROBOT.object_id, role, SUB))
    return Client(tenant)


def _interface(**references: Any) -> dict[str, Any]:
    own = {name: references.pop(name) for name in ("networkSecurityGroup",) if name in references}
    configuration = {"name": "c", "properties": {"subnet": {"id": SUBNET}, **references}}
    return {"location": "westeurope", "properties": {"ipConfigurations": [configuration], **own}}


JOIN_SUBNET = "Microsoft.Network/virtualNetworks/subnets/join/action"


@pytest.mark.parametrize(
    ("references", "target", "action"),
    [
        ({}, SUBNET, JOIN_SUBNET),
        (
            {"networkSecurityGroup": {"id": NSG}},
            NSG,
            "Microsoft.Network/networkSecurityGroups/join/action",
        ),
        (
            {"publicIPAddress": {"id": PIP}},
            PIP,
            "Microsoft.Network/publicIPAddresses/join/action",
        ),
        (
            {"loadBalancerBackendAddressPools": [{"id": POOL}]},
            POOL,
            "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        ),
        (
            {"loadBalancerInboundNatRules": [{"id": RULE}]},
            RULE,
            "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
        ),
        (
            {"applicationGatewayBackendAddressPools": [{"id": GATEWAY_POOL}]},
            GATEWAY_POOL,
            "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
        ),
        (
            {"applicationSecurityGroups": [{"id": APPLICATIONS}]},
            APPLICATIONS,
            "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
        ),
    ],
)
def test_an_interface_joins_what_it_refers_to(
    tenant: Tenant, references: Any, target: str, action: str
) -> None:
    """Azure names the action and the scope that are missing."""
    others = [] if target == SUBNET else [JOIN_SUBNET]
    arm = _holder(tenant, *others)
    answer = arm.put(NIC, _interface(**references))
    assert (answer.status_code, code(answer)) == (403, "LinkedAuthorizationFailed")
    message = answer.json()["error"]["message"]
    assert "has permission to perform action 'Microsoft.Network/networkInterfaces/write'" in message
    assert f"'{action}' on the linked scope(s) '{target}' or the linked" in message
    assert tenant.read(NIC) is None
    _holder(tenant, action, *others)
    assert arm.put(NIC, _interface(**references)).status_code == 201


def test_the_right_to_join_is_asked_where_the_target_is(tenant: Tenant) -> None:
    """A right on another network does not help; one on the subnet alone is enough."""
    arm = _holder(tenant)
    joiner = tenant.load(roles.custom_role("joiner", SUB, roles.block([JOIN_SUBNET])))
    tenant.load(roles.assignment(ROBOT.object_id, joiner, f"{NETWORK}/virtualNetworks/v2"))
    assert arm.put(NIC, _interface()).status_code == 403
    tenant.load(roles.assignment(ROBOT.object_id, joiner, SUBNET))
    assert arm.put(NIC, _interface()).status_code == 201


def test_a_reference_that_is_no_id_joins_nothing(tenant: Tenant) -> None:
    arm = _holder(tenant, "*")
    answer = arm.put(NIC, _interface(publicIPAddress={"id": "/nowhere"}))
    assert code(answer) == "LinkedAuthorizationFailed"


@pytest.mark.parametrize(
    ("path", "properties", "status"),
    [
        (ACCOUNT, ALLOWED_IN, 200),
        (VAULT, ALLOWED_IN, 200),
        (COSMOS, {"virtualNetworkRules": [{"id": SUBNET}]}, 200),
    ],
)
def test_letting_a_subnet_in_needs_the_right_to_join_it(
    tenant: Tenant, path: str, properties: Any, status: int
) -> None:
    arm = _holder(tenant)
    answer = arm.patch(path, {"properties": properties})
    assert code(answer) == "LinkedAuthorizationFailed"
    assert f"'{ENDPOINT}' on the linked scope(s) '{SUBNET}'" in answer.json()["error"]["message"]
    _holder(tenant, ENDPOINT)
    assert arm.patch(path, {"properties": properties}).status_code in {status, 202}


def test_a_diagnostic_setting_needs_the_right_to_the_keys_of_its_workspace(tenant: Tenant) -> None:
    """Asked at the workspace, whatever may be written where the setting is."""
    workspace = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/w"
    tenant.load({"id": workspace, "location": "westeurope"})
    action = "Microsoft.OperationalInsights/workspaces/sharedKeys/action"
    setting = f"{SUB}/providers/Microsoft.Insights/diagnosticSettings/s"
    body = {"properties": {"workspaceId": workspace, "logs": []}}
    arm = _holder(tenant)
    answer = arm.put(setting, body)
    assert code(answer) == "LinkedAuthorizationFailed"
    assert f"'{action}' on the linked scope(s) '{workspace}'" in answer.json()["error"]["message"]
    role = tenant.load(roles.custom_role("names it", SUB, roles.block([action])))
    tenant.load(roles.assignment(ROBOT.object_id, role, workspace))
    assert arm.put(setting, body).status_code == 200


def test_what_is_not_sent_is_not_asked_for(tenant: Tenant) -> None:
    """Other properties of an account with a subnet can be changed without the right to join it."""
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": ALLOWED_IN})
    arm = _holder(tenant)
    change = {"properties": {"supportsHttpsTrafficOnly": True}}
    assert arm.patch(ACCOUNT, change).status_code == 200
    rules = f"{SERVER}/virtualNetworkRules/a"
    answer = arm.put(rules, {"properties": {"virtualNetworkSubnetId": SUBNET}})
    assert code(answer) == "LinkedAuthorizationFailed"


def test_without_access_control_nothing_is_joined(tenant: Tenant) -> None:
    free = Tenant()
    for one in (VNET, NIC):
        free.load({"id": one, "location": "westeurope"})
    free.load({"id": SUBNET, "properties": {}})
    assert Client(free).put(NIC, _interface()).status_code == 200
    assert Client(tenant).put(NIC, _interface()).status_code == 403
