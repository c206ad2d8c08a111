"""Custom roles: what stands where in their definitions, and who holds them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from detectors import seen
from detectors.authorization import ASSIGNMENT
from shared.model import (
    PRIVILEGES,
    Json,
    Lookup,
    Resource,
    ResourceId,
    Role,
    Undecided,
    permission_of,
)

CUSTOM, BUILT_IN = "customrole", "builtinrole"

ESCALATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "roleAssignments/write": ("Microsoft.Authorization/roleAssignments/write",),
    "roleDefinitions/write": ("Microsoft.Authorization/roleDefinitions/write",),
    "elevateAccess/action": ("Microsoft.Authorization/elevateAccess/action",),
    "userAssignedIdentities/assign/action with compute or web write": (
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action",
    ),
    "virtualMachines/runCommand": (
        "Microsoft.Compute/virtualMachines/runCommand/action",
        "Microsoft.Compute/virtualMachines/runCommands/write",
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action",
        "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/write",
    ),
    "managedClusters/listClusterAdminCredential/action": (
        "Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",
    ),
    "*/listKeys/action": ("*/listKeys/action",),
    "policyAssignments/write with an identity": (
        "Microsoft.Authorization/policyAssignments/write",
    ),
}
"""Privileges that some actions give by themselves, and what a role leaves out to lose them."""


class Entry(NamedTuple):
    """One listed action: its JSON Pointer, and the pattern in lower case."""

    pointer: str
    pattern: str


def custom_role(definition: Resource) -> Role | None:
    """What a custom role allows; None for one of Azure's own.

    Raises:
        Undecided: the definition does not say whose it is, or shows no permissions.
    """
    kind = seen(definition).text("/properties/type")
    if kind not in {CUSTOM, BUILT_IN}:
        raise Undecided("the definition does not say whether the role is a custom one")
    return Role.of(definition) if kind == CUSTOM else None


def entries(definition: Resource, *names: str) -> Iterator[Entry]:
    """Everything that its blocks list under `names` (in lower case)."""
    for i, block in enumerate(definition.items("/properties/permissions")):
        for name, listed in block.items():
            for j, pattern in enumerate(listed or () if name.casefold() in names else ()):
                yield Entry(f"/properties/permissions/{i}/{name}/{j}", pattern.casefold())


def giving(definition: Resource, privilege: str) -> Iterator[Entry]:
    """The listed actions that give a privilege of which one action is enough."""
    wanted = [action.casefold() for action in PRIVILEGES[privilege][0]]
    found: list[set[str]] = []
    for block in definition.items("/properties/permissions"):
        listed = permission_of(block).actions
        found.append({pattern for one in wanted for pattern in listed.giving(one)})
    for entry in entries(definition, "actions"):
        if entry.pattern in found[int(entry.pointer.split("/")[3])]:
            yield entry


def scopes_of(definition: Resource) -> list[ResourceId]:
    """Where the role can be assigned.

    Raises:
        Undecided: the definition does not say it.
    """
    found = definition.get("/properties/assignableScopes")
    if not isinstance(found, list) or not found:
        raise Undecided("the definition does not say where the role can be assigned")
    return list(dict.fromkeys(ResourceId(str(one)) for one in found))


def _assignments(definition: Resource) -> Iterable[str]:
    return (
        f"{'' if scope.key == '/' else scope}/providers/{ASSIGNMENT.name}"
        for scope in scopes_of(definition)
    )


ASSIGNMENTS = Lookup(name="assignments", type=ASSIGNMENT, ids=_assignments, many=True)
"""All assignments in the scopes where the role can be assigned, of other roles too."""


def held_by(definition: Resource) -> list[Resource]:
    """The assignments of the role, each once.

    Raises:
        Undecided: they could not be had, or the definition does not say where to look.
    """
    scopes_of(definition)
    mine = definition.id.name.casefold()
    held = {one.id.key: one for one in definition.related(ASSIGNMENTS.name) if _role(one) == mine}
    return list(held.values())


def _role(assignment: Resource) -> str:
    found: Json = assignment.get("/properties/roleDefinitionId")
    return str(found or "").rstrip("/").rsplit("/", 1)[-1].casefold()
