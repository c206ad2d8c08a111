"""A wide grant becomes what it was used for: seen, proposed, approved, waited for, taken back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.journal import Story
from shared.model import ResourceId, digest
from simulator import roles
from tests.engine.world import ALICE, LIMITS, SUBSCRIPTION, US, World, policy, storage
from wiring import Gate

CONTROL = "iam-contributor-at-subscription-user"
APP, DATA = (f"{SUBSCRIPTION}/resourcegroups/{name}" for name in ("app", "data"))
RULES = f"{LIMITS}\nrules: [{{control: {CONTROL}, mode: approve}}]\n"


def granted(who: str, role: str, scope: str = SUBSCRIPTION) -> dict[str, Any]:
    """A user's assignment that was made long ago."""
    made = roles.assignment(who, role, scope)
    long_ago = "2025-01-01T00:00:00Z"
    made["properties"] |= {"principalType": "User", "createdOn": long_ago, "updatedOn": long_ago}
    return made


@pytest.fixture
def world() -> World:
    """Alice may write the whole subscription; she writes to storage in one of its groups."""
    world = World(rbac=True)
    world.load(granted(US.object_id, roles.OWNER, "/"))
    world.tenant.principals.add_user(ALICE.object_id, "Alice", upn=str(ALICE.upn))
    account = storage("one")
    world.load({**account, "id": account["id"].replace(f"{SUBSCRIPTION}/resourceGroups/rg", APP)})
    world.policy = policy(RULES)
    return world


def wide(world: World) -> str:
    return world.load(granted(ALICE.object_id, roles.CONTRIBUTOR))[0]


def use(world: World, gate: Gate) -> None:
    """Alice changes an account, by virtue of her grant."""
    target = f"{APP}/providers/Microsoft.Storage/storageAccounts/one"
    world.tenant.write(target, {"tags": {"by": "alice"}}, by=ALICE, method="PATCH")
    world.run(gate, hours=0.05)


def held(world: World) -> set[tuple[str, str]]:
    """What Alice holds: scope and role, by the ends of their ids."""
    listed = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"
    return {
        (one.id.scope.key, str(one.get("/properties/roleDefinitionId")).rsplit("/", 1)[-1])
        for one in world.gate().arm.list(listed, "2022-04-01")
        if one.get("/properties/principalId") == ALICE.object_id
    }


def approved(world: World, gate: Gate, grant: str) -> None:
    world.look(gate, grant)
    (asked,) = gate.state.approvals.of(ResourceId(grant))
    gate.people.approve(asked.id, "carol")


def story(gate: Gate) -> Story:
    (found,) = [s for s in gate.state.journal.all() if not s.undoing]
    return found


def test_narrower_grants_come_first_and_the_wide_one_goes_when_they_hold(world: World) -> None:
    """Reader stays where it was, the used group gets the smallest role; 15 minutes lie between."""
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    new = {(SUBSCRIPTION, roles.READER), (APP, roles.STORAGE_ACCOUNT_CONTRIBUTOR)}
    assert held(world) == {*new, (SUBSCRIPTION, roles.CONTRIBUTOR)}
    assert story(gate).state == "settling"
    world.run(gate, hours=0.2, step=30)
    world.look(gate, grant)
    assert world.tenant.read(grant) is not None
    world.run(gate, hours=0.1, step=30)
    assert held(world) == new
    assert story(gate).state == "remediated"


def test_undo_gives_the_old_grant_back_under_its_old_id(world: World) -> None:
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    world.run(gate, hours=0.4, step=30)
    undone = gate.people.undo(story(gate).id, "carol")
    assert isinstance(undone, Story)
    assert undone.state == "undone"
    assert held(world) == {(SUBSCRIPTION, roles.CONTRIBUTOR)}
    assert world.tenant.read(grant) is not None


def test_undo_while_the_new_grants_settle_takes_them_back_and_ends_it(world: World) -> None:
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    gate.people.undo(story(gate).id, "carol")
    world.run(gate, hours=1, step=60)
    assert held(world) == {(SUBSCRIPTION, roles.CONTRIBUTOR)}


def test_silence_alone_takes_nothing_away(world: World) -> None:
    """Uses are kept, none of this grant: the finding says how to make its holder eligible."""
    gate, grant = world.gate(), wide(world)
    gate.state.uses.begin(ResourceId(SUBSCRIPTION).subscription, world.clock.now())
    world.look(gate, grant)
    decision = world.decision(gate, grant, CONTROL)
    assert "no use seen since" in decision["reason"]
    assert "roleEligibilityScheduleRequests" in decision["reason"]
    assert gate.state.approvals.of(ResourceId(grant)) == []
    assert held(world) == {(SUBSCRIPTION, roles.CONTRIBUTOR)}


def test_a_new_grant_that_vanished_meanwhile_is_made_again_before_the_wide_one_goes(
    world: World,
) -> None:
    """The second read counts: somebody deleted what was to hold."""
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    made = story(gate).changes[0].target
    world.tenant.remove(made.text, by=US)
    world.run(gate, hours=0.3, step=30)
    assert world.tenant.read(grant) is not None
    world.run(gate, hours=0.3, step=30)
    assert world.tenant.read(grant) is None
    assert world.tenant.read(made.text) is not None


def test_what_is_used_while_it_settles_does_not_change_what_was_approved(world: World) -> None:
    """The person saw a plan; that one is carried out, and the new use asks anew elsewhere."""
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    before = digest([c.target.key for c in story(gate).changes])
    world.tenant.write(DATA, {"location": "westeurope"}, by=ALICE, method="PUT")
    world.run(gate, hours=0.5, step=30)
    assert story(gate).state == "remediated"
    assert digest([c.target.key for c in story(gate).changes]) == before


def test_a_stop_while_it_settles_keeps_the_wide_grant(world: World) -> None:
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    approved(world, gate, grant)
    gate.people.suspend("carol", "something is wrong")
    world.run(gate, hours=0.5, step=30)
    assert world.tenant.read(grant) is not None
    gate.people.resume("carol")
    world.run(gate, hours=0.5, step=30)
    assert world.tenant.read(grant) is None


def test_a_use_seen_again_counts_from_then(world: World) -> None:
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    world.clock.advance(timedelta(days=80))
    use(world, world.gate())
    world.clock.advance(timedelta(days=80))
    assert gate.state.uses.of(ResourceId(grant)) != []


def test_old_uses_no_longer_count(world: World) -> None:
    gate, grant = world.gate(), wide(world)
    use(world, gate)
    world.clock.advance(timedelta(days=91))
    assert gate.state.uses.of(ResourceId(grant)) == []
