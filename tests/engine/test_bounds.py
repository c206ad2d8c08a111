"""Promises 4 and 5: fail closed, and never more than policy says."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import PolicyFault, StoreUnavailable
from shared.model import ResourceId
from shared.policy import broken
from shared.settings import App
from simulator.faults import Fault
from tests.engine.world import US, Fragile, World, enforce, policy, storage

BLOB = "storage-public-blob-access"


def accounts(world: World, count: int) -> list[str]:
    return world.load(*(storage(f"a{n}", allowBlobPublicAccess=True) for n in range(count)))


def test_nothing_said_means_audit(world: World) -> None:
    """Without a rule the finding is reported and nothing is written."""
    (account,) = accounts(world, 1)
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert world.decision(gate, account, BLOB)["do"] == "report"


def test_a_broken_policy_writes_nothing_and_says_why(world: World) -> None:
    """The gate works on; every finding's reason and the health tell that the policy is broken."""
    (account,) = accounts(world, 1)
    world.policy = broken((PolicyFault("$.rules[0].mode", "no such mode"),))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert "$.rules[0].mode: no such mode" in world.decision(gate, account, BLOB)["reason"]
    assert gate.health() == ["policy broken, nothing is written: $.rules[0].mode: no such mode"]


def test_what_may_not_be_read_is_unknown(world: World) -> None:
    """A 403 makes every control unknown on the resource, and closes nothing."""
    (account,) = accounts(world, 1)
    gate = world.gate()
    world.look(gate, account)
    world.tenant.refuse(US, "Microsoft.Storage/storageAccounts/read", account)
    world.look(gate, account)
    (standing,) = [s for s in gate.state.findings.of(ResourceId(account)) if s.control == BLOB]
    assert (standing.open, standing.value["State"]) == (True, "unknown")
    assert "403" in standing.value["Reason"]


def test_a_lookup_that_fails_is_unknown_not_compliant(world: World) -> None:
    """A server whose firewall rules may not be read is unknown."""
    server = storage()["id"].replace("Microsoft.Storage/storageAccounts", "Microsoft.Sql/servers")
    world.load({"id": server, "location": "westeurope", "properties": {}})
    world.tenant.refuse(US, "Microsoft.Sql/servers/firewallRules/read", server)
    gate = world.gate()
    look = world.look(gate, server)
    seen = {s.control.id: s.verdict.state.value for s in look.seen}
    assert seen["sql-firewall-any-internet"] == seen["sql-firewall-azure-services"] == "unknown"


def test_a_limit_stops_the_third_write_until_its_window_has_room(world: World) -> None:
    """Two writes an hour: the third account waits, says so, and is cured when room comes."""
    three = accounts(world, 3)
    world.policy = policy(
        enforce(BLOB) + "limits: [{writes: 2, per: subscription}]\ncritical_share: 0\n"
    )
    gate = world.gate()
    for account in three:
        world.look(gate, account)
    assert len(world.our_writes()) == 2
    held = world.decision(gate, three[2], BLOB)
    assert held["do"] == "wait"
    assert "2 of 2 writes per subscription" in held["reason"]
    assert "$.limits[0]" in held["reason"]
    assert world.entries(gate).count("limit-reached") == 1
    world.run(gate, hours=1.1, step=60)
    assert len(world.our_writes()) == 3
    assert world.entries(gate).count("limit-reached") == 1


def test_decoys_cannot_use_up_the_share_of_critical_findings(world: World) -> None:
    """The share kept for critical findings is there when one comes."""
    decoys = accounts(world, 5)
    rule = {
        "name": "ssh",
        "properties": {
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "*",
            "priority": 300,
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "22",
        },
    }
    nsg = storage()["id"].replace(
        "Microsoft.Storage/storageAccounts", "Microsoft.Network/networkSecurityGroups"
    )
    world.load({"id": nsg, "location": "westeurope", "properties": {"securityRules": [rule]}})
    world.policy = policy(
        enforce(BLOB, "nsg-ssh-from-internet")
        + "limits: [{writes: 4, per: estate}]\ncritical_share: 0.25\n"
    )
    gate = world.gate()
    for account in decoys:
        world.look(gate, account)
    assert len(world.our_writes()) == 3
    world.look(gate, nsg)
    assert world.our_writes()[-1] == "PUT ssh"


def test_what_cannot_be_counted_is_not_written(world: World) -> None:
    """The store fails at the counter: no write, and the hint comes back."""
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()

    class Uncountable:
        def __getattr__(self, name: str) -> object:
            real = getattr(world.store, name)

            def operation(table: str, *rest: object) -> object:
                if table == "limits":
                    raise StoreUnavailable("state is away")
                return real(table, *rest)

            return operation

    gate = world.gate(store=Uncountable())  # type: ignore[arg-type]
    with pytest.raises(StoreUnavailable):
        world.look(gate, account)
    assert world.our_writes() == []


def test_suspended_nothing_is_written_and_resume_goes_on(world: World) -> None:
    """The stop holds for everything; resuming looks again at every open finding."""
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    gate.people.suspend("carol", "deployment day")
    world.look(gate, account)
    assert world.our_writes() == []
    assert "stopped by carol: deployment day" in world.decision(gate, account, BLOB)["reason"]
    assert any("suspended" in reason for reason in gate.health())
    gate.people.resume("carol")
    world.run(gate)
    assert world.our_writes() == ["PATCH a0"]
    assert world.entries(gate)[0] == "suspended"


def test_a_stop_set_at_the_last_moment_holds(world: World) -> None:
    """The flag is set after the guard looked and before the write was sent: nothing is sent."""
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB))
    honest = world.gate()

    def stop_after_intent(name: str) -> None:
        if name == "after put" and "intent" in world.entries(honest):
            honest.state.suspension.suspend("carol", "stop!")

    gate = world.gate(store=Fragile(world.store, stop_after_intent))
    world.look(gate, account)
    assert world.our_writes() == []
    assert world.entries(honest) == ["intent", "held"]
    honest.people.resume("carol")
    world.run(honest)
    assert world.our_writes() == ["PATCH a0"]


def test_grace_announces_before_it_acts(world: World) -> None:
    """With after: 24h the finding waits a day, then is cured by the due row alone."""
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB, after="24h"))
    gate = world.gate()
    world.look(gate, account)
    told = world.decision(gate, account, BLOB)
    assert (told["do"], told["until"]) == ("wait", "2026-03-03T06:00:00+00:00")
    world.run(gate, hours=23.9, step=600)
    assert world.our_writes() == []
    world.run(gate, hours=0.3, step=60)
    assert world.our_writes() == ["PATCH a0"]


def test_a_freeze_holds_and_its_end_acts(world: World) -> None:
    (account,) = accounts(world, 1)
    world.policy = policy(
        enforce(BLOB)
        + "freezes: [{starts: 2026-03-02T05:00:00Z, ends: 2026-03-02T08:00:00Z, reason: launch}]\n"
    )
    gate = world.gate()
    world.look(gate, account)
    assert "launch" in world.decision(gate, account, BLOB)["reason"]
    assert world.our_writes() == []
    world.run(gate, hours=2.1, step=60)
    assert world.our_writes() == ["PATCH a0"]


def test_what_policy_protects_is_never_written(world: World) -> None:
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB) + f"guard: {{protected: [{account}]}}\n")
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert "$.guard.protected[0]" in world.decision(gate, account, BLOB)["reason"]


def test_exempt_is_left_alone_until_its_last_day_is_over(world: World) -> None:
    """The exemption is recorded as such; the day after, the finding is cured."""
    (account,) = accounts(world, 1)
    world.policy = policy(
        enforce(BLOB)
        + f"exemptions: [{{control: {BLOB}, scope: {account}, category: waiver, reason: demo,"
        " approved_by: bo, expires_on: 2026-03-02}]\n"
    )
    gate = world.gate()
    world.look(gate, account)
    assert world.decision(gate, account, BLOB)["do"] == "exempt"
    world.run(gate, hours=18.2, step=600)
    assert world.our_writes() == ["PATCH a0"]


def test_arm_out_of_reach_is_said_after_a_while_and_nothing_is_lost(world: World) -> None:
    """Hours without ARM: the finding is unknown with the reason, and cured when ARM is back."""
    (account,) = accounts(world, 1)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.tenant.faults.add(Fault(what="status", status=503, times=0))
    world.store.send("hints", world.hint(account).to_text())
    world.run(gate, hours=3, step=60)
    (standing,) = [s for s in gate.state.findings.of(ResourceId(account)) if s.control == BLOB]
    assert standing.value["State"] == "unknown"
    world.tenant.faults.clear()
    world.run(gate, hours=0.5, step=60)
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_what_could_not_be_seen_for_a_day_is_given_up_aloud(world: World) -> None:
    (account,) = accounts(world, 1)
    gate = world.gate()
    world.tenant.faults.add(Fault(what="status", status=503, times=0))
    world.store.send("hints", world.hint(account).to_text())
    world.run(gate, hours=25, step=300)
    assert [r["Entry"] for r in world.records(gate, "health")] == ["gave-up"]
    assert world.store.waiting("hints") == 0


def test_the_gate_never_writes_and_the_hand_looks_for_itself(world: World) -> None:
    """The gate's decision becomes an order; the hand's own fresh look is what counts."""
    account, mended = accounts(world, 2)
    world.policy = policy(enforce(BLOB))
    gate, hand = world.gate(app=App.GATE), world.gate(app=App.HAND)
    world.look(gate, account)
    world.look(gate, mended)
    assert world.our_writes() == []
    assert world.store.waiting("act") == 2
    world.change(mended, {"allowBlobPublicAccess": False})
    world.clock.advance(timedelta(seconds=1))
    world.drain(hand)
    assert world.our_writes() == ["PATCH a0"]
