"""User Access Administrator is granted.

Why it matters: whoever holds it can grant every role there is, Owner among them, to everybody.
Limits: it is found on every scope, on resource groups and single resources too, and whatever the
principal; a grant that is limited by a condition as well. An elevation by Privileged Identity
Management (PIM) is no finding; a Global Administrator's elevation to the root (`/`) is one.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.3.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, USER_ACCESS_ADMINISTRATOR, role_id, scope_of
from detectors.authorization.grants import by_role, standing
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    if role_id(assignment) == USER_ACCESS_ADMINISTRATOR:
        expected = f"a role that cannot grant every role at {scope}"
        yield from standing(assignment, by_role(assignment, expected))


DETECTOR = Detector(
    id="iam-user-access-administrator",
    title="User Access Administrator is in use",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(SCHEDULES,),
)
