"""Long-running operations: followed through the due table, by nobody's waiting."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.journal import Story
from shared.model import ResourceId
from simulator.faults import Fault
from tests.engine.world import GROUP, Fragile, Killed, World, enforce, kills, policy

COSMOS = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/orders"
DISK = f"{GROUP}/providers/Microsoft.Compute/disks/data"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/sql-nic"
VM = f"{GROUP}/providers/Microsoft.Compute/virtualMachines/sql"
PIP = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/sql-ip"
SQL_VM = f"{GROUP}/providers/Microsoft.SqlVirtualMachine/sqlVirtualMachines/sql"
SUBNET = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/data"
RANGES = "{allowed_ranges: [203.0.113.0/24]}"


def cosmos(world: World) -> str:
    world.load({"id": COSMOS, "location": "West Europe", "properties": {"ipRules": []}})
    world.policy = policy(enforce("cosmos-firewall-open", parameters=RANGES))
    return COSMOS


def disk(world: World) -> str:
    world.load({"id": DISK, "location": "westeurope", "properties": {"diskState": "ActiveSAS"}})
    world.policy = policy(
        enforce("disk-active-sas", parameters="{revoke: true}", irreversible="true")
    )
    return DISK


def nic(world: World, *, allocation: str = "Static") -> str:
    """A data store's NIC, joined to its VM and public IP in other casings."""
    world.load(
        {"id": SUBNET.rsplit("/subnets", 1)[0], "location": "westeurope", "properties": {}},
        {"id": SUBNET, "properties": {"addressPrefix": "10.0.0.0/24"}},
        {
            "id": PIP,
            "location": "westeurope",
            "properties": {
                "publicIPAllocationMethod": allocation,
                "ipAddress": "203.0.113.9",
                "ipConfiguration": {"id": f"{NIC}/ipConfigurations/ipconfig1"},
            },
        },
        {
            "id": VM,
            "location": "westeurope",
            "properties": {"networkProfile": {"networkInterfaces": [{"id": NIC.upper()}]}},
        },
        {
            "id": SQL_VM,
            "location": "westeurope",
            "properties": {"virtualMachineResourceId": VM.upper()},
        },
        {
            "id": NIC,
            "location": "westeurope",
            "properties": {
                "virtualMachine": {"id": VM.lower()},
                "ipConfigurations": [
                    {
                        "name": "ipconfig1",
                        "properties": {
                            "subnet": {"id": SUBNET},
                            "privateIPAllocationMethod": "Dynamic",
                            "privateIPAddressVersion": "IPv4",
                            "publicIPAddress": {"id": PIP},
                        },
                    }
                ],
            },
        },
    )
    world.policy = policy(enforce("datastore-vm-nic-public-ip", parameters="{detach: true}"))
    return NIC


def ip_configuration(world: World) -> dict[str, Any]:
    """The one configuration, without what Azure computes."""
    (one,) = world.properties(NIC)["ipConfigurations"]
    computed = ("provisioningState", "privateIPAddress")
    return {k: v for k, v in one["properties"].items() if k not in computed}


@pytest.mark.parametrize("make", [cosmos, disk, nic])
def test_an_operation_is_followed_to_its_end(world: World, make: Any) -> None:
    """The worker returns at once; later looks poll, then verify, then record: one write."""
    resource = make(world)
    gate = world.gate()
    gate.worker.hints(world.hint(resource).to_text())
    (story,) = gate.state.journal.all()
    assert story.state == "running"
    assert len(world.our_writes()) == 1
    world.run(gate, hours=0.5, step=10)
    assert len(world.our_writes()) == 1
    assert world.entries(gate) == ["intent", "remediated"]
    assert world.transitions(gate).count("closed-cured") == 1


def test_looks_meanwhile_do_not_write_again(world: World) -> None:
    """Events that arrive while the operation runs follow it, and nothing else."""
    resource = cosmos(world)
    gates = [world.gate() for _ in range(3)]
    for _ in range(5):
        for gate in gates:
            gate.worker.hints(world.hint(resource).to_text())
            world.clock.advance(timedelta(seconds=1))
    world.run(gates[0], hours=0.5, step=10)
    assert len(world.our_writes()) == 1
    assert world.entries(gates[0]) == ["intent", "remediated"]


def test_an_operation_that_fails_is_recorded_with_azures_words(world: World) -> None:
    resource = cosmos(world)
    gate = world.gate()
    world.tenant.fail_next_operation("*databaseaccounts*", "InternalServerError", "out of luck")
    world.run(gate)
    gate.worker.hints(world.hint(resource).to_text())
    world.run(gate, hours=0.5, step=10)
    failed = world.records(gate)[-1]
    assert failed["Entry"] == "failed"
    assert "out of luck" in failed["Message"]
    assert world.decision(gate, resource, "cosmos-firewall-open")["do"] == "wait"


def test_a_poll_that_fails_comes_again(world: World) -> None:
    resource = cosmos(world)
    gate = world.gate()
    gate.worker.hints(world.hint(resource).to_text())
    world.tenant.faults.add(Fault(what="status", method="GET", status=503, times=3))
    world.run(gate, hours=0.5, step=10)
    assert world.entries(gate) == ["intent", "remediated"]


@pytest.mark.parametrize("make", [cosmos, nic])
def test_a_full_stop_anywhere_in_an_operation_ends_in_one_story(make: Any) -> None:
    """Killed at any operation of starting or following: one write, one end."""
    count = 0
    for _, kill, seen in kills():
        world = World()
        resource = make(world)
        doomed = world.gate(store=Fragile(world.store, kill))
        try:
            doomed.worker.hints(world.hint(resource).to_text())
            world.clock.advance(timedelta(minutes=3))
            doomed.worker.hints(world.hint(resource).to_text())
        except Killed:
            count += 1
        else:
            break
        gate = world.gate()
        world.clock.advance(timedelta(minutes=45))
        world.store.send("hints", world.hint(resource).to_text())
        world.run(gate, hours=1, step=60)
        where = f"killed {seen[-1]} ({len(seen)})"
        assert len(world.our_writes()) == 1, where
        assert world.entries(gate).count("remediated") == 1, (where, world.entries(gate))
        assert set(world.entries(gate)) == {"intent", "remediated"}, (where, world.entries(gate))
    assert count > 30


def test_a_public_ip_is_detached_and_put_back(world: World) -> None:
    """Only the public IP leaves the NIC, the address object stays; undo attaches it again."""
    nic(world)
    before = ip_configuration(world)
    gate = world.gate()
    gate.worker.hints(world.hint(NIC).to_text())
    world.run(gate, hours=0.2, step=10)
    after = ip_configuration(world)
    assert "publicIPAddress" not in after
    assert after == {k: v for k, v in before.items() if k != "publicIPAddress"}
    assert world.tenant.read(PIP) is not None

    (story,) = gate.state.journal.all()
    undone = gate.people.undo(story.id, "carol")
    assert isinstance(undone, Story)
    world.run(gate, hours=0.2, step=10)
    assert ip_configuration(world) == before
    assert [e for e in world.entries(gate) if e != "intent"] == ["remediated", "undone"]


def test_what_will_not_come_back_is_said_before_the_write(world: World) -> None:
    """A Dynamic address is lost on detaching: the plan says so."""
    nic(world, allocation="Dynamic")
    (plan,) = [s.plan for s in world.gate().people.preview(ResourceId(NIC)).seen if s.plan]
    assert any("ynamic" in c for c in plan.caveats)


@pytest.mark.parametrize("waker", [PIP, VM, SQL_VM], ids=["public ip", "vm", "sql vm"])
def test_a_change_nearby_wakes_the_judged_resource(world: World, waker: str) -> None:
    """A public IP, a VM or its SQL registration changes: the NIC is looked at."""
    nic(world)
    gate = world.gate()
    gate.worker.hints(world.hint(waker).to_text())
    world.run(gate, hours=0.2, step=10)
    assert "publicIPAddress" not in ip_configuration(world)
