"""Rights are never taken from whom it would lock out: each guard is tried, and holds."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from shared.departures import Departures
from shared.errors import Refused
from shared.lockout import Lockout
from shared.model import ResourceId
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import LIMITS, SUBSCRIPTION, US, World, policy
from wiring import Gate

CONTROL = "iam-owner-at-subscription"
ADA, BOB, CAROL, DAN = (f"dddddddd-0000-4000-8000-00000000000{i}" for i in range(4))
TEAM, INNER, PIPELINE = (f"eeeeeeee-0000-4000-8000-00000000000{i}" for i in range(3))
LONG_AGO = "2025-01-01T00:00:00Z"
INSTEAD = {"grants": [{"scope": f"{SUBSCRIPTION}/resourceGroups/rg", "role": roles.READER}]}


@pytest.fixture
def world() -> World:
    """Ada, Bob and Carol own the subscription, and could sign in."""
    world = World()
    for who, name in ((ADA, "ada"), (BOB, "bob"), (CAROL, "carol"), (DAN, "dan")):
        world.tenant.principals.add_user(who, name, upn=f"{name}@contoso.example")
    world.tenant.principals.add_group(TEAM, "team")
    world.tenant.principals.add_group(INNER, "inner")
    world.policy = policy(f"{LIMITS}\n")
    world.load({"id": f"{SUBSCRIPTION}/resourceGroups/rg", "location": "westeurope"})
    for who in (ADA, BOB, CAROL):
        owner(world, who)
    return world


def owner(world: World, who: str, kind: str = "User", **more: Any) -> str:
    made = roles.assignment(who, roles.OWNER, SUBSCRIPTION)
    dates = {"createdOn": LONG_AGO, "updatedOn": LONG_AGO}
    made["properties"] |= {"principalType": kind, **dates, **more}
    return world.load(made)[0]


def grant_of(who: str) -> str:
    return str(roles.assignment(who, roles.OWNER, SUBSCRIPTION)["id"])


def ordered(world: World, gate: Gate, grant: str, hours: float = 0.5) -> str:
    """A person orders the narrowing, time passes; why nothing came of it, empty where it did."""
    gate.people.apply(ResourceId(grant), "carol", INSTEAD, frozenset({CONTROL}))
    world.run(gate, hours=hours, step=60)
    if world.tenant.read(grant) is None:
        return ""
    return str(world.decision(gate, grant, CONTROL).get("reason"))


def test_an_owner_among_enough_is_narrowed(world: World) -> None:
    """What the guards are for is that this may be done at all."""
    gate = world.gate()
    assert ordered(world, gate, grant_of(ADA)) == ""
    assert [s.state for s in gate.state.journal.all()] == ["remediated"]


def test_two_living_owners_stay(world: World) -> None:
    gate = world.gate()
    assert ordered(world, gate, grant_of(ADA)) == ""
    assert ordered(world, gate, grant_of(BOB)).startswith("last-owners")
    assert ordered(world, gate, grant_of(CAROL)).startswith("last-owners")


def test_the_dead_do_not_count(world: World) -> None:
    """A disabled user, a deleted one, an application and an empty group own nothing for anybody."""
    world.tenant.principals.add_user(BOB, "bob", upn="bob@contoso.example", enabled=False)
    world.tenant.principals.remove(CAROL)
    world.tenant.principals.add_application(PIPELINE, "deploy", PIPELINE)
    owner(world, PIPELINE, "ServicePrincipal")
    owner(world, TEAM, "Group")
    owner(world, DAN)
    assert "only dan@contoso.example would stay" in ordered(world, world.gate(), grant_of(ADA))


def test_the_living_inside_a_group_count(world: World) -> None:
    """Through an inner group too."""
    world.tenant.principals.remove(BOB)
    world.tenant.principals.join(TEAM, INNER)
    world.tenant.principals.join(INNER, DAN)
    owner(world, TEAM, "Group")
    assert ordered(world, world.gate(), grant_of(ADA)) == ""


def test_a_group_that_holds_the_last_two_stays(world: World) -> None:
    world.tenant.principals.join(TEAM, ADA)
    world.tenant.principals.join(TEAM, DAN)
    group = owner(world, TEAM, "Group")
    for who in (ADA, BOB, CAROL):
        world.tenant.remove(grant_of(who), by=US)
    gate = world.gate()
    found = gate.engine.hand._guard._lockout  # noqa: SLF001  no control narrows a group's Owner
    change = next(iter(_deletion(group)))
    reasons = [one.why for one in found.reasons((change,), world.clock.now())]
    assert reasons == ["last-owners"]


def test_an_owner_by_another_grant_too_loses_nothing(world: World) -> None:
    """Ada stays an owner from above, so that her grant here may go though few would be left."""
    world.tenant.principals.remove(BOB)
    above = roles.assignment(ADA, roles.OWNER, "/")
    above["properties"] |= {"principalType": "User", "createdOn": LONG_AGO}
    world.load(above)
    assert ordered(world, world.gate(), grant_of(ADA)) == ""


def test_owners_of_the_management_group_above_count(world: World) -> None:
    """What a subscription inherits keeps it from being locked."""
    above = "/providers/Microsoft.Management/managementGroups/contoso"
    world.load({"id": f"{above}/subscriptions/{ResourceId(SUBSCRIPTION).subscription}"})
    for who in (BOB, CAROL):
        world.tenant.remove(grant_of(who), by=US)
        made = roles.assignment(who, roles.OWNER, above)
        made["properties"] |= {"principalType": "User", "createdOn": LONG_AGO}
        world.load(made)
    assert ordered(world, world.gate(), grant_of(ADA)) == ""


def test_two_workers_do_not_remove_the_last_two_at_once(world: World) -> None:
    """Both counted while the other's removal was on its way: at least two stay all the same."""
    gates = [world.gate(), world.gate()]
    for gate, who in zip(gates, (ADA, BOB), strict=True):
        gate.people.apply(ResourceId(grant_of(who)), "carol", INSTEAD, frozenset({CONTROL}))
    world.clock.advance(timedelta(minutes=16))
    for gate, who in zip(gates, (ADA, BOB), strict=True):
        world.look(gate, grant_of(who))
    world.run(gates[0], hours=3, step=60)
    left = [who for who in (ADA, BOB, CAROL) if world.tenant.read(grant_of(who))]
    assert len(left) == 2


def test_two_workers_that_count_at_the_same_moment(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each has announced before either counts: both see the other go, and both stop."""
    gates = [world.gate(), world.gate()]
    both = threading.Barrier(2, timeout=20)
    announce = Departures.announce

    def together(self: Departures, assignment: ResourceId) -> None:
        announce(self, assignment)
        both.wait()

    lockouts = [gate.engine.hand._guard._lockout for gate in gates]  # noqa: SLF001
    monkeypatch.setattr(Departures, "announce", together)
    found: list[str] = []

    def count(lockout: Lockout, who: str) -> None:
        changes = tuple(_deletion(grant_of(who)))
        found.extend(one.why for one in lockout.reasons(changes, world.clock.now()))

    pairs = zip(lockouts, (ADA, BOB), strict=True)
    workers = [threading.Thread(target=count, args=pair) for pair in pairs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert "last-owners" in found


def test_a_removal_elsewhere_that_was_announced_counts_as_done(world: World) -> None:
    """Whatever Azure still lists: the announcement comes before the count, in both workers."""
    gate = world.gate()
    gate.state.departures.announce(ResourceId(grant_of(BOB)))
    assert ordered(world, gate, grant_of(ADA), hours=0.2).startswith("last-owners")
    world.run(gate, hours=2, step=60)
    assert world.tenant.read(grant_of(ADA)) is None


@pytest.mark.parametrize("through", ["directly", "its own group", "the listed group"])
def test_emergency_accounts_keep_what_they_have(world: World, through: str) -> None:
    grant, listed = owner(world, DAN), DAN
    if through == "its own group":
        world.tenant.principals.join(TEAM, DAN)
        grant = owner(world, TEAM, "Group")
    elif through == "the listed group":
        world.tenant.principals.join(TEAM, INNER)
        world.tenant.principals.join(INNER, DAN)
        listed = TEAM
    world.policy = policy(f"{LIMITS}\nguard: {{break_glass: [{listed.upper()}]}}\n")
    assert _reason(world, grant) == ("guarded", "the grant is kept for emergencies")


def test_our_own_grants_stay(world: World) -> None:
    """By our own id, and through a group that we are in."""
    world.tenant.principals.join(TEAM, US.object_id)
    for who, kind in ((US.object_id, "ServicePrincipal"), (TEAM, "Group")):
        found = _reason(world, owner(world, who, kind))
        assert found == ("guarded", "the grant is one that Portcullis itself acts by")


def test_a_young_grant_waits(world: World) -> None:
    made = (world.clock.now() - timedelta(minutes=14)).isoformat()
    gate, grant = world.gate(), owner(world, DAN, updatedOn=made)
    assert ordered(world, gate, grant, hours=0.01).startswith("too-new")
    world.run(gate, hours=0.7, step=60)
    assert world.tenant.read(grant) is None


def test_a_grant_of_unknown_age_stays(world: World) -> None:
    grant = owner(world, DAN, createdOn=None, updatedOn=None)
    assert _reason(world, grant) == ("guarded", "when the grant was made cannot be seen")


def test_a_listed_pipelines_fresh_grant_waits(world: World) -> None:
    made = (world.clock.now() - timedelta(hours=2)).isoformat()
    grant = owner(world, DAN, createdOn=made, updatedOn=made, createdBy=PIPELINE)
    listed = f"guard: {{pipelines: [{{principal: {PIPELINE.upper()}, fresh: 3h}}]}}"
    world.policy = policy(f"{LIMITS}\n{listed}\n")
    assert _reason(world, grant)[0] == "too-new"
    world.clock.advance(timedelta(hours=2))
    assert _reason(world, grant) == ("", "")


def test_what_pim_gave_for_some_hours_is_pims(world: World) -> None:
    grant = owner(world, DAN)
    instance = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignmentScheduleInstances"
    about = {"originRoleAssignmentId": grant.upper(), "assignmentType": "Activated"}
    world.load({"id": f"{instance}/{DAN}", "properties": about})
    assert "activation by PIM" in _reason(world, grant)[1]


def test_a_tenant_without_pim_has_no_activations(world: World) -> None:
    """Azure says so by an error of its own; any other is no sight, and then nothing goes."""
    grant, path = owner(world, DAN), "*/roleAssignmentScheduleInstances"
    licence = "AadPremiumLicenseRequired"
    world.tenant.faults.add(Fault("status", path=path, times=1, status=400, code=licence))
    assert _reason(world, grant) == ("", "")
    world.tenant.faults.add(Fault("status", path=path, times=1, status=403, code="Denied"))
    with pytest.raises(Refused):
        _reason(world, grant)


def test_pims_own_principal_stays(world: World) -> None:
    pim = "01fc33a7-78ba-4d2f-a4b7-768e336e890e"
    world.tenant.principals.add_application(DAN, "MS-PIM", pim)
    assert "Management's own" in _reason(world, owner(world, DAN, "ServicePrincipal"))[1]


def test_partners_and_the_root_are_reported_only(world: World) -> None:
    assert "partner" in _reason(world, owner(world, DAN, "ForeignGroup"))[1]
    root = roles.assignment(DAN, roles.OWNER, "/")
    root["properties"] |= {"principalType": "User", "createdOn": LONG_AGO}
    assert "root scope" in _reason(world, world.load(root)[0])[1]


def test_a_scope_with_a_deny_assignment_is_left_alone(world: World) -> None:
    denial = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/denyAssignments/{DAN}"
    world.load({"id": denial, "properties": {"denyAssignmentName": "managed application"}})
    assert "deny assignment" in _reason(world, owner(world, DAN))[1]


def test_without_sight_of_the_directory_nothing_goes(world: World) -> None:
    """Not named at all, and named but not consented to."""
    world.tenant.directory._allowed.clear()  # noqa: SLF001  consent is taken back
    gate = world.gate()
    reason = ordered(world, gate, grant_of(ADA))
    assert reason.startswith("unseen")
    assert world.our_writes() == []


def _deletion(grant: str) -> Any:
    from shared.model import Change, Verb  # noqa: PLC0415

    yield Change(verb=Verb.DELETE, target=ResourceId(grant), api_version="2022-04-01")


def _reason(world: World, grant: str) -> tuple[str, str]:
    """What stands before the end of a grant, whatever control would ask for it."""
    lockout = world.gate().engine.hand._guard._lockout  # noqa: SLF001
    changes = tuple(_deletion(grant))
    stopped = next(lockout.reasons(changes, world.clock.now()), None)
    return (stopped.why, stopped.message) if stopped else ("", "")
