"""Right to grant roles is held without a condition.

Why it matters: who may grant any role to anybody has every role there is, an hour from now.
Limits: what a condition says is not judged, only that there is one. A role whose definition
limits by itself what it may hand out is no finding, nor is a group, nor an elevation by
Privileged Identity Management (PIM).
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4; Microsoft Learn, "Delegate Azure
access management to others".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, BUILT_IN, role_id
from detectors.authorization.grants import by_role, defined_role, kind_of, standing
from detectors.authorization.principals import ROLE_DEFINITION
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

CONDITION = "/properties/condition"


def check(assignment: Resource) -> Iterator[Evidence]:
    if seen(assignment).get(CONDITION) or not _grants_roles(assignment):
        return
    if kind_of(assignment) != "group":
        yield from standing(
            assignment,
            Evidence(CONDITION, assignment.get(CONDITION), "a condition on the roles it grants"),
            by_role(assignment, "a role that grants none, or a condition"),
        )


def _grants_roles(assignment: Resource) -> bool:
    if known := BUILT_IN.get(role_id(assignment)):
        return known[1] == 3
    return "roleAssignments/write" in defined_role(assignment).privileges


DETECTOR = Detector(
    id="iam-rbac-admin-unconditioned",
    title="Role-granting right without an ABAC condition",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION, SCHEDULES),
)
