"""Cures for role assignments: narrower grants first, and only then the wide one goes."""

import uuid
from collections.abc import Mapping
from typing import Final

from shared.model import (
    Change,
    Finding,
    Json,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Undecided,
    Verb,
)

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

PARAMETERS: Final = (
    Parameter(
        name="role",
        description="The id (a GUID) of the role that the principal gets instead.",
        schema={
            "type": "string",
            "pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        },
    ),
    Parameter(
        name="scopes",
        description="The ids of the scopes, inside the old one, where it gets that role.",
        schema={"type": "array", "minItems": 1, "items": {"type": "string", "pattern": "^/"}},
    ),
)


def narrowed(remediation: Remediation, finding: Finding, parameters: Parameters) -> Plan:
    """Grants of `role` on each of `scopes`, and then the end of the wide one.

    The new assignments' names follow from scope, role and principal, so that a repetition
    changes nothing.

    Raises:
        Undecided: the new grants would not be narrower, or cannot be seen to be.
    """
    old = finding.resource
    properties: Mapping[str, Json] = old.body["properties"]
    role = parameters["role"].casefold()
    scopes = list(dict.fromkeys(ResourceId(text) for text in parameters["scopes"]))
    for scope in scopes:
        _refuse_wider(old, role, scope)
    principal = properties.get("principalId")
    if not isinstance(principal, str) or old.text(KIND) in {"", "unknown"}:
        raise Undecided("nothing can be granted to a principal of an unknown kind")
    version = finding.detector.resource_type.api_version
    changes = [
        Change(
            verb=Verb.CREATE,
            target=_named(scope, role, principal),
            api_version=version,
            document={"properties": _granted(old, role, scope)},
        )
        for scope in scopes
    ]
    kept = {name: properties[name] for name in GRANTED if properties.get(name) is not None}
    gone = Change(
        verb=Verb.DELETE, target=old.id, api_version=version, document={"properties": kept}
    )
    return remediation.propose(finding, [*changes, gone], *_caveats(properties))


def _refuse_wider(old: Resource, role: str, scope: ResourceId) -> None:
    held = _role_of(old)
    if role in HAND_OUT_RIGHTS:
        raise Undecided(f"the role {role} hands out rights; narrow to one that does not")
    if role == CONTRIBUTOR and held not in (OWNER, CONTRIBUTOR):
        raise Undecided(f"Contributor may hold rights that {held} does not")
    if not scope.within(old.id.scope):
        raise Undecided(f"{scope} cannot be seen to lie inside {old.id.scope}")
    # A grant this wide would be found again, or be the old one.
    if role in (CONTRIBUTOR, held) and scope.resource_group is None:
        raise Undecided(f"{role} on {scope} is no narrower than a resource group")


def _role_of(assignment: Resource) -> str:
    return assignment.text("/properties/roleDefinitionId").rstrip("/").rsplit("/", 1)[-1]


def _named(scope: ResourceId, role: str, principal: str) -> ResourceId:
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{scope.key} {role} {principal}".casefold())
    inside = "" if scope.key == "/" else scope.text
    return ResourceId(f"{inside}/providers/Microsoft.Authorization/roleAssignments/{name}")


def _granted(old: Resource, role: str, scope: ResourceId) -> dict[str, Json]:
    where = f"/subscriptions/{scope.subscription}" if scope.subscription else ""
    return {
        "roleDefinitionId": f"{where}/providers/Microsoft.Authorization/roleDefinitions/{role}",
        "principalId": old.get("/properties/principalId"),
        # Sent always: a principal that is new is then not looked for in a directory that lags.
        "principalType": old.get(KIND),
        "description": f"Narrowed by Portcullis from {old.id}",
    }


def _caveats(properties: Mapping[str, Json]) -> list[str]:
    found = [
        "Whether the new role covers what the principal does is for the approver to know.",
        "New grants take up to 15 minutes to hold, and so does the end of the old one.",
        "Undo makes the old grant anew: who made it and when (createdBy, createdOn) is lost.",
        "Undo grants a privileged role, so it runs under the credential of who asks for it.",
    ]
    if properties.get("condition"):
        found.append("The old grant's condition is not carried over to the new ones.")
    return found
