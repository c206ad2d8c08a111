"""Owner of a subscription is granted to one user or service principal.

Why it matters: one stolen session or client secret is then the whole subscription, with the
right to hand it on.
Limits: the last owner there is looks as any other. Custom roles that equal Owner are controls of
their own; an elevation by Privileged Identity Management (PIM) is no finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, OWNER, role_id, scope_of
from detectors.authorization.grants import LOOKUPS, by_role, grade, unasked_pim
from detectors.authorization.principals import KIND
from shared.model import Detector, Evidence, Resource, Severity, Undecided


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    if scope.type != "Microsoft.Resources/subscriptions" or role_id(assignment) != OWNER:
        return
    kind = assignment.text(KIND)
    if not kind:
        raise Undecided("the assignment does not say what its principal is")
    found = None if kind in {"group", "foreigngroup"} else grade(assignment, limit=0)
    if found is not None:
        yield by_role(assignment, f"a role other than Owner at {scope}")
        yield Evidence(KIND, assignment.get(KIND), "a group whose members are reviewed")
        yield Evidence("", str(found), "the grade of a lesser role, or of a group")
        yield from unasked_pim(assignment)


DETECTOR = Detector(
    id="iam-owner-at-subscription",
    title="Owner granted to a single user or service principal at subscription scope",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=LOOKUPS,
)
