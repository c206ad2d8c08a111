"""What Privileged Identity Management (PIM) says of a grant: elevation, or there to stay.

A rule that finds a role assignment declares `SCHEDULES` among its lookups, and asks `elevated`
last: an elevation is PIM's own, for a few hours, and is never a finding.

Source: Microsoft Learn, "Role Assignment Schedule Instances - List For Scope" (2020-10-01): every
active grant at a scope has an instance, whose `originRoleAssignmentId` is the assignment.
"""

from collections.abc import Iterable

from shared.model import Lookup, NeedsLookup, Resource, ResourceId, ResourceType, Undecided

SCHEDULE = ResourceType(
    "Microsoft.Authorization/roleAssignmentScheduleInstances", api_version="2020-10-01"
)
ELIGIBILITY = ResourceType(
    "Microsoft.Authorization/roleEligibilityScheduleInstances", api_version="2020-10-01"
)
NO_LICENCE = "aadpremiumlicenserequired"
"""Azure's word for a tenant without Microsoft Entra ID P2, where nobody can be elevated."""
_ASSIGNMENT = "microsoft.authorization/roleassignments"


def _at_scope(kind: ResourceType, resource: Resource) -> Iterable[str]:
    scope = resource.id.scope if resource.type.casefold() == _ASSIGNMENT else resource.id
    if scope.key != "/":
        yield f"{scope}/providers/{kind.name}"


SCHEDULES = Lookup(
    name="schedules",
    type=SCHEDULE,
    ids=lambda resource: _at_scope(SCHEDULE, resource),
    many=True,
)
"""The active grants at an assignment's own scope, or at the judged scope itself.

PIM does not reach the root (`/`): there nothing is asked.
"""

ELIGIBILITIES = Lookup(
    name="eligibilities",
    type=ELIGIBILITY,
    ids=lambda resource: _at_scope(ELIGIBILITY, resource),
    many=True,
)
"""Who may elevate themselves, at the same scope."""


def seen_in(resource: Resource, lookup: Lookup) -> tuple[Resource, ...]:
    """The instances; none in a tenant without the licence for PIM.

    Raises:
        Undecided: they could not be had.
    """
    return resource.related(lookup.name) if licensed(resource, lookup) else ()


def licensed(resource: Resource, lookup: Lookup = SCHEDULES) -> bool:
    """Whether the tenant has the licence for PIM, as its answer to a lookup shows.

    Raises:
        Undecided: PIM could not be asked.
    """
    try:
        resource.related(lookup.name)
    except NeedsLookup:
        raise
    except Undecided as undecided:
        if NO_LICENCE in str(undecided).casefold():
            return False
        raise
    return True


def instance_of(assignment: Resource) -> Resource | None:
    """PIM's instance of this very assignment; None where it shows none.

    Raises:
        Undecided: PIM could not be asked.
    """
    for one in seen_in(assignment, SCHEDULES):
        origin = one.get("/properties/originRoleAssignmentId")
        if isinstance(origin, str) and ResourceId(origin) == assignment.id:
            return one
    return None


def elevated(assignment: Resource) -> bool:
    """Whether the assignment is an activation by PIM, that ends by itself.

    Raises:
        Undecided: PIM could not be asked.
    """
    return _is_activation(instance_of(assignment))


def activations(resource: Resource) -> frozenset[str]:
    """The ids (in lower case) of all assignments at the scope that are activations by PIM.

    Raises:
        Undecided: PIM could not be asked.
    """
    found = (one for one in seen_in(resource, SCHEDULES) if _is_activation(one))
    origins = (one.get("/properties/originRoleAssignmentId") for one in found)
    return frozenset(ResourceId(str(origin)).key for origin in origins if origin)


def _is_activation(instance: Resource | None) -> bool:
    return instance is not None and instance.text("/properties/assignmentType") == "activated"
