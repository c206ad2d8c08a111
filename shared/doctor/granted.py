"""What somebody else is granted: their role assignments, and what the roles of these allow.

Azure tells what they may do to nobody but them; what they were given it shows to whoever may read
it. Deny assignments are not looked at. Source: Microsoft Learn, "List Azure role assignments using
the REST API": `assignedTo` lists what is assigned to a user or service principal and, through other
groups too, to the groups they are in; without `atScope()` beside it below the scope as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from shared.errors import Refused, Why
from shared.model import Resource, ResourceId, Undecided
from shared.model.actions import Role

if TYPE_CHECKING:
    from shared.azure.arm import Arm

READS: Final = (
    "Microsoft.Authorization/roleAssignments/read",
    "Microsoft.Authorization/roleDefinitions/read",
)
"""What asking takes; with less a list may be only a part of what there is."""
_ASSIGNMENTS: Final = "providers/Microsoft.Authorization/roleAssignments"
_VERSION: Final = "2022-04-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A role that somebody holds at `scope`, and in all that is in it.

    `id` is that of the assignment, `holder` the object id that it is to: theirs, or a group's.
    `role` is the definition's id, `blocks` are its permissions as Azure writes them. `conditional`
    says that the assignment has a condition, which may take away from any of them.
    """

    id: ResourceId
    holder: str
    role: ResourceId
    name: str
    blocks: Sequence[Mapping[str, Any]]
    conditional: bool

    @property
    def scope(self) -> ResourceId:
        return self.id.scope

    def holds_at(self, subscription: ResourceId) -> bool:
        """Whether it gives its rights in all of a subscription that it was listed for."""
        return not self.scope.subscription or self.scope == subscription

    @property
    def certain(self) -> Sequence[Mapping[str, Any]]:
        """The permissions that no condition takes away from."""
        return [] if self.conditional else [one for one in self.blocks if not one.get("condition")]


class Granted:
    """Asks under whoever runs this, each thing once."""

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._known: dict[tuple[str, ResourceId], Sequence[Grant]] = {}
        self._roles: dict[str, Resource] = {}

    def to(self, principal: str, subscription: ResourceId) -> Sequence[Grant]:
        """All that somebody holds at a subscription, above it and in it, through groups too.

        Raises:
            Transient: come again. Refused: some of it cannot be seen.
        """
        key = principal, subscription
        if key not in self._known:
            asked = f"{subscription}/{_ASSIGNMENTS}?$filter=assignedTo('{principal}')"
            self._known[key] = [self._grant(one) for one in self._arm.list(asked, _VERSION)]
        return self._known[key]

    def _grant(self, assignment: Resource) -> Grant:
        at = ResourceId(str(assignment.get("/properties/roleDefinitionId") or "/"))
        role = self._role(at, assignment.id)
        return Grant(
            id=assignment.id,
            holder=str(assignment.get("/properties/principalId") or "").casefold(),
            role=at,
            name=str(role.get("/properties/roleName") or at.name),
            blocks=role.items("/properties/permissions"),
            conditional=bool(assignment.get("/properties/condition")),
        )

    def _role(self, at: ResourceId, assignment: ResourceId) -> Resource:
        key = at.name.casefold()
        if key not in self._roles:
            found = self._arm.get(at, _VERSION)
            if found is None:
                raise Refused(f"the role of {assignment} is not shown: {at}", Why.NOT_FOUND)
            try:
                Role.of(found)
            except Undecided as error:
                raise Refused(f"{assignment}: {error}", Why.INVALID) from error
            self._roles[key] = found
        return self._roles[key]
