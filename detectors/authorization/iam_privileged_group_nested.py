"""Privileged role is granted to a group, and ARM does not say who is in it.

Why it matters: whoever may add a member to the group, or to a group in it, grants the role, and
nothing of that shows in Azure's own log.
Limits: it says where to look, and not that somebody is wrong: who is a member is for Microsoft
Entra ID to say. An elevation by Privileged Identity Management (PIM) is no finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4.
"""

from collections.abc import Iterator

from detectors.authorization import ASSIGNMENT
from detectors.authorization.grants import by_role, kind_of, privileged_and_wide, standing
from detectors.authorization.principals import KIND, ROLE_DEFINITION
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity


def check(assignment: Resource) -> Iterator[Evidence]:
    if kind_of(assignment) == "group" and privileged_and_wide(assignment):
        yield from standing(
            assignment,
            Evidence(KIND, assignment.get(KIND), "a group whose members are known and reviewed"),
            by_role(assignment, "a lesser role, or a smaller scope"),
        )


DETECTOR = Detector(
    id="iam-privileged-group-nested",
    title="Privileged role granted to a group (membership unknown to ARM)",
    resource_type=ASSIGNMENT,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION, SCHEDULES),
)
