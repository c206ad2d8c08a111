"""The access review: every way of holding something is in it, with its use and what to do."""

from __future__ import annotations

import pytest

from shared.model import ResourceId
from shared.review import Holding
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import ALICE, LIMITS, SUBSCRIPTION, US, World, policy, storage

BOB, TEAM, GONE, GUEST = (f"dddddddd-0000-4000-8000-00000000000{i}" for i in range(4))
APP = f"{SUBSCRIPTION}/resourceGroups/app"
ACCOUNT = f"{APP}/providers/Microsoft.Storage/storageAccounts/one"
CONTRIBUTOR = "iam-contributor-at-subscription-user"


@pytest.fixture
def world() -> World:
    """Alice contributes to the whole subscription; a team, a guest and the gone hold roles too."""
    world = World(rbac=True)
    people = world.tenant.principals
    people.add_user(ALICE.object_id, "Alice", upn=str(ALICE.upn))
    people.add_user(BOB, "Bob", upn="bob@contoso.example", enabled=False)
    people.add_user(GUEST, "Gus", upn="gus@fabrikam.example", guest=True)
    people.add_group(TEAM, "team")
    people.join(TEAM, BOB)
    grants = [(US.object_id, roles.OWNER, "/"), (ALICE.object_id, roles.CONTRIBUTOR, SUBSCRIPTION)]
    grants += [(TEAM, roles.READER, APP), (GONE, roles.READER, APP), (GUEST, roles.READER, APP)]
    for who, role, scope in grants:
        made = roles.assignment(who, role, scope)
        kind = "Group" if who == TEAM else "User"
        made["properties"] |= {"principalType": kind, "createdOn": "2025-01-01T00:00:00Z"}
        world.load(made)
    world.load({**storage("one"), "id": ACCOUNT})
    world.policy = policy(f"{LIMITS}\nrules: [{{control: {CONTRIBUTOR}, mode: approve}}]\n")
    return world


def reviewed(world: World, scope: str = "/") -> dict[tuple[str, str], Holding]:
    found = world.gate().review().holdings(ResourceId(scope))
    return {(one.principal, one.role): one for one in found}


def test_everybody_is_named_with_what_they_are(world: World) -> None:
    """Names come from the directory; who is gone, disabled or a guest is said."""
    found = reviewed(world)
    assert found["alice@contoso.example", "Contributor"].account == ""
    assert found["gus@fabrikam.example", "Reader"].account == "guest"
    assert found[GONE, "Reader"].account == "deleted"
    assert found["team", "Reader"].how == "group"


def test_use_and_proposal_stand_beside_the_wide_grant(world: World) -> None:
    """What Alice was seen doing, and the narrower grants that cover it."""
    gate = world.gate()
    world.tenant.write(ACCOUNT, {"tags": {"by": "alice"}}, by=ALICE, method="PATCH")
    world.run(gate)
    alice = reviewed(world)["alice@contoso.example", "Contributor"]
    assert alice.last_used[:10] == alice.used_since[:10] == world.clock.now().date().isoformat()
    assert CONTRIBUTOR in alice.findings
    assert "grant Storage Account Contributor on" in alice.proposal
    assert "grant Reader on" in alice.proposal
    assert "take it away" in alice.proposal
    assert alice.grade.startswith("grade 7 = subscription 3 + Contributor 2 + User 2")


def test_a_grant_without_use_is_said_to_be_silent(world: World) -> None:
    gate = world.gate()
    gate.state.uses.begin(ResourceId(SUBSCRIPTION).subscription, world.clock.now())
    alice = reviewed(world)["alice@contoso.example", "Contributor"]
    assert alice.last_used == ""
    assert "no use seen since" in alice.proposal


def test_what_pim_holds_ready_and_has_activated_is_in_it(world: World) -> None:
    pim = f"{SUBSCRIPTION}/providers/Microsoft.Authorization"
    alice = roles.assignment(ALICE.object_id, roles.CONTRIBUTOR, SUBSCRIPTION)["id"]
    about = {"principalType": "User", "endDateTime": "2026-12-31T00:00:00Z", "scope": SUBSCRIPTION}
    role = f"{SUBSCRIPTION}/providers/{roles.DEFINITIONS}/{roles.OWNER}"
    world.load(
        {
            "id": f"{pim}/roleAssignmentScheduleInstances/{GONE}",
            "properties": {**about, "originRoleAssignmentId": alice, "assignmentType": "Activated"},
        },
        {
            "id": f"{pim}/roleEligibilityScheduleInstances/{GONE}",
            "properties": {**about, "principalId": BOB, "roleDefinitionId": role},
        },
    )
    found = reviewed(world)
    assert found["alice@contoso.example", "Contributor"].how == "activated"
    bob = found["bob@contoso.example", "Owner"]
    assert (bob.how, bob.account, bob.until[:10]) == ("eligible", "disabled", "2026-12-31")


def test_a_scope_shows_what_holds_in_it_and_nothing_beside(world: World) -> None:
    """Inherited grants hold in it, once; those of other scopes do not."""
    world.load({"id": f"{SUBSCRIPTION}/resourceGroups/other", "location": "westeurope"})
    other = roles.assignment(BOB, roles.READER, f"{SUBSCRIPTION}/resourceGroups/other")
    world.load(other)
    found = reviewed(world, APP)
    assert ("alice@contoso.example", "Contributor") in found
    assert ("team", "Reader") in found
    assert ("bob@contoso.example", "Reader") not in found


def test_what_could_not_be_read_is_said(world: World) -> None:
    """A refused list is no empty one; a tenant without PIM has none, and that is whole."""
    review = world.gate().review()
    path, licence = "*/roleEligibilityScheduleInstances", "AadPremiumLicenseRequired"
    world.tenant.faults.add(Fault("status", path=path, times=1, status=400, code=licence))
    list(review.holdings(ResourceId("/")))
    assert review.unseen == []
    world.tenant.faults.add(Fault("status", path=path, times=1, status=403, code="Denied"))
    list(review.holdings(ResourceId("/")))
    (line,) = review.unseen
    assert "roleEligibilityScheduleInstances could not be read" in line


def test_a_review_writes_nothing(world: World) -> None:
    reviewed(world)
    assert world.our_writes() == []
    assert list(world.gate().state.findings.all()) == []


def test_more_grants_read_no_more_of_what_they_share(world: World) -> None:
    """What a subscription's grants are judged by is read once in a review, not once a grant."""

    def shared_reads() -> int:
        before = len(world.tenant.requests)
        reviewed(world)
        shared = f"{SUBSCRIPTION}/providers/microsoft.authorization/roleassignment"
        paths = (r.path.casefold().split("?")[0] for r in world.tenant.requests[before:])
        return sum(path.startswith(shared) and path.count("/") == 5 for path in paths)

    few = shared_reads()
    for who in (BOB, GUEST):
        world.load(roles.assignment(who, roles.CONTRIBUTOR, SUBSCRIPTION))
    assert shared_reads() == few > 0
