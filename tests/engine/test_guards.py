"""Promise 9: locks, denials and other owners are respected and reported as what they are."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.gates import PolicyDenial
from tests.engine.world import ALICE, GROUP, SUBSCRIPTION, US, World, enforce, policy, storage

BLOB = "storage-public-blob-access"
AUTHORIZATION = "providers/Microsoft.Authorization"


def locked(world: World) -> None:
    world.load(
        {
            "id": f"{GROUP}/{AUTHORIZATION}/locks/keep",
            "properties": {"level": "ReadOnly", "notes": "do not touch"},
        }
    )


def policy_denied(world: World) -> None:
    world.tenant.policies.append(
        PolicyDenial(SUBSCRIPTION, "Microsoft.Storage/storageAccounts", when=lambda _: True)
    )


def deny_assigned(world: World) -> None:
    world.load(
        {
            "id": f"{GROUP}/{AUTHORIZATION}/denyAssignments/00000000-0000-4000-8000-000000000009",
            "properties": {
                "denyAssignmentName": "managed application",
                "scope": GROUP,
                "permissions": [{"actions": ["*/write"], "notActions": []}],
                "principals": [
                    {"id": "00000000-0000-0000-0000-000000000000", "type": "SystemDefined"}
                ],
                "excludePrincipals": [],
            },
        }
    )


def forbidden(world: World) -> None:
    world.tenant.refuse(US, "Microsoft.Storage/storageAccounts/write", GROUP)


@pytest.mark.parametrize(
    ("obstacle", "why"),
    [
        pytest.param(locked, "locked", id="lock"),
        pytest.param(policy_denied, "policy-denied", id="azure policy"),
        pytest.param(deny_assigned, "deny-assignment", id="deny assignment"),
        pytest.param(forbidden, "forbidden", id="no permission"),
    ],
)
def test_a_refusal_is_reported_as_what_it_is_and_tried_again_hours_later(
    world: World, obstacle: Any, why: str
) -> None:
    """It is not worked around, not hammered, and cured when the obstacle is gone."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    obstacle(world)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for _ in range(5):
        world.look(gate, account)
    asked = [r for r in world.tenant.requests if r.method == "PATCH"]
    assert len(asked) == 1
    told = world.decision(gate, account, BLOB)
    assert told["do"] == "wait"
    assert told["reason"].startswith(f"{why}: ")
    assert world.entries(gate) == ["intent", "failed"]
    assert world.records(gate)[-1]["Refusal"] == why

    if obstacle is locked:
        world.tenant.remove(f"{GROUP}/{AUTHORIZATION}/locks/keep", by=ALICE)
        world.run(gate, hours=6.1, step=300)
        assert world.properties(account)["allowBlobPublicAccess"] is False


def test_a_managed_resource_group_is_left_to_its_manager(world: World) -> None:
    world.load(
        {
            "id": GROUP,
            "location": "westeurope",
            "managedBy": f"{SUBSCRIPTION}/resourceGroups/x/providers/Ns/applications/y",
        }
    )
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert world.decision(gate, account, BLOB)["reason"].startswith("managed-resource-group: ")


def test_rights_of_a_principal_are_never_taken_without_sight_of_the_directory(
    world: World,
) -> None:
    """Owner at a subscription is reported with a plan; even a person's order is only reported."""
    assignment = (
        f"{SUBSCRIPTION}/{AUTHORIZATION}/roleAssignments/10000000-0000-4000-8000-000000000001"
    )
    owner = f"{SUBSCRIPTION}/{AUTHORIZATION}/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
    world.load(
        {
            "id": assignment,
            "properties": {
                "roleDefinitionId": owner,
                "principalId": ALICE.object_id,
                "principalType": "User",
                "scope": SUBSCRIPTION,
            },
        }
    )
    reader = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    gate = world.gate(directory=None)
    look = gate.people.apply(
        world.hint(assignment).id,
        "carol",
        {"grants": [{"scope": GROUP, "role": reader}]},
        frozenset({"iam-owner-at-subscription"}),
    )
    assert world.our_writes() == []
    assert world.tenant.read(assignment) is not None
    (one,) = [s for s in look.seen if s.control.id == "iam-owner-at-subscription"]
    assert one.decision is not None
    assert "directory" in one.decision.reason


def test_no_resource_provider_is_ever_registered(world: World) -> None:
    """A subscription that lacks the registration is reported; nothing registers it on the way."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.tenant.unregistered.add("Microsoft.Storage")
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, account)
    assert world.records(gate)[-1]["Refusal"] == "provider-not-registered"
    assert not [r for r in world.tenant.requests if r.path.endswith("/register")]
