"""Custom role has no assignments.

Why it matters: nobody reviews it, and somebody will grant it for what its name says.
Limits: what is assigned below a management group is not shown there, so that a role which can be
assigned on one is unknown unless it is seen to be held. Who is eligible for the role by Privileged
Identity Management (PIM) counts as a holder. A role that was made for later is found too: exempt
it.
Source: Microsoft Learn, "Azure custom roles", "Role Assignments - List For Scope".
"""

from collections.abc import Iterator

from detectors.authorization import DEFINITION
from detectors.authorization.custom import ASSIGNMENTS, custom_role, held_by, scopes_of
from detectors.authorization.schedules import ELIGIBILITY, seen_in
from shared.model import Detector, Evidence, Lookup, Resource, Severity, Undecided

ELIGIBILITIES = Lookup(
    name="eligibilities",
    type=ELIGIBILITY,
    ids=lambda definition: [f"{one}/providers/{ELIGIBILITY.name}" for one in scopes_of(definition)],
    many=True,
)


def check(definition: Resource) -> Iterator[Evidence]:
    if custom_role(definition) is None or held_by(definition):
        return
    for scope in scopes_of(definition):
        if not scope.subscription:
            raise Undecided(f"what is assigned below {scope} is not shown there")
    mine = definition.id.name.casefold()
    for one in seen_in(definition, ELIGIBILITIES):
        if one.text("/properties/roleDefinitionId").endswith(f"/{mine}"):
            return
    named = definition.get("/properties/roleName")
    yield Evidence("/properties/roleName", named, "a role that somebody holds")


DETECTOR = Detector(
    id="iam-custom-role-unused",
    title="Custom role has no assignments",
    resource_type=DEFINITION,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(ASSIGNMENTS, ELIGIBILITIES),
)
