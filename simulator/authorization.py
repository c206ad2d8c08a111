"""Role assignments, unique by principal, role and scope, and never changed; roles, by name."""

import re
from collections.abc import Iterator

from simulator.documents import dig, put
from simulator.state import Entry
from simulator.wire import Refusal
from simulator.writes import Write

ASSIGNMENTS = "microsoft.authorization/roleassignments"
DEFINITIONS = "microsoft.authorization/roledefinitions"
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TRIPLE = ("principalId", "roleDefinitionId")


def check_assignment(write: Write) -> None:
    """The provider's rules for a PUT, in its order; completes what it fills in."""
    name = write.address.name
    if not _GUID.fullmatch(name):
        raise Refusal(
            400,
            "InvalidRoleAssignmentId",
            f"The role assignment ID '{name}' is not valid. The role assignment ID must be a GUID.",
        )
    for field in _TRIPLE:
        if not dig(write.after, f"properties.{field}"):
            raise Refusal(
                400,
                "BadRequestFormat",
                f"The request was incorrectly formatted: {field} is missing.",
            )
    principal = str(dig(write.after, "properties.principalId"))
    if principal.lower() in write.state.fresh_principals:
        raise Refusal(
            400,
            "PrincipalNotFound",
            f"Principal {principal.replace('-', '')} does not exist in the directory "
            f"{write.state.tenant_id}.",
        )
    put(write.after, "properties.scope", write.address.scope)
    if write.before is not None:
        _check_unchanged(write)
        return
    _check_unique(write)
    stamp = write.now.isoformat().replace("+00:00", "Z")
    write.after["properties"] |= {"createdOn": stamp, "updatedOn": stamp}


def _check_unchanged(write: Write) -> None:
    for field in _TRIPLE:
        if _same(dig(write.before, f"properties.{field}"), dig(write.after, f"properties.{field}")):
            continue
        raise Refusal(
            400,
            "RoleAssignmentUpdateNotPermitted",
            "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.",
        )


def _check_unique(write: Write) -> None:
    siblings = write.state.attached(write.address.scope.lower(), ASSIGNMENTS)
    for entry in siblings.entries.values():
        held = entry.document
        if all(
            _same(dig(held, f"properties.{field}"), dig(write.after, f"properties.{field}"))
            for field in _TRIPLE
        ):
            raise Refusal(409, "RoleAssignmentExists", "The role assignment already exists.")


def _same(left: object, right: object) -> bool:
    """Role definitions are the same when their guid is, whatever scope prefixes it."""
    return _last(left) == _last(right)


def _last(value: object) -> str:
    return str(value).rsplit("/", 1)[-1].lower()


def check_definition(write: Write) -> None:
    """Custom roles of a tenant have names of their own."""
    name = str(dig(write.after, "properties.roleName") or "").lower()
    for entry in _everywhere(write, DEFINITIONS):
        held = str(dig(entry.document, "properties.roleName") or "").lower()
        if held == name and entry.address.name.lower() != write.address.name.lower():
            raise Refusal(
                409,
                "RoleDefinitionWithSameNameExists",
                "A custom role with the same name already exists in this directory.",
            )


def check_unassigned(write: Write) -> None:
    """A role that is assigned anywhere stays."""
    role = write.address.name.lower()
    for entry in _everywhere(write, ASSIGNMENTS):
        if _last(dig(entry.document, "properties.roleDefinitionId")) == role:
            raise Refusal(
                400,
                "RoleDefinitionHasAssignments",
                "There are existing role assignments referencing role.",
            )


def _everywhere(write: Write, type_key: str) -> Iterator[Entry]:
    """Entries of a type in the whole tenant."""
    for subscription in ("", *(entry.address.name for entry in write.state.subscriptions())):
        yield from write.state.of_type(subscription, type_key).entries.values()


def check_lock(write: Write) -> None:
    """A lock has one of two levels, and its scope is not a management group."""
    level = dig(write.after, "properties.level")
    if level not in {"CanNotDelete", "ReadOnly"}:
        raise Refusal(
            400, "InvalidLockLevel", f"The lock level '{level}' is not CanNotDelete or ReadOnly."
        )
    if not write.address.subscription:
        raise Refusal(
            400,
            "LockScopeNotSupported",
            "Locks can be put on subscriptions, resource groups and resources only.",
        )


def sign_policy_assignment(write: Write) -> None:
    """An assignment knows its scope, and in its metadata who made and changed it, and when."""
    put(write.after, "properties.scope", write.address.scope)
    now = write.now.isoformat().replace("+00:00", "Z")
    held = dig(write.before, "properties.metadata") or {}
    made = {"createdBy": held.get("createdBy", ""), "createdOn": held.get("createdOn", now)}
    changed = {"updatedBy": None, "updatedOn": None if write.creates else now}
    metadata = dig(write.after, "properties.metadata") or {}
    put(write.after, "properties.metadata", {**metadata, **made, **changed})
