"""Privileged role is granted too widely.

Why it matters: what one principal can do is what everybody can do who takes it over.
Limits: guests, deleted and disabled principals cannot be told from others here, nor can grants
that PIM activated or that end by themselves; Azure Lighthouse grants are not assignments.

How a grant is graded: scope (root 5, management group 4, subscription 3) + role (one that hands
out rights 3, Contributor or any other that can write everything 2) + principal (user or service
principal 2, group 1, anything else 3), less 1 for a condition. It is too wide from 6 on: then
Contributor for everybody in a subscription counts, even for a group, unless a condition limits
it. A grant on a resource group or less is what a cure aims at, and passes whatever its role.
Source: Microsoft Learn, "Best practices for Azure RBAC".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import (
    ASSIGNMENT,
    BUILT_IN,
    DEFINITION,
    PRINCIPALS,
    UNKNOWN_PRINCIPAL,
    definition_weight,
    role_id,
    scope_of,
    scope_weight,
)
from shared.model import Detector, Evidence, Lookup, Resource, Severity, Undecided

ROLE, KIND = "/properties/roleDefinitionId", "/properties/principalType"
SUBSCRIPTION_WEIGHT = 3
TOO_WIDE = 6


def check(assignment: Resource) -> Iterator[Evidence]:
    wide, where = scope_weight(scope_of(seen(assignment)))
    if wide < SUBSCRIPTION_WEIGHT:
        return
    role, strong = _role(assignment)
    who = PRINCIPALS.get(assignment.text(KIND), UNKNOWN_PRINCIPAL)
    limited = 1 if assignment.get("/properties/condition") else 0
    grade = wide + strong + who - limited
    if strong and grade >= TOO_WIDE:
        parts = f"{where} {wide} + {role} {strong} + {assignment.get(KIND)} {who}"
        parts += " - condition 1" if limited else ""
        yield Evidence("", f"grade {grade} = {parts}", f"a grade below {TOO_WIDE}")
        yield Evidence(ROLE, assignment.get(ROLE), "a lesser role, or a resource group or less")


def _role(assignment: Resource) -> tuple[str, int]:
    if known := BUILT_IN.get(role_id(assignment)):
        return known
    for definition in assignment.related("roleDefinition"):
        name = str(definition.get("/properties/roleName") or definition.id.name)
        return name, definition_weight(seen(definition))
    raise Undecided("the role's definition is not there")


DETECTOR = Detector(
    id="iam-privileged-assignment-broad",
    title="Privileged role granted too widely",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(
            name="roleDefinition",
            type=DEFINITION,
            ids=lambda assignment: [str(assignment.get(ROLE))],
        ),
    ),
)
