"""Load balancers and gateways: who joined is the interface's word, shown at the other end."""

from typing import Any

import pytest

from simulator.tenant import Tenant
from tests.simulator.client import GROUP, NIC, Client, code

NETWORK = f"{GROUP}/providers/Microsoft.Network"
BALANCER = f"{NETWORK}/loadBalancers/lb"
GATEWAY = f"{NETWORK}/applicationGateways/gw"
RULE = f"{BALANCER}/inboundNatRules/admin"
CONFIGURATION = f"{NIC}/ipConfigurations/one"


@pytest.fixture
def joined(tenant: Tenant) -> dict[str, Any]:
    """A NAT rule, a pool and a gateway's pool, and an interface that joined all three."""
    joins = {
        "loadBalancerInboundNatRules": [{"id": RULE}],
        "loadBalancerBackendAddressPools": [{"id": f"{BALANCER}/backendAddressPools/p"}],
        "applicationGatewayBackendAddressPools": [{"id": f"{GATEWAY}/backendAddressPools/p"}],
    }
    pools = {"backendAddressPools": [{"name": "p"}]}
    rules = {"inboundNatRules": [{"name": "admin", "properties": {"backendPort": 22}}]}
    place = {"location": "westeurope"}
    tenant.load({"id": BALANCER, **place, "properties": {**pools, **rules}})
    tenant.load({"id": GATEWAY, **place, "properties": {**pools}})
    interface = {"ipConfigurations": [{"name": "one", "properties": joins}]}
    tenant.load({"id": NIC, **place, "properties": interface})
    return joins


def shown(tenant: Tenant, resource: str, collection: str) -> dict[str, Any]:
    document = tenant.read(resource)
    assert document is not None
    (part,) = document["properties"][collection]
    return dict(part["properties"])


def test_what_is_joined_shows_who_joined(tenant: Tenant, joined: dict[str, Any]) -> None:
    """In the balancer's rule and pool, and in the gateway's pool, until the interface lets go."""
    me = {"id": CONFIGURATION}
    assert shown(tenant, BALANCER, "inboundNatRules")["backendIPConfiguration"] == me
    for resource in (BALANCER, GATEWAY):
        assert shown(tenant, resource, "backendAddressPools")["backendIPConfigurations"] == [me]
    document = tenant.read(NIC)
    assert document is not None
    document = {**document, "properties": {"ipConfigurations": [{"name": "one"}]}}
    assert Client(tenant).put(NIC, document).status_code == 200
    tenant.settle()
    assert "backendIPConfiguration" not in shown(tenant, BALANCER, "inboundNatRules")
    for resource in (BALANCER, GATEWAY):
        part = tenant.read(resource)
        assert "backendIPConfigurations" not in str(part)


def test_a_put_of_the_balancer_cannot_say_who_joined(
    tenant: Tenant, arm: Client, joined: dict[str, Any]
) -> None:
    """Members that a client leaves out, or makes up, are as the interfaces say."""
    document = arm.get(BALANCER).json()
    made_up = {"id": f"{NIC}x/ipConfigurations/one"}
    document["properties"]["backendAddressPools"][0]["properties"] = {
        "backendIPConfigurations": [made_up]
    }
    del document["properties"]["inboundNatRules"][0]["properties"]["backendIPConfiguration"]
    assert arm.put(BALANCER, document).status_code == 200
    tenant.settle()
    me = {"id": CONFIGURATION}
    assert shown(tenant, BALANCER, "inboundNatRules")["backendIPConfiguration"] == me
    assert shown(tenant, BALANCER, "backendAddressPools")["backendIPConfigurations"] == [me]


@pytest.mark.parametrize("way", ["the rule", "the balancer without it"])
def test_a_rule_that_is_joined_stays(
    tenant: Tenant, arm: Client, joined: dict[str, Any], way: str
) -> None:
    """How Azure refuses that is not known here, so it is refused aloud."""
    document = arm.get(BALANCER).json()
    document["properties"]["inboundNatRules"] = []
    answer = arm.delete(RULE) if way == "the rule" else arm.put(BALANCER, document)
    assert code(answer) == "SimulatorDoesNotKnow"
    assert arm.get(RULE).status_code == 200
