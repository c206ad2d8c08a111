"""What people order: approve, reject, apply, undo; and how their word outlives ours."""

from __future__ import annotations

import pytest

from shared.errors import Refused, Unusable
from shared.journal import Story
from shared.model import ResourceId
from tests.engine.world import World, enforce, policy, storage

BLOB = "storage-public-blob-access"
NETWORK = "storage-network-default-allow"
HTTPS = "storage-secure-transfer"
BROAD = "storage-network-ip-rules-broad"
PURGE = "keyvault-purge-protection"
ASK = f"rules: [{{control: [{BLOB}, {NETWORK}], mode: approve}}]\n"


def opened(world: World) -> str:
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    return account


def waiting(world: World, text: str = ASK) -> tuple[str, str]:
    """An account whose plan waits, and the plan's id."""
    account = opened(world)
    world.policy = policy(text)
    gate = world.gate()
    world.look(gate, account)
    (asked,) = [a for a in gate.state.approvals.all() if a.status == "waiting"]
    return account, asked.id


def test_a_plan_waits_for_a_person_and_is_carried_out_on_their_word(world: World) -> None:
    """Asked once however often looked at; approved, done, and journalled as theirs."""
    account, plan = waiting(world)
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    gate.people.approve(plan, "carol")
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.entries(gate) == ["asked", "approved", "intent", "remediated"]
    assert world.records(gate)[-1]["Person"] == "carol"
    with pytest.raises(Unusable, match="does not wait any more: it is done"):
        gate.people.approve(plan, "dave")


def test_a_rejected_plan_is_not_asked_again(world: World) -> None:
    account, plan = waiting(world)
    gate = world.gate()
    gate.people.reject(plan, "carol", "needed for the launch")
    world.look(gate, account)
    assert world.entries(gate) == ["asked", "rejected"]
    assert world.our_writes() == []


def test_a_plan_whose_resource_has_moved_on_is_stale(world: World) -> None:
    """What was approved is what is done: a plan that would differ is asked anew."""
    (account,) = world.load(
        storage(
            publicNetworkAccess="Enabled",
            networkAcls={"defaultAction": "Allow", "bypass": "None", "ipRules": []},
        )
    )
    world.policy = policy(ASK)
    gate = world.gate()
    world.look(gate, account)
    (first,) = gate.state.approvals.all()
    world.change(
        account,
        {"networkAcls": {"defaultAction": "Allow", "bypass": "AzureServices", "ipRules": []}},
    )
    gate.people.approve(first.id, "carol")
    assert world.our_writes() == []
    status = {a.id: a.status for a in gate.state.approvals.all()}
    assert status.pop(first.id) == "stale"
    assert list(status.values()) == ["waiting"]


def test_a_guided_cure_says_what_it_must_be_told(world: World) -> None:
    """A parameter that has no meaning by itself is asked for, with the command."""
    account = storage()["id"].replace(
        "Microsoft.Storage/storageAccounts", "Microsoft.DocumentDB/databaseAccounts"
    )
    world.load({"id": account, "location": "West Europe", "properties": {"ipRules": []}})
    world.policy = policy("rules: [{control: cosmos-firewall-open, mode: approve}]\n")
    gate = world.gate()
    world.look(gate, account)
    reason = world.decision(gate, account, "cosmos-firewall-open")["reason"]
    assert f"portcullis apply {account} --set allowed_ranges=..." in reason


def test_apply_cures_what_policy_only_audits(world: World) -> None:
    """A person's order is an approval of theirs, also where policy says audit."""
    account = opened(world)
    gate = world.gate()
    gate.people.apply(ResourceId(account), "carol", {})
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.entries(gate) == ["approved", "intent", "remediated"]


def test_apply_with_nothing_to_cure_says_so(world: World) -> None:
    (account,) = world.load(storage())
    with pytest.raises(Unusable, match="nothing to cure"):
        world.gate().people.apply(ResourceId(account), "carol", {})


def test_plan_changes_nothing_and_remembers_nothing(world: World) -> None:
    account = opened(world)
    gate = world.gate()
    look = gate.people.preview(ResourceId(account))
    (one,) = [s for s in look.seen if s.plan]
    assert one.plan is not None
    assert one.plan.changes[0].body() == {"properties": {"allowBlobPublicAccess": False}}
    assert list(gate.state.findings.all()) == []
    assert world.records(gate) == []


def cured(world: World) -> tuple[str, Story]:
    account = opened(world)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    (story,) = gate.state.journal.all()
    return account, story


def test_undo_restores_and_is_left_alone_for_a_week(world: World) -> None:
    """The old value is back, sweeps do not fight the person, and after a week we cure again."""
    account, story = cured(world)
    gate = world.gate()
    gate.people.undo(story.id[:8], "carol")
    assert world.properties(account)["allowBlobPublicAccess"] is True
    world.run(gate, hours=24 * 6.9, step=3600)
    assert len(world.our_writes()) == 2
    told = world.decision(gate, account, BLOB)
    assert (told["do"], told["reason"]) == ("exempt", "carol took the cure back")
    world.run(gate, hours=24 * 0.2, step=600)
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_undo_is_left_alone_by_a_control_that_the_cure_ended_by_the_way(world: World) -> None:
    """Two controls would write one path differently; the second finds nothing left to cure."""
    halves = [{"value": "0.0.0.0/1"}, {"value": "128.0.0.0/1"}]
    acls = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": halves}
    (account,) = world.load(storage(publicNetworkAccess="Enabled", networkAcls=acls))
    world.policy = policy(f"""rules:
  - {{control: {NETWORK}, mode: enforce, parameters: {{allowed_ranges: [203.0.113.0/24]}}}}
  - {{control: {BROAD}, mode: enforce, parameters: {{allowed_ranges: [198.51.100.0/24]}}}}
""")
    gate = world.gate()
    world.look(gate, account)
    world.look(gate, account)
    (story,) = gate.state.journal.all()
    assert isinstance(gate.people.undo(story.id, "carol"), Story)
    written = len(world.our_writes())
    world.look(gate, account)
    assert len(world.our_writes()) == written == 2
    assert world.properties(account)["networkAcls"]["ipRules"] == halves


def test_undo_leaves_nothing_else_alone(world: World) -> None:
    """What somebody else opened meanwhile, elsewhere in the resource, is cured as ever."""
    (account,) = world.load(storage(allowBlobPublicAccess=True, supportsHttpsTrafficOnly=False))
    world.policy = policy(f"rules: [{{control: [{BLOB}, {HTTPS}], mode: enforce}}]\n")
    gate = world.gate()
    only = frozenset({HTTPS})
    gate.people.apply(ResourceId(account), "carol", {}, only)
    world.look(gate, account)
    (story,) = [s for s in gate.state.journal.all() if s.controls == [BLOB]]
    world.change(account, {"supportsHttpsTrafficOnly": False})
    assert isinstance(gate.people.undo(story.id, "carol"), Story)
    world.look(gate, account)
    assert world.properties(account)["supportsHttpsTrafficOnly"] is True
    assert world.properties(account)["allowBlobPublicAccess"] is True


def test_two_findings_with_the_very_same_cure_are_one_write(world: World) -> None:
    halves = [{"value": "0.0.0.0/1"}, {"value": "128.0.0.0/1"}]
    acls = {"defaultAction": "Deny", "bypass": "AzureServices", "ipRules": halves}
    (account,) = world.load(storage(publicNetworkAccess="Enabled", networkAcls=acls))
    given = "mode: enforce, parameters: {allowed_ranges: [203.0.113.0/24]}"
    world.policy = policy(f"rules: [{{control: [{NETWORK}, {BROAD}], {given}}}]\n")
    gate = world.gate()
    world.look(gate, account)
    (story,) = gate.state.journal.all()
    assert set(story.controls) == {NETWORK, BROAD}
    assert len(world.our_writes()) == 1


def test_undo_refuses_where_somebody_has_changed_it_since(world: World) -> None:
    account, story = cured(world)
    world.change(account, {"allowBlobPublicAccess": True})
    with pytest.raises(Refused, match="changed by somebody since"):
        world.gate().people.undo(story.id, "carol")


def test_undo_leaves_other_changes_alone(world: World) -> None:
    """Only the written paths are compared and restored."""
    account, story = cured(world)
    world.change(account, {"minimumTlsVersion": "TLS1_3"})
    world.gate().people.undo(story.id, "carol")
    held = world.properties(account)
    assert (held["allowBlobPublicAccess"], held["minimumTlsVersion"]) == (True, "TLS1_3")


def test_an_undo_is_not_undone_and_apply_cures_again(world: World) -> None:
    account, story = cured(world)
    gate = world.gate()
    undone = gate.people.undo(story.id, "carol")
    assert isinstance(undone, Story)
    with pytest.raises(Refused, match="portcullis apply"):
        gate.people.undo(undone.id, "carol")
    gate.people.apply(ResourceId(account), "carol", {})
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_undo_twice_says_it_is_done(world: World) -> None:
    """The second undo says who did it, and writes nothing."""
    _, story = cured(world)
    gate = world.gate()
    gate.people.undo(story.id, "carol")
    with pytest.raises(Refused, match="taken back by carol already"):
        gate.people.undo(story.id, "carol")
    assert len(world.our_writes()) == 2


def test_irreversible_is_said_before_and_cannot_be_undone(world: World) -> None:
    """Purge protection: the plan says so, the journal offers no undo, undo says why."""
    vault = storage()["id"].replace(
        "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
    )
    world.load(
        {
            "id": vault,
            "location": "westeurope",
            "properties": {"publicNetworkAccess": "Disabled", "enableSoftDelete": True},
        }
    )
    gate = world.gate()
    (plan,) = [s.plan for s in gate.people.preview(ResourceId(vault)).seen if s.plan]
    assert plan.reversible == "no"
    assert plan.caveats
    gate.people.apply(ResourceId(vault), "carol", {})
    assert world.properties(vault)["enablePurgeProtection"] is True
    (story,) = gate.state.journal.all()
    assert story.value["UndoCommand"] == ""
    with pytest.raises(Refused, match="cannot be"):
        gate.people.undo(story.id, "carol")


def test_resume_without_a_stop_says_so(world: World) -> None:
    with pytest.raises(Unusable, match="nothing is suspended"):
        world.gate().people.resume("carol")


def test_a_person_may_not_act_through_a_stop(world: World) -> None:
    account = opened(world)
    gate = world.gate()
    gate.people.suspend("carol", "stop")
    gate.people.apply(ResourceId(account), "dave", {})
    assert world.our_writes() == []
