"""Role is granted to a user instead of a group.

Why it matters: who changes teams keeps it, and a review of groups does not show it.
Limits: on subscriptions and resource groups alone. An elevation by Privileged Identity Management
(PIM) is no finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.7; Microsoft Learn, "Best practices for
Azure RBAC".
"""

from collections.abc import Iterator

from detectors.authorization import ASSIGNMENT
from detectors.authorization.grants import SUBSCRIPTION, kind_of, standing, width
from detectors.authorization.principals import KIND
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

RESOURCE_GROUP = 2


def check(assignment: Resource) -> Iterator[Evidence]:
    if kind_of(assignment) == "user" and width(assignment) in (RESOURCE_GROUP, SUBSCRIPTION):
        yield from standing(assignment, Evidence(KIND, assignment.get(KIND), "Group"))


DETECTOR = Detector(
    id="iam-direct-user-assignment",
    title="Role granted to a user instead of a group",
    resource_type=ASSIGNMENT,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(SCHEDULES,),
)
