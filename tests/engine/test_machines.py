"""Data stores on machines: what opens and closes the way to them, from event to cure."""

from __future__ import annotations

from typing import Any

from shared.model import Kind
from tests.engine.world import ALICE, CONTROLS, GROUP, World, enforce, policy

OPEN_PORT, PUBLIC_IP = "datastore-vm-db-port-open", "datastore-vm-nic-public-ip"
NETWORK = f"{GROUP}/providers/Microsoft.Network"
NSG = f"{NETWORK}/networkSecurityGroups/web"
NIC = f"{NETWORK}/networkInterfaces/db"
ADDRESS = f"{NETWORK}/publicIPAddresses/db"
VNET = f"{NETWORK}/virtualNetworks/v"
MACHINE = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/db"


def rule(name: str, priority: int, access: str = "Allow", port: str = "1433") -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            "direction": "Inbound",
            "access": access,
            "priority": priority,
            "protocol": "Tcp",
            "sourceAddressPrefix": "Internet",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
        },
    }


def database(world: World, *rules: dict[str, Any], public: bool = True) -> None:
    """A machine that answers SQL, in a subnet with one group, alone in it."""
    place = {"location": "westeurope"}
    inside: dict[str, Any] = {"subnet": {"id": f"{VNET}/subnets/s"}, "privateIPAddress": "10.0.0.4"}
    if public:
        inside["publicIPAddress"] = {"id": ADDRESS}
    subnet = {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": {"id": NSG}}
    configuration = {"name": "one", "properties": inside}
    world.load(
        {"id": NSG, **place, "properties": {"securityRules": list(rules)}},
        {"id": VNET, **place, "properties": {"subnets": [{"name": "s", "properties": subnet}]}},
        {"id": ADDRESS, **place, "properties": {"publicIPAllocationMethod": "Static"}},
        {"id": NIC, **place, "properties": {"ipConfigurations": [configuration]}},
        {
            "id": MACHINE,
            **place,
            "properties": {"networkProfile": {"networkInterfaces": [{"id": NIC}]}},
        },
    )


def held(world: World) -> dict[str, dict[str, Any]]:
    return {one["name"]: one["properties"] for one in world.properties(NSG)["securityRules"]}


def test_the_way_opens_when_somebody_deletes_the_deny(world: World) -> None:
    """Closed it is no finding; the delete event alone leads to the finding and its cure."""
    database(world, rule("deny-db", 100, "Deny"), rule("sql", 200))
    world.policy = policy(enforce(OPEN_PORT))
    gate = world.gate()
    world.look(gate, NSG)
    assert world.transitions(gate) == []
    world.tenant.remove(f"{NSG}/securityRules/deny-db", by=ALICE)
    world.run(gate, hours=0.2, step=10)
    opened = [r for r in world.records(gate, "findings") if r["Control"] == OPEN_PORT]
    told = ["opened", "decided-remediate", "closed-cured"]
    assert [r["Transition"] for r in opened] == told
    assert "alice@contoso.example" in str(opened[0])
    assert held(world)["sql"]["sourceAddressPrefix"] == "VirtualNetwork"
    (story,) = gate.state.journal.all()
    gate.people.undo(story.id, "carol")
    world.run(gate, hours=0.2, step=10)
    assert held(world)["sql"]["sourceAddressPrefix"] == "Internet"


def test_a_public_address_opens_the_way_that_the_rules_left(world: World) -> None:
    """The event is the interface's; the finding is the group's, by way of the subnet."""
    database(world, rule("sql", 200), public=False)
    world.policy = policy(enforce(OPEN_PORT))
    gate = world.gate()
    world.look(gate, NSG)
    assert OPEN_PORT not in {r["Control"] for r in world.records(gate, "findings")}
    nic = world.tenant.read(NIC)
    assert nic is not None
    nic["properties"]["ipConfigurations"][0]["properties"]["publicIPAddress"] = {"id": ADDRESS}
    world.tenant.write(NIC, nic, by=ALICE, method="PUT")
    world.run(gate, hours=0.2, step=10)
    assert held(world)["sql"]["sourceAddressPrefix"] == "VirtualNetwork"
    reads = len(world.tenant.requests)
    world.run(gate, hours=1, step=60)
    assert len(world.tenant.requests) == reads, "one look wakes another for ever"


def test_a_closed_public_address_is_told_as_closed(world: World) -> None:
    """The address stays a finding, with the rule that keeps the database shut."""
    database(world, rule("deny-db", 100, "Deny"), rule("sql", 200))
    gate = world.gate()
    (seen,) = [one for one in world.look(gate, NIC).seen if one.control.id == PUBLIC_IP]
    told = [(one.observed, one.expected) for one in seen.verdict.evidence]
    assert told[0] == ("exposure private", "private, and no public IP")
    assert ("Deny", "closed by deny-db, priority 100") in told


def test_ssh_and_databases_are_cut_out_of_one_rule(world: World) -> None:
    """Two controls edit the same rule, each on what the other left."""
    database(world, rule("all", 200, port="*"))
    world.policy = policy(enforce("nsg-ssh-from-internet", "nsg-database-from-internet"))
    gate = world.gate()
    gate.worker.hints(world.hint(NSG).to_text())
    world.run(gate, hours=0.3, step=10)
    ports = held(world)["all"]["destinationPortRanges"]
    assert ports[:3] == ["0-21", "23-1432", "1435-1520"]
    # The control that comes first in the alphabet wrote first; the last write goes back first.
    for story in sorted(gate.state.journal.all(), key=lambda one: one.controls, reverse=True):
        gate.people.undo(story.id, "carol")
        world.run(gate, hours=0.2, step=10)
    assert held(world)["all"]["destinationPortRange"] == "*"


def test_nothing_else_is_looked_at_while_nothing_is_open(world: World) -> None:
    """A group that lets no internet in to a database costs one read."""
    database(world, rule("web", 200, port="443"))
    gate = world.gate()
    world.look(gate, NSG)
    assert [r.path for r in world.tenant.requests if r.method == "GET"] == [NSG]
    assert CONTROLS[OPEN_PORT].kind is Kind.AUTO
