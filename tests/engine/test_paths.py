"""Public paths to data stores: what opens one leads to a look, and looks come to an end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.engine.world import ALICE, GROUP, World

NETWORK = f"{GROUP}/providers/Microsoft.Network"
BALANCER = f"{NETWORK}/loadBalancers/lb"
NIC = f"{NETWORK}/networkInterfaces/db"
NSG = f"{NETWORK}/networkSecurityGroups/db"
SUBNET = f"{NETWORK}/virtualNetworks/v/subnets/s"
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/db"
CONTROL = "datastore-lb-public-inbound"


def allow(port: str) -> dict[str, Any]:
    return {
        "direction": "Inbound",
        "access": "Allow",
        "priority": 200,
        "protocol": "Tcp",
        "sourceAddressPrefix": "*",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": port,
    }


def balanced(world: World, *, port: int, opened: str) -> None:
    """A machine behind a public rule for `port`, in a subnet whose group opens a port."""
    place = {"location": "westeurope"}
    rules = [{"name": "in", "properties": allow(opened)}]
    pool = f"{BALANCER}/backendAddressPools/pool"
    front = f"{BALANCER}/frontendIPConfigurations/front"
    configuration = {
        "privateIPAddress": "10.0.0.4",
        "subnet": {"id": SUBNET},
        "loadBalancerBackendAddressPools": [{"id": pool}],
    }
    rule = {
        "frontendIPConfiguration": {"id": front},
        "backendAddressPool": {"id": pool},
        "protocol": "Tcp",
        "frontendPort": 1,
        "backendPort": port,
    }
    public = {"publicIPAddress": {"id": f"{NETWORK}/publicIPAddresses/p"}}
    machine = {"networkProfile": {"networkInterfaces": [{"id": NIC}]}}
    world.load(
        {"id": NSG, **place, "properties": {"securityRules": rules}},
        {"id": SUBNET, "properties": {"networkSecurityGroup": {"id": NSG}}},
        {
            "id": BALANCER,
            **place,
            "sku": {"name": "Standard"},
            "properties": {
                "frontendIPConfigurations": [{"name": "front", "properties": public}],
                "backendAddressPools": [{"name": "pool"}],
                "loadBalancingRules": [{"name": "rule", "properties": rule}],
            },
        },
        {
            "id": NIC,
            **place,
            "properties": {"ipConfigurations": [{"name": "one", "properties": configuration}]},
        },
        {"id": MACHINE, **place, "properties": machine},
    )


def found(world: World, gate: Any) -> list[str]:
    records = world.records(gate, "findings")
    return [str(r["Transition"]) for r in records if r["Control"] == CONTROL]


def test_a_rule_of_the_subnets_group_opens_the_path(world: World) -> None:
    """Closed it is no finding; the rule's event alone leads to the balancer."""
    balanced(world, port=1433, opened="22")
    gate = world.gate()
    world.look(gate, BALANCER)
    assert found(world, gate) == []
    rule = {"properties": allow("1433")}
    world.tenant.write(f"{NSG}/securityRules/in", rule, by=ALICE, method="PUT")
    world.run(gate, hours=0.1, step=10)
    assert found(world, gate)[:1] == ["opened"]


def test_a_tag_makes_the_machine_a_data_store(world: World) -> None:
    """The tag's event on the machine leads over its interface to the balancer."""
    balanced(world, port=443, opened="443")
    gate = world.gate()
    world.look(gate, BALANCER)
    assert found(world, gate) == []
    tags = {"tags": {"data-store": "true"}}
    world.tenant.write(MACHINE, tags, by=ALICE, method="PATCH")
    world.run(gate, hours=0.1, step=10)
    assert found(world, gate)[:1] == ["opened"]


@pytest.mark.parametrize("begin", [BALANCER, NIC, NSG], ids=["balancer", "interface", "group"])
def test_resources_that_wake_each_other_come_to_rest(world: World, begin: str) -> None:
    """After one hint there is one look at each of them, and then silence."""
    balanced(world, port=1433, opened="1433")
    gate = world.gate()
    gate.worker.hints(world.hint(begin).to_text())
    world.run(gate, hours=0.1, step=10)
    asked = len(world.tenant.requests)
    assert asked < 60
    world.run(gate, hours=0.5, step=10)
    assert len(world.tenant.requests) == asked
