"""Privileged role is granted on a management group.

Why it matters: it holds in every subscription below, those that are yet to come among them.
Limits: the identity that reads needs rights at the management group, and no event tells of it. An
elevation by Privileged Identity Management (PIM) is no finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, scope_of
from detectors.authorization.grants import by_role, standing, strength
from detectors.authorization.principals import ROLE_DEFINITION
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    if scope.type.casefold() != "microsoft.management/managementgroups":
        return
    role, weight = strength(assignment)
    if weight:
        expected = f"{role} on the subscriptions where it is used, or a lesser role"
        yield from standing(assignment, by_role(assignment, expected))


DETECTOR = Detector(
    id="iam-privileged-management-group-scope",
    title="Privileged role granted at management group scope",
    resource_type=ASSIGNMENT,
    severity=Severity.CRITICAL,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION, SCHEDULES),
)
