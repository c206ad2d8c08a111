"""What narrowing proposes covers every use that was seen, and nothing that the old role did not."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remediations.authorization.narrowing import (
    HANDING_OUT,
    MOST_SCOPES,
    RBAC_ADMINISTRATOR,
    READER,
    proposed,
)
from shared.model import Resource, ResourceId, Role, Undecided, uses_of
from simulator import roles

SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GRANT = ResourceId(f"{SUBSCRIPTION}/providers/{roles.ASSIGNMENTS}/1")
ACTIONS = (
    "Microsoft.Storage/storageAccounts/write",
    "Microsoft.Storage/storageAccounts/delete",
    "Microsoft.Network/virtualNetworks/write",
    "Microsoft.KeyVault/vaults/write",
    "Microsoft.Sql/servers/firewallRules/write",
    "Microsoft.Resources/deployments/write",
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
)
BUILT_IN = tuple(Resource(id=ResourceId(one["id"]), body=one) for one in roles.built_in_roles())
BY_ID = {one.id.name: Role.of(one) for one in BUILT_IN}
uses = st.lists(st.tuples(st.integers(0, 14), st.sampled_from(ACTIONS)), min_size=1, max_size=20)


def grant_of(role: str, seen: list[tuple[int, str]]) -> Resource:
    """A user's assignment over the subscription, with everything that a plan looks up."""
    listed: list[dict[str, Any]] = [
        {"scope": f"{SUBSCRIPTION}/resourceGroups/g{i}", "action": action, "last": "2026-05-01"}
        for i, action in seen
    ]
    properties = {
        "roleDefinitionId": f"/providers/{roles.DEFINITIONS}/{role}",
        "principalType": "User",
        "principalId": str(uuid.UUID(int=1)),
    }
    kept = Resource(id=ResourceId(uses_of(GRANT)), body={"properties": {"uses": listed}})
    old = next(one for one in BUILT_IN if one.id.name == role)
    found = {"uses": (kept,), "grantedRole": (old,), "builtInRoles": BUILT_IN}
    return Resource(id=GRANT, body={"properties": properties}, lookups=found)


def allowed(scope: ResourceId, action: str, grants: list[Any]) -> bool:
    return any(scope.within(one.scope) and BY_ID[one.role].covers([action]) for one in grants)


@pytest.mark.parametrize("role", [roles.OWNER, roles.CONTRIBUTOR, roles.USER_ACCESS_ADMINISTRATOR])
@given(seen=uses)
def test_proposals_cover_what_was_used_and_stay_inside_the_old_role(
    role: str, seen: list[tuple[int, str]]
) -> None:
    """And reading stays possible wherever it was, and nobody is handed an unlimited right."""
    old = BY_ID[role]
    try:
        grants = proposed(grant_of(role, seen))
    except Undecided:
        assert not all(old.covers([action]) for _, action in seen) or _uncovered(old, seen)
        return
    for i, action in seen:
        assert allowed(ResourceId(f"{SUBSCRIPTION}/resourceGroups/g{i}"), action, grants)
    for one in grants:
        assert one.scope.within(ResourceId(SUBSCRIPTION))
        new = BY_ID[one.role]
        assert new.within(old) or one.role == RBAC_ADMINISTRATOR
        assert bool(one.condition) is (one.role == RBAC_ADMINISTRATOR)
        assert one.role == RBAC_ADMINISTRATOR or not new.hands_out_rights
    assert any(one.scope == ResourceId(SUBSCRIPTION) and one.role == READER for one in grants)


def _uncovered(old: Role, seen: list[tuple[int, str]]) -> bool:
    """Whether some group's use is covered by no built-in role inside the old one."""
    many = len({i for i, _ in seen}) > MOST_SCOPES
    groups = [0] if many else sorted({i for i, _ in seen})
    for group in groups:
        mine = {action for i, action in seen if many or i == group}
        others = {action for action in mine if action.casefold() not in HANDING_OUT}
        inside = [role for role in BY_ID.values() if role.within(old)]
        if others and not any(r.covers(others) and not r.hands_out_rights for r in inside):
            return True
    return False


@given(seen=uses)
def test_roles_are_handed_out_only_where_that_was_seen(seen: list[tuple[int, str]]) -> None:
    grants = proposed(grant_of(roles.OWNER, seen)) if _simple(seen) else []
    handing = {f"g{i}" for i, action in seen if action.casefold() in HANDING_OUT}
    given_out = {one.scope.name for one in grants if one.role == RBAC_ADMINISTRATOR}
    assert given_out <= handing


def test_a_grant_used_in_many_groups_keeps_its_subscription_and_gets_a_lesser_role() -> None:
    """A hundred grants in place of one would help nobody."""
    seen = [(i, ACTIONS[i % 2]) for i in range(MOST_SCOPES + 1)]
    grants = proposed(grant_of(roles.OWNER, seen))
    assert {one.scope for one in grants} == {ResourceId(SUBSCRIPTION)}
    few = proposed(grant_of(roles.OWNER, seen[:MOST_SCOPES]))
    assert len({one.scope for one in few}) == MOST_SCOPES + 1


def _simple(seen: list[tuple[int, str]]) -> bool:
    return len({i for i, _ in seen}) <= MOST_SCOPES
