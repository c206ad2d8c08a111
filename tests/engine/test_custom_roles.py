"""Custom roles through the engine: swept where they can be assigned, and there alone."""

from __future__ import annotations

from shared.model import ResourceId
from simulator import roles
from tests.engine.world import SUBSCRIPTION, World, policy

OWNER_LIKE = "iam-custom-role-owner-like"


def found(world: World, scopes: str) -> list[ResourceId]:
    """Where a sweep of these scopes finds roles that equal Owner."""
    world.policy = policy(f"scopes: [{scopes}]\n")
    gate = world.gate()
    gate.sweep.run()
    world.run(gate, hours=0.5, step=60)
    return [one.resource for one in gate.state.findings.all() if one.control == OWNER_LIKE]


def test_a_sweep_finds_a_role_under_the_id_that_its_events_name() -> None:
    """The index shows it without a place; one finding, as if its write had told of it."""
    world = World()
    (made,) = world.load(roles.custom_role("Everything", SUBSCRIPTION, roles.block(["*"])))
    assert found(world, SUBSCRIPTION) == [ResourceId(made)]
    world.look(world.gate(), made)
    assert found(world, SUBSCRIPTION) == [ResourceId(made)]


def test_a_role_of_another_subscription_is_none_of_ours() -> None:
    world = World()
    other = f"{SUBSCRIPTION[:-1]}2"
    world.load({"id": SUBSCRIPTION}, roles.custom_role("Everything", other, roles.block(["*"])))
    assert found(world, SUBSCRIPTION) == []


def test_a_role_of_several_scopes_is_found_once() -> None:
    world = World()
    role = roles.custom_role("Everything", SUBSCRIPTION, roles.block(["*"]))
    scopes = [f"{SUBSCRIPTION}/resourceGroups/rg", SUBSCRIPTION]
    role["properties"]["assignableScopes"] = scopes
    (made,) = world.load(role)
    assert found(world, "/") == [ResourceId(made)]
