"""Privileged role held permanently instead of PIM-eligible.

Why it matters: a session stolen at any hour of any day has the role, though it is needed for some
hours a month.
Limits: users alone, for applications and managed identities cannot be eligible and groups are
judged by who is in them. Emergency accounts hold such a role on purpose: exempt them. In a tenant
without Microsoft Entra ID P2 every such grant is permanent, and found. A grant that Privileged
Identity Management (PIM) does not show yet is unknown, and PIM does not reach the root (`/`):
there a grant is permanent.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4; Microsoft Learn, "Role Assignment
Schedule Instances - List For Scope".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import KIND, ROLE, ROLE_DEFINITION, privileged
from detectors.authorization.schedules import SCHEDULES, instance_of, licensed
from shared.model import Detector, Evidence, Resource, Severity, Undecided

SORT, END = "/properties/assignmentType", "/properties/endDateTime"


def check(assignment: Resource) -> Iterator[Evidence]:
    if seen(assignment).text(KIND) != "user":
        if not assignment.text(KIND):
            raise Undecided("the assignment does not say what its principal is")
        return
    if not privileged(assignment):
        return
    instance = instance_of(assignment)
    if instance is None:
        if licensed(assignment) and assignment.id.scope.key != "/":
            raise Undecided("PIM does not show this grant yet")
        yield Evidence(ROLE, assignment.get(ROLE), "a role that one is eligible for")
    elif instance.text(SORT) == "assigned" and not instance.get(END):
        yield Evidence(ROLE, assignment.get(ROLE), "a role that one is eligible for")
        yield Evidence(END, None, "an end", resource=instance.id)


DETECTOR = Detector(
    id="iam-privileged-permanent",
    title="Privileged role held permanently instead of PIM-eligible",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION, SCHEDULES),
)
