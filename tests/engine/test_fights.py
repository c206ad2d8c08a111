"""Promise 6: no loops, no fights; and children, deletes and sweeps that find what events missed."""

from __future__ import annotations

from typing import Any

from shared.model import ResourceId
from tests.engine.world import ALICE, GROUP, US, World, enforce, policy, storage

BLOB = "storage-public-blob-access"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/db"


def rule(name: str, priority: int, access: str = "Allow", port: str = "22") -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            "direction": "Inbound",
            "access": access,
            "protocol": "Tcp",
            "priority": priority,
            "sourceAddressPrefix": "Internet",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
        },
    }


def test_our_own_write_wakes_nobody(world: World) -> None:
    """The event of our cure is known by its request or correlation id."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.change(account, {"allowBlobPublicAccess": True})
    world.run(gate)
    reads = len([r for r in world.tenant.requests if r.method == "GET"])
    world.run(gate, hours=1, step=60)
    assert len([r for r in world.tenant.requests if r.method == "GET"]) == reads
    assert world.records(gate, "health") == []


def test_a_write_under_our_identity_that_we_do_not_know_alarms(world: World) -> None:
    """Somebody uses our identity: a critical record after ten minutes, and a look at once."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.tenant.write(
        account, {"properties": {"allowBlobPublicAccess": True}}, by=US, method="PATCH"
    )
    world.run(gate, hours=0.15, step=10)
    assert world.records(gate, "health") == []
    assert world.properties(account)["allowBlobPublicAccess"] is False
    world.run(gate, hours=0.1, step=10)
    (alarm,) = world.records(gate, "health")
    assert (alarm["Entry"], alarm["Severity"]) == ("unknown-own-write", "critical")


def test_a_cure_that_keeps_being_undone_backs_off_and_tries_again_later(world: World) -> None:
    """After three cures in a day it is contested, names who undoes it, and waits for the window."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for _ in range(5):
        world.change(account, {"allowBlobPublicAccess": True})
        world.run(gate, hours=0.1, step=10)
    assert len(world.our_writes()) == 3
    told = world.decision(gate, account, BLOB)
    assert told["do"] == "wait"
    assert told["reason"].startswith("contested: ")
    assert "alice@contoso.example" in told["reason"]
    world.run(gate, hours=24, step=300)
    assert len(world.our_writes()) == 4
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_deleting_a_deny_reopens_what_it_covered(world: World) -> None:
    """An Allow behind a Deny is no finding; the Deny's delete event is a reason to look."""
    world.load(
        {
            "id": NSG,
            "location": "westeurope",
            "properties": {"securityRules": [rule("no", 200, "Deny"), rule("ssh", 300)]},
        }
    )
    world.policy = policy(enforce("nsg-ssh-from-internet"))
    gate = world.gate()
    world.look(gate, NSG)
    assert world.transitions(gate) == []
    world.tenant.remove(f"{NSG}/securityRules/no", by=ALICE)
    world.run(gate, hours=0.2, step=10)
    (left,) = world.properties(NSG)["securityRules"]
    assert left["properties"]["sourceAddressPrefix"] == "VirtualNetwork"


def test_two_rules_of_one_group_are_one_story_and_one_undo(world: World) -> None:
    """The first write moves the group's etag; the second is made on a fresh read."""
    rules = [rule("ssh", 300), rule("admin", 310, port="20-25")]
    world.load({"id": NSG, "location": "westeurope", "properties": {"securityRules": rules}})
    world.policy = policy(enforce("nsg-ssh-from-internet"))
    gate = world.gate()
    gate.worker.hints(world.hint(NSG).to_text())
    world.run(gate, hours=0.2, step=10)
    assert sorted(world.our_writes()) == ["PUT admin", "PUT ssh"]
    assert world.entries(gate) == ["intent", "remediated"]
    (story,) = gate.state.journal.all()
    gate.people.undo(story.id, "carol")
    world.run(gate, hours=0.2, step=10)
    held = {r["name"]: r["properties"] for r in world.properties(NSG)["securityRules"]}
    assert held["ssh"]["sourceAddressPrefix"] == "Internet"
    assert held["admin"]["destinationPortRange"] == "20-25"


def test_a_childs_event_is_about_its_parent_and_undo_makes_the_child_again(world: World) -> None:
    """A firewall rule opens the server: the finding is the server's, the rule goes and returns."""
    world.load({"id": SERVER, "location": "westeurope", "properties": {}})
    world.policy = policy(enforce("sql-firewall-any-internet"))
    gate = world.gate()
    everyone = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}  # noqa: S104
    child = f"{SERVER}/firewallRules/everyone"
    world.tenant.write(child, {"properties": everyone}, by=ALICE, method="PUT")
    world.run(gate, hours=0.2, step=10)
    assert world.tenant.read(child) is None
    (opened,) = [
        r
        for r in world.records(gate, "findings")
        if (r["Transition"], r["Control"]) == ("opened", "sql-firewall-any-internet")
    ]
    assert ResourceId(opened["ResourceId"]) == ResourceId(SERVER)
    assert any(ResourceId(e["resource"]) == ResourceId(child) for e in opened["Evidence"])
    (story,) = gate.state.journal.all()
    gate.people.undo(story.id, "carol")
    assert world.properties(child) == everyone


def test_a_deleted_resource_closes_its_findings(world: World) -> None:
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    gate = world.gate()
    world.look(gate, account)
    world.tenant.remove(account, by=ALICE)
    world.run(gate)
    assert world.transitions(gate)[-1] == "closed-vanished"


def test_a_sweep_finds_what_no_event_told_and_a_second_writes_nothing(world: World) -> None:
    """Dropped events cost time only; what holds is left alone."""
    accounts = world.load(*(storage(f"a{n}") for n in range(5)))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for account in accounts[:3]:
        world.change(account, {"allowBlobPublicAccess": True})
    world.tenant.events.take()
    gate.sweep.run()
    hinted = {ResourceId(row.partition) for row in world.store.scan("dirty")}
    assert [ResourceId(one) in hinted for one in accounts] == [True, True, True, False, False]
    world.run(gate)
    assert sorted(world.our_writes()) == ["PATCH a0", "PATCH a1", "PATCH a2"]
    gate.sweep.run()
    world.run(gate)
    assert len(world.our_writes()) == 3
    first, second = (record["Hinted"] for record in world.records(gate, "sweeps"))
    assert first - second == 3


def test_a_sweep_closes_what_is_gone(world: World) -> None:
    """An open finding whose resource holds again, or is away, is looked at and closed."""
    kept, away = world.load(
        storage("kept", allowBlobPublicAccess=True), storage("away", allowBlobPublicAccess=True)
    )
    gate = world.gate()
    world.look(gate, kept)
    world.look(gate, away)
    world.change(kept, {"allowBlobPublicAccess": False})
    world.tenant.remove(away, by=ALICE)
    world.tenant.events.take()
    gate.sweep.run()
    world.run(gate)
    assert [t for t in world.transitions(gate) if t.startswith("closed")] == [
        "closed-gone",
        "closed-vanished",
    ] or [t for t in world.transitions(gate) if t.startswith("closed")] == [
        "closed-vanished",
        "closed-gone",
    ]
