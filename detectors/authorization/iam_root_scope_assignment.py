"""Role that hands out rights is granted at the tenant's root.

Why it matters: it holds in every management group, subscription and resource there is or will be.
A Global Administrator who elevates gets User Access Administrator here, and keeps it until
somebody takes it away.
Limits: only an identity with rights at the root sees it, and no event tells of it. Contributor and
lesser roles at the root are graded with all others.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.3; Microsoft Learn, "Elevate access to
manage all Azure subscriptions and management groups".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, scope_of
from detectors.authorization.grants import by_role, strength
from detectors.authorization.principals import ROLE_DEFINITION
from shared.model import Detector, Evidence, Resource, Severity

HANDS_OUT = 3


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    if scope.key == "/" and strength(assignment)[1] == HANDS_OUT:
        shown = assignment.get("/properties/scope")
        yield Evidence("/properties/scope", shown, "a management group, or less")
        yield by_role(assignment, "no role that hands out rights")


DETECTOR = Detector(
    id="iam-root-scope-assignment",
    title="Role granted at tenant root scope / (elevated Global Administrator)",
    resource_type=ASSIGNMENT,
    severity=Severity.CRITICAL,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION,),
)
