"""Privileged role is granted too widely.

Why it matters: what one principal can do is what everybody can do who takes it over.
Limits: a blocked account counts as any other. Grants that one is only eligible for are not
assignments, nor are those of Azure Lighthouse; an elevation by Privileged Identity Management
(PIM) is no finding. A service principal of another tenant counts as one of this. Where the
directory cannot be asked, a guest counts as any user, and the grade says so.

How a grant is graded: scope (root 5, management group 4, subscription 3, resource group 2,
resource 1) + role (one that hands out rights 3; Contributor, any other that can write everything,
and custom roles that allow to take more, 2) + principal (deleted, guest, foreign or unknown 3,
user or service principal 2, group 1), less 1 for a condition, and 1 for an end.

From 6 on it is too wide: then Contributor for everybody in a subscription counts, even for a
group, unless a condition limits it. On a resource group or less, where cures lead to, it is too
wide from 7 on: Owner for one user of a resource group counts, Contributor only for a guest, or
for who is not there any more. A grant is graded once, at its own scope.
Source: Microsoft Learn, "Best practices for Azure RBAC".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.grants import LOOKUPS, SUBSCRIPTION, by_role, grade, unasked_pim, width
from shared.model import Detector, Evidence, Resource, Severity

TOO_WIDE, TOO_WIDE_BELOW = 6, 7


def check(assignment: Resource) -> Iterator[Evidence]:
    limit = TOO_WIDE if width(seen(assignment)) >= SUBSCRIPTION else TOO_WIDE_BELOW
    found = grade(assignment, limit)
    if found is not None:
        yield Evidence("", str(found), f"a grade below {limit}")
        yield by_role(assignment, "a lesser role, or a smaller scope")
        yield from unasked_pim(assignment)


DETECTOR = Detector(
    id="iam-privileged-assignment-broad",
    title="Privileged role granted too widely",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=LOOKUPS,
)
