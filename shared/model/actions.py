"""What a role allows: its permission blocks as sets of actions, compared without guessing.

An action is `Provider/type/.../verb`. Azure's rules hold throughout: `*` in a pattern stands for
any run of characters, slashes too; case does not matter; what the notActions of one block leave
out, another block of the role may allow; data actions are a matter of their own. The condition
of a block can only take away, and nobody here knows whether it does.
Source: Microsoft Learn, "Understand Azure role definitions".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from shared.model.document import Json
from shared.model.resource import Resource, Undecided


def matches(pattern: str, action: str) -> bool:
    """Whether `pattern` covers an action, or every action that another pattern covers.

    Both in lower case. A `*` in `action` is a letter that no text but a `*` can match: a pattern
    that matches it matches whatever may stand there.
    """
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == action
    at, end = len(first), len(action) - len(rest[-1])
    if end < at or not (action.startswith(first) and action.endswith(rest[-1])):
        return False
    for part in rest[:-1]:
        found = action.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


def meets(one: str, other: str) -> bool:
    """Whether any action is covered by both patterns (in lower case).

    Between two wildcards anything can stand, so beginnings and ends alone decide.
    """
    if "*" not in one:
        return matches(other, one)
    if "*" not in other:
        return matches(one, other)
    head, tail = one.split("*", 1)[0], one.rsplit("*", 1)[1]
    begin, end = other.split("*", 1)[0], other.rsplit("*", 1)[1]
    starts = head.startswith(begin) or begin.startswith(head)
    return starts and (tail.endswith(end) or end.endswith(tail))


@dataclass(frozen=True, slots=True)
class Patterns:
    """The actions that are `listed`, less those that are `left_out`; both in lower case."""

    listed: tuple[str, ...]
    left_out: tuple[str, ...] = ()

    @classmethod
    def of(cls, listed: Iterable[str], left_out: Iterable[str] = ()) -> Patterns:
        return cls(*(tuple(sorted({p.casefold() for p in some})) for some in (listed, left_out)))

    def cover(self, action: str) -> bool:
        return any(matches(p, action) for p in self.listed) and not any(
            matches(p, action) for p in self.left_out
        )

    def giving(self, wanted: str) -> list[str]:
        """Those listed that give an action, or (where `wanted` is a pattern) one of its actions.

        Of a pattern only what lies in it is told, not what is wider.
        """
        if "*" not in wanted:
            return [p for p in self.listed if matches(p, wanted)] if self.cover(wanted) else []
        inside = (p for p in self.listed if matches(wanted, p))
        return [p for p in inside if self.cover(p.replace("*", "any"))]


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission block of a role."""

    actions: Patterns
    data_actions: Patterns = Patterns(())
    condition: str = ""

    def patterns(self, *, data: bool) -> Patterns:
        return self.data_actions if data else self.actions


@dataclass(frozen=True)
class Role:
    """A role, by its own id (a GUID in lower case), and what it allows."""

    id: str
    name: str
    custom: bool
    permissions: tuple[Permission, ...]

    @classmethod
    def of(cls, definition: Resource) -> Role:
        """The role that a definition from ARM or Resource Graph describes.

        Raises:
            Undecided: it shows no permissions, or some that cannot be read.
        """
        blocks = definition.items("/properties/permissions")
        name = definition.id.name
        if not blocks:
            raise Undecided(f"the definition of the role {name} shows no permissions")
        called = definition.get("/properties/roleName")
        custom = definition.text("/properties/type") == "customrole"
        return cls(name.casefold(), str(called or name), custom, tuple(map(permission_of, blocks)))

    def allows(self, action: str, *, data: bool = False) -> bool:
        """Whether a holder may do `action`; it may be under a condition."""
        wanted = action.casefold()
        return any(one.cover(wanted) for one in self._patterns(data=data))

    def covers(self, used: Iterable[str], *, data: bool = False) -> bool:
        """Whether a holder may do all of `used`, whatever conditions say."""
        free = self._free(data=data)
        return all(any(one.cover(action.casefold()) for one in free) for action in used)

    def within(self, other: Role) -> bool:
        """Whether `other` is proven to allow, whatever conditions say, all that this one allows.

        False where it does not, and where that cannot be seen: that what one block leaves out
        several others allow together is not tried.
        """
        return all(
            _proven(pattern, mine.left_out, other._free(data=data))
            for data in (False, True)
            for mine in self._patterns(data=data)
            for pattern in mine.listed
        )

    @cached_property
    def privileges(self) -> tuple[str, ...]:
        """The names of those of `PRIVILEGES` that the role has."""
        return tuple(name for name, needs in PRIVILEGES.items() if all(map(self._has_any, needs)))

    @property
    def hands_out_rights(self) -> bool:
        """Whether a holder can give rights, to others or to itself."""
        return not HANDS_OUT_RIGHTS.isdisjoint(self.privileges)

    def _has_any(self, actions: Iterable[str]) -> bool:
        # A condition in a definition limits which roles may be handed out, and nothing else.
        return any(
            side.giving(one.casefold())
            for one in actions
            for side in (
                self._free(data=False) if one == ASSIGN_ROLES else self._patterns(data=False)
            )
        )

    def _patterns(self, *, data: bool) -> list[Patterns]:
        return [one.patterns(data=data) for one in self.permissions]

    def _free(self, *, data: bool) -> list[Patterns]:
        return [one.patterns(data=data) for one in self.permissions if not one.condition]


def _proven(pattern: str, left_out: tuple[str, ...], blocks: list[Patterns]) -> bool:
    """Whether `blocks` allow all that `pattern` covers and `left_out` does not."""
    if any(matches(gone, pattern) for gone in left_out):
        return True
    for i, block in enumerate(blocks):
        if not any(matches(listed, pattern) for listed in block.listed):
            continue
        others = blocks[:i] + blocks[i + 1 :]
        missing = (gone for gone in block.left_out if meets(gone, pattern))
        if all(
            _proven(pattern if matches(gone, pattern) else gone, left_out, others)
            for gone in missing
        ):
            return True
    return False


def permission_of(block: Mapping[str, Json]) -> Permission:
    """One element of a definition's `permissions`.

    Raises:
        Undecided: it cannot be read.
    """
    # Resource Graph writes `Actions` where ARM writes `actions`.
    fields = {key.casefold(): value for key, value in block.items()}
    return Permission(
        Patterns.of(_listed(fields, "actions"), _listed(fields, "notactions")),
        Patterns.of(_listed(fields, "dataactions"), _listed(fields, "notdataactions")),
        str(fields.get("condition") or ""),
    )


def _listed(fields: Mapping[str, Json], name: str) -> list[str]:
    found = fields.get(name) or []
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise Undecided(f"{name} of a permission is not a list of actions")
    return found


ASSIGN_ROLES: Final = "Microsoft.Authorization/roleAssignments/write"
_ANY: Final = "Any.Provider/anyType"
"""Allowed only to who may do it with whatever there is: no provider is called so."""
_TAKE_IDENTITY: Final = (
    "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    "Microsoft.ManagedIdentity/userAssignedIdentities/any/assign/action",
)
_RUN_WITH_IDENTITY: Final = (
    "Microsoft.Compute/virtualMachines/write",
    "Microsoft.Compute/virtualMachineScaleSets/write",
    "Microsoft.Web/sites/write",
)
_RUN_COMMAND: Final = (
    "Microsoft.Compute/virtualMachines/runCommand/action",
    "Microsoft.Compute/virtualMachines/runCommands/write",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommand/action",
    "Microsoft.Compute/virtualMachineScaleSets/virtualMachines/runCommands/write",
)
_LIST_KEYS: Final = (
    "*/listKeys/action",
    f"{_ANY}/listKeys/action",
    "Microsoft.Storage/storageAccounts/listKeys/action",
    "Microsoft.DocumentDB/databaseAccounts/listKeys/action",
    "Microsoft.CognitiveServices/accounts/listKeys/action",
    "Microsoft.Cache/redis/listKeys/action",
    "Microsoft.Batch/batchAccounts/listKeys/action",
    "Microsoft.Devices/iotHubs/listkeys/action",
    "Microsoft.EventGrid/topics/listKeys/action",
    "Microsoft.EventHub/namespaces/authorizationRules/listKeys/action",
    "Microsoft.ServiceBus/namespaces/authorizationRules/listKeys/action",
    "Microsoft.AppConfiguration/configurationStores/ListKeys/action",
    "Microsoft.OperationalInsights/workspaces/listKeys/action",
    "Microsoft.MachineLearningServices/workspaces/listKeys/action",
    "Microsoft.SignalRService/SignalR/listkeys/action",
    "Microsoft.ClassicStorage/storageAccounts/listKeys/action",
    "Microsoft.Maps/accounts/listKeys/action",
    "Microsoft.Relay/namespaces/authorizationRules/listkeys/action",
    "Microsoft.NotificationHubs/Namespaces/authorizationRules/listkeys/action",
)

PRIVILEGES: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "*": tuple((f"{_ANY}/{verb}",) for verb in ("read", "write", "delete", "action")),
    "*/write": ((f"{_ANY}/write",),),
    "roleAssignments/write": ((ASSIGN_ROLES,),),
    "roleDefinitions/write": (("Microsoft.Authorization/roleDefinitions/write",),),
    "elevateAccess/action": (("Microsoft.Authorization/elevateAccess/action",),),
    "userAssignedIdentities/assign/action with compute or web write": (
        _TAKE_IDENTITY,
        _RUN_WITH_IDENTITY,
    ),
    "virtualMachines/runCommand": (_RUN_COMMAND,),
    "managedClusters/listClusterAdminCredential/action": (
        ("Microsoft.ContainerService/managedClusters/listClusterAdminCredential/action",),
    ),
    "*/listKeys/action": (_LIST_KEYS,),
    "deployments/write with */write": (
        ("Microsoft.Resources/deployments/write",),
        (f"{_ANY}/write",),
    ),
    "policyAssignments/write with an identity": (
        ("Microsoft.Authorization/policyAssignments/write",),
        (*_TAKE_IDENTITY, ASSIGN_ROLES),
    ),
}
"""What lets a holder of a role take more than the role says: of each group one action is needed.

Of keys, those that a role names are seen whatever the provider, and by a wildcard those of the
providers named here.
"""

HANDS_OUT_RIGHTS: Final = frozenset(
    {"roleAssignments/write", "roleDefinitions/write", "elevateAccess/action"}
)
