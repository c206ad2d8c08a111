"""Grants and their grade: where a role is granted, which one, to whom, and for how long.

A grade adds up: scope (root 5, management group 4, subscription 3, resource group 2, resource 1),
role (one that hands out rights 3, any other that is privileged 2), principal (deleted, guest,
foreign or unknown 3, user or service principal 2, group 1), less 1 for a condition and 1 for an
end that Privileged Identity Management (PIM) knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from detectors import seen
from detectors.authorization import (
    BUILT_IN,
    PRINCIPALS,
    UNKNOWN_PRINCIPAL,
    role_id,
    role_weight,
    scope_of,
    scope_weight,
)
from detectors.authorization.principals import (
    KIND,
    PRINCIPAL,
    ROLE,
    ROLE_DEFINITION,
    holder,
    is_guest,
)
from detectors.authorization.schedules import SCHEDULES, elevated, instance_of
from shared.model import Evidence, Lookup, NeedsLookup, Resource, Role, Undecided

SUBSCRIPTION: Final = 3
"""The weight of a subscription: wider ones weigh more."""

LOOKUPS: Final[tuple[Lookup, ...]] = (ROLE_DEFINITION, PRINCIPAL, SCHEDULES)
"""What a grade may ask for."""


def width(assignment: Resource) -> int:
    """How wide its scope is, as a weight."""
    return scope_weight(scope_of(assignment))[0]


def defined_role(assignment: Resource) -> Role:
    """The role, as its definition describes it.

    Raises:
        Undecided: the definition is not there, or cannot be read.
    """
    for definition in assignment.related(ROLE_DEFINITION.name):
        return Role.of(seen(definition))
    raise Undecided("the role's definition is not there")


def strength(assignment: Resource) -> tuple[str, int]:
    """The role's name (with what makes it privileged where that is not known by it), and weight.

    Raises:
        Undecided: its definition cannot be seen.
    """
    if known := BUILT_IN.get(role_id(assignment)):
        return known
    role = defined_role(assignment)
    why = f" ({', '.join(role.privileges)})" if role.privileges else ""
    return f"{role.name}{why}", role_weight(role)


def standing(assignment: Resource, *evidence: Evidence) -> Iterator[Evidence]:
    """`evidence`, where the grant is more than an elevation that PIM made for some hours.

    Where PIM could not be asked the grant stands as ARM shows it, and that is said: an elevation
    is never cut, whatever is found.
    """
    unasked = unasked_pim(assignment)
    if unasked or not elevated(assignment):
        yield from evidence
        yield from unasked


def unasked_pim(assignment: Resource) -> list[Evidence]:
    """What to say where PIM could not be asked about a grant; nothing where it could."""
    try:
        elevated(assignment)
    except NeedsLookup:
        raise
    except Undecided as reason:
        return [Evidence("", f"whether PIM made it for some hours is not seen: {reason}", "known")]
    return []


def by_role(assignment: Resource, expected: str) -> Evidence:
    return Evidence(ROLE, assignment.get(ROLE), expected)


@dataclass(frozen=True, slots=True)
class Grade:
    """Names and weights that add up."""

    parts: tuple[tuple[str, int], ...]

    @property
    def total(self) -> int:
        return sum(weight for _, weight in self.parts)

    def __str__(self) -> str:
        told = "".join(
            f" {'-' if weight < 0 else '+'} {name} {abs(weight)}" for name, weight in self.parts
        )
        return f"grade {self.total} ={told.removeprefix(' +')}"


def grade(assignment: Resource, limit: int) -> Grade | None:
    """The grade of a grant; None where it stays below `limit`, or is an elevation by PIM.

    Raises:
        Undecided: the role's definition cannot be seen.
    """
    wide, where = scope_weight(scope_of(seen(assignment)))
    role, strong = strength(assignment)
    limited = -1 if assignment.get("/properties/condition") else 0
    if not strong or wide + strong + limited + UNKNOWN_PRINCIPAL < limit:
        return None
    parts = ((where, wide), (role, strong), _who(assignment), ("condition", limited))
    found = Grade(tuple(part for part in parts if part[1]))
    if found.total < limit:
        return None
    if unasked_pim(assignment):
        return found
    if elevated(assignment):
        return None
    instance = instance_of(assignment)
    if instance is not None and instance.get("/properties/endDateTime"):
        found = Grade((*found.parts, ("end", -1)))
    return found if found.total >= limit else None


def _who(assignment: Resource) -> tuple[str, int]:
    """What the principal is, as far as ARM and the directory tell, and its weight."""
    told, kind = str(assignment.get(KIND) or "principal of unknown kind"), assignment.text(KIND)
    weight = PRINCIPALS.get(kind, UNKNOWN_PRINCIPAL)
    if kind == "foreigngroup":
        return told, weight
    try:
        principal = holder(assignment)
        if principal is None:
            return f"{told}, deleted", UNKNOWN_PRINCIPAL
        guest = is_guest(principal)
    except NeedsLookup:
        raise
    except Undecided:
        return f"{told} (guest or deleted could not be seen)", weight
    if guest:
        return f"{told}, guest", UNKNOWN_PRINCIPAL
    if kind:
        return told, weight
    kind = principal.text("/properties/@odata.type").removeprefix("#microsoft.graph.")
    return str(kind), PRINCIPALS.get(kind, UNKNOWN_PRINCIPAL)


def kind_of(assignment: Resource) -> str:
    """What ARM says that the principal is, in lower case.

    Raises:
        Undecided: it does not say; old api-versions do not.
    """
    kind = seen(assignment).text(KIND)
    if not kind:
        raise Undecided("the assignment does not say what its principal is")
    return kind


def privileged_and_wide(assignment: Resource) -> bool:
    """Whether it grants a privileged role on a subscription or more.

    Raises:
        Undecided: the role's definition cannot be seen.
    """
    return width(assignment) >= SUBSCRIPTION and strength(assignment)[1] > 0
