"""Contributor of a subscription is granted to a user, for good.

Why it matters: one stolen session can then change and delete everything there is in it, run code
on its machines, and read its keys.
Limits: one through a group is not found. An elevation by Privileged Identity Management (PIM) and
a grant that has an end are no findings.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4.
"""

from collections.abc import Iterator

from detectors.authorization import ASSIGNMENT, CONTRIBUTOR, role_id, scope_of
from detectors.authorization.grants import by_role, kind_of
from detectors.authorization.principals import KIND
from detectors.authorization.schedules import SCHEDULES, elevated, instance_of
from shared.model import Detector, Evidence, Resource, Severity


def check(assignment: Resource) -> Iterator[Evidence]:
    if kind_of(assignment) != "user" or role_id(assignment) != CONTRIBUTOR:
        return
    scope = scope_of(assignment)
    if scope.type != "Microsoft.Resources/subscriptions" or elevated(assignment):
        return
    instance = instance_of(assignment)
    if instance is None or not instance.get("/properties/endDateTime"):
        yield by_role(assignment, f"a role for what is done, or less than {scope}, or an end")
        yield Evidence(KIND, assignment.get(KIND), "a group whose members are reviewed")


DETECTOR = Detector(
    id="iam-contributor-at-subscription-user",
    title="Contributor granted permanently to a user at subscription scope",
    resource_type=ASSIGNMENT,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(SCHEDULES,),
)
