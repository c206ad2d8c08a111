"""Who holds a grant: the directory's word, Defender's in its place, PIM's, and owners counted."""

from __future__ import annotations

import pytest

from shared.errors import PolicyError
from shared.model import ResourceId
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import ALICE, SUBSCRIPTION, World, enforce, policy
from wiring import Gate

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
GUEST, ADA, BOB, CYD, DEE = (f"22222222-0000-0000-0000-00000000000{i}" for i in range(1, 6))
ASSESSMENT = (
    f"{SUBSCRIPTION}/providers/Microsoft.Security/assessments/20606e75-05c4-48c0-9d97-add6daa2109a"
)
COUNT, PERMANENT = "iam-owner-count-max", "iam-privileged-permanent"


@pytest.fixture
def world() -> World:
    world = World()
    for who, name in ((ADA, "ada"), (BOB, "bob"), (CYD, "cyd"), (DEE, "dee")):
        world.tenant.principals.add_user(who, name, upn=f"{name}@contoso.example")
    world.tenant.principals.add_user(GUEST, "gus", upn="gus@fabrikam.example", guest=True)
    return world


def owns(world: World, who: str) -> str:
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
    made = {"principalType": "User", "createdOn": "2025-01-01T00:00:00Z"}
    document = roles.assignment(who, definition, SUBSCRIPTION, **made)
    (loaded,) = world.load(document)
    return loaded


def state(world: World, gate: Gate, resource: str, control: str) -> tuple[str, str]:
    (seen,) = [one for one in world.look(gate, resource).seen if one.control.id == control]
    return seen.verdict.state.value, seen.verdict.reason


def unseen(world: World) -> None:
    """Microsoft Graph refuses everything."""
    world.tenant.faults.add(Fault("status", path="/v1.0/*", times=0, status=403, code="Denied"))


def defender(world: World, *accounts: str) -> None:
    unhealthy = {"status": {"code": "Unhealthy"}}
    world.load({"id": ASSESSMENT, "properties": unhealthy})
    world.load(*({"id": f"{ASSESSMENT}/subAssessments/{one}", "properties": unhealthy}
                 for one in accounts))  # fmt: skip


def test_the_directory_tells_guests(world: World) -> None:
    """By userType, which comes only where it is asked for."""
    gate = world.gate()
    assert state(world, gate, owns(world, GUEST), "iam-guest-owner")[0] == "non-compliant"
    assert state(world, gate, owns(world, ADA), "iam-guest-owner")[0] == "compliant"


def test_defender_tells_guests_where_the_directory_is_not_seen(world: World) -> None:
    """Whom its recommendation names is found, and others are not; without one it is unknown."""
    unseen(world)
    gate = world.gate()
    guest, member = owns(world, GUEST), owns(world, ADA)
    verdict, reason = state(world, gate, guest, "iam-guest-owner")
    assert (verdict, "403 Denied" in reason) == ("unknown", True)
    defender(world, GUEST)
    assert state(world, gate, guest, "iam-guest-owner")[0] == "non-compliant"
    assert state(world, gate, member, "iam-guest-owner")[0] == "compliant"


def test_an_unseen_directory_orphans_nobody(world: World) -> None:
    """Gone is only who is absent beside our own identity, which is there."""
    gate = world.gate()
    ada, gone = owns(world, ADA), owns(world, "22222222-0000-0000-0000-000000000099")
    assert state(world, gate, gone, "iam-orphaned-principal")[0] == "non-compliant"
    assert state(world, gate, ada, "iam-orphaned-principal")[0] == "compliant"
    unseen(world)
    assert state(world, gate, gone, "iam-orphaned-principal")[0] == "unknown"


def test_without_the_licence_for_pim_every_grant_is_permanent(world: World) -> None:
    """Azure refuses the schedules with words for it; any other refusal is unknown."""
    gate, path = world.gate(), "*/roleAssignmentScheduleInstances"
    ada = owns(world, ADA)
    licence = "AadPremiumLicenseRequired"
    world.tenant.faults.add(Fault("status", path=path, times=1, status=400, code=licence))
    assert state(world, gate, ada, PERMANENT)[0] == "non-compliant"
    world.tenant.faults.add(Fault("status", path=path, times=1, status=400, code="Other"))
    assert state(world, gate, ada, PERMANENT)[0] == "unknown"


def test_a_fourth_owner_wakes_the_subscription(world: World) -> None:
    """The event is about the assignment; the finding is the subscription's."""
    gate = world.gate()
    for who in (ADA, BOB, CYD):
        owns(world, who)
    world.run(gate)
    new = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments/{DEE}"
    definition = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{OWNER}"
    granted = {"roleDefinitionId": definition, "principalId": DEE, "principalType": "User"}
    world.tenant.write(new, {"properties": granted}, by=ALICE)
    world.run(gate, hours=0.1)
    found = [one for one in gate.state.findings.all() if one.control == COUNT]
    assert [(one.resource.text, one.open) for one in found] == [(SUBSCRIPTION, True)]


def test_an_owner_who_goes_wakes_the_subscription(world: World) -> None:
    """The assignment is gone when it is looked at; where it stood is in its id."""
    gate, grants = world.gate(), [owns(world, who) for who in (ADA, BOB)]
    world.look(gate, SUBSCRIPTION)
    world.tenant.remove(grants[0], by=ALICE)
    world.run(gate, hours=0.1)
    found = [one for one in gate.state.findings.all() if one.control == "iam-owner-count-min"]
    assert [(one.resource.text, one.open) for one in found] == [(SUBSCRIPTION, True)]


def test_a_sweep_counts_owners(world: World) -> None:
    """No event told of it; a member of a group is an owner like the others."""
    gate, team = world.gate(), "22222222-0000-0000-0000-000000000010"
    world.tenant.principals.add_group(team, "team")
    for who in (ADA, BOB, CYD):
        owns(world, who)
    for who in (CYD, DEE):
        world.tenant.principals.join(team, who)
    owns(world, team)
    gate.sweep.run()
    world.run(gate, hours=0.1)
    (found,) = [one for one in gate.state.findings.all() if one.control == COUNT]
    assert found.resource.text == SUBSCRIPTION
    assert "4 owners" in str(found.value["Evidence"])


def test_a_sweep_finds_what_lies_in_no_common_table(world: World) -> None:
    """Delegations have a table of their own, and the tenant's policy on transfers has none."""
    services = f"{SUBSCRIPTION}/providers/Microsoft.ManagedServices"
    offer, transfers = (
        f"{services}/registrationDefinitions/{DEE}",
        "/providers/Microsoft.Subscription/policies/default",
    )
    contributor = {"principalId": ADA, "roleDefinitionId": "b24988ac-6180-42a0-ab88-20f7382dd24c"}
    (_, delegation, _) = world.load(
        {"id": offer, "properties": {"managedByTenantId": ADA, "authorizations": [contributor]}},
        {
            "id": f"{services}/registrationAssignments/{DEE}",
            "properties": {"registrationDefinitionId": offer},
        },
        {"id": transfers, "properties": {"blockSubscriptionsLeavingTenant": True}},
    )
    gate = world.gate()
    gate.sweep.run()
    world.run(gate, hours=0.1)
    found = {one.control: one.resource.text for one in gate.state.findings.all() if one.open}
    assert found["iam-lighthouse-privileged"] == delegation
    assert found["iam-subscription-transfer-open"] == transfers


def test_a_person_takes_owner_from_a_guest_and_gives_it_back(world: World) -> None:
    """Two members of the directory stay; the undo makes the grant under its old name."""
    gate = world.gate()
    owns(world, ADA)
    owns(world, BOB)
    guest = owns(world, GUEST)
    gate.people.apply(ResourceId(guest), "carol", {}, frozenset({"iam-guest-owner"}))
    world.run(gate, hours=0.5, step=60)
    (story,) = gate.state.journal.all()
    assert (story.state, world.tenant.read(guest)) == ("remediated", None), story.value["Message"]
    gate.people.undo(story.id, "carol")
    world.run(gate, hours=0.5, step=60)
    assert world.properties(guest)["principalId"] == GUEST


def test_an_orphan_waits_for_a_person(world: World) -> None:
    """One sight of an absence is not enough: it is asked for, and looked at again."""
    with pytest.raises(PolicyError, match="a person decides"):
        policy(enforce("iam-orphaned-principal"))
    world.policy = policy("rules: [{control: iam-orphaned-principal, mode: approve}]\n")
    gate = world.gate()
    owns(world, ADA)
    owns(world, BOB)
    gone = owns(world, "22222222-0000-0000-0000-000000000099")
    world.look(gate, gone)
    world.run(gate, hours=0.5, step=60)
    assert world.our_writes() == []
    (asked,) = gate.state.approvals.of(ResourceId(gone))
    gate.people.approve(asked.id, "carol")
    world.run(gate, hours=20, step=1800)
    assert world.tenant.read(gone) is not None
    world.run(gate, hours=5, step=1800)
    assert world.tenant.read(gone) is None


def test_an_account_that_came_back_is_no_orphan(world: World) -> None:
    """Approved while it was missing, and there again before a day was over."""
    world.policy = policy("rules: [{control: iam-orphaned-principal, mode: approve}]\n")
    gate, restored = world.gate(), "22222222-0000-0000-0000-000000000099"
    owns(world, ADA)
    owns(world, BOB)
    grant = owns(world, restored)
    world.look(gate, grant)
    (asked,) = gate.state.approvals.of(ResourceId(grant))
    gate.people.approve(asked.id, "carol")
    world.tenant.principals.add_user(restored, "eve", upn="eve@contoso.example")
    world.run(gate, hours=26, step=1800)
    assert world.tenant.read(grant) is not None
