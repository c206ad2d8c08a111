"""Cures for role assignments: narrower grants first, and only then the wide one goes."""

from collections.abc import Iterable
from typing import Final

OWNER: Final = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR: Final = "b24988ac-6180-42a0-ab88-20f7382dd24c"
HAND_OUT_RIGHTS: Final = {
    OWNER,
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",  # User Access Administrator
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",  # Role Based Access Control Administrator
}

KIND: Final = "/properties/principalType"

GRANTED: Final = (
    "roleDefinitionId",
    "principalId",
    "principalType",
    "condition",
    "conditionVersion",
    "description",
    "delegatedManagedIdentityResourceId",
)
"""What a PUT of an assignment takes; everything else in it is ARM's own."""

PERMISSIONS: Final = (
    "Microsoft.Authorization/roleAssignments/write",
    "Microsoft.Authorization/roleAssignments/delete",
)


def withholding(roles: Iterable[str]) -> str:
    """The condition under which all roles may be handed out but these (ids in lower case).

    Source: Microsoft Learn, "Examples to delegate Azure role assignment management with
    conditions".
    """
    return (
        "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
        "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] "
        f"ForAnyOfAllValues:GuidNotEquals {{{', '.join(roles)}}}))"
    )
