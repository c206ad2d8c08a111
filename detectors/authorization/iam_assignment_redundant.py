"""Assignment repeats what its principal has already, from a wider scope or a wider role.

Why it matters: taking the other one away is thought to end the access, and does not; and a
subscription takes no more than 4,000 assignments.
Limits: what comes through a group is not counted. The other grant counts only where it has no
condition and no end, and where its role is seen to allow all that this one does. An elevation by
Privileged Identity Management (PIM) is no finding, and repeats nothing.
Source: Microsoft Learn, "Role Assignments - List For Scope", "Azure RBAC limits".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, DEFINITION, role_id, scope_of
from detectors.authorization.grants import by_role, standing
from detectors.authorization.principals import ROLE, principal_id
from detectors.authorization.schedules import SCHEDULES, seen_in
from shared.model import Detector, Evidence, Lookup, Resource, ResourceId, Role, Severity


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    for other in _beside(assignment, scope):
        if _role_within(assignment, other, strictly=other.id.scope == scope):
            yield from standing(
                assignment,
                by_role(assignment, "nothing: it is granted already"),
                Evidence(ROLE, other.get(ROLE), "the only grant", resource=other.id),
            )
            return


def _beside(assignment: Resource, scope: ResourceId) -> list[Resource]:
    """What else the principal holds at the scope and above, for good and whatever it does."""
    mine = principal_id(assignment)
    found = [
        other
        for other in assignment.related("assignments")
        if other.id != assignment.id
        and other.text("/properties/principalId") == mine
        and _reaches(other.id.scope, scope)
        and not other.get("/properties/condition")
    ]
    passing = _passing(assignment) if found else set()
    return sorted((o for o in found if o.id.key not in passing), key=lambda o: o.id.key)


def _reaches(other: ResourceId, scope: ResourceId) -> bool:
    """Whether `other` is the scope or above it.

    Of what lies outside of subscriptions ARM lists for a scope in one only what is above it.
    """
    return scope.within(other) or bool(scope.subscription and not other.subscription)


def _passing(assignment: Resource) -> set[str]:
    """The ids of grants that PIM shows to be elevations, or to have an end."""
    return {
        ResourceId(str(one.get("/properties/originRoleAssignmentId"))).key
        for one in seen_in(assignment, SCHEDULES)
        if one.text("/properties/assignmentType") == "activated"
        or one.get("/properties/endDateTime")
    }


def _role_within(assignment: Resource, other: Resource, *, strictly: bool) -> bool:
    if role_id(assignment) == role_id(other):
        # Azure has the same grant at one scope once.
        return not strictly
    defined = {one.id.name.casefold(): Role.of(one) for one in assignment.related("definitions")}
    mine, theirs = defined.get(role_id(assignment)), defined.get(role_id(other))
    if mine is None or theirs is None:
        return False
    return mine.within(theirs) and not (strictly and theirs.within(mine))


def _definitions(assignment: Resource) -> list[str]:
    """The definitions of all roles that the principal holds there."""
    scope = scope_of(assignment)
    held = [str(one.get(ROLE)) for one in (assignment, *_beside(assignment, scope))]
    return list({one.rsplit("/", 1)[-1].casefold(): one for one in held}.values())


DETECTOR = Detector(
    id="iam-assignment-redundant",
    title=(
        "Assignment repeats what the principal already has from a wider scope or the same role"
        " twice"
    ),
    resource_type=ASSIGNMENT,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(
            name="assignments",
            type=ASSIGNMENT,
            ids=lambda resource: [str(resource.id).rsplit("/", 1)[0]],
            many=True,
        ),
        Lookup(name="definitions", type=DEFINITION, ids=_definitions),
        SCHEDULES,
    ),
)
