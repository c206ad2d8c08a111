"""Owner of a subscription is granted to one user or service principal.

Why it matters: one stolen session or client secret is then the whole subscription, with the
right to hand it on.
Limits: an elevation by PIM looks the same in the assignment, as does the last owner there is.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, OWNER, role_id, scope_of
from shared.model import Detector, Evidence, Resource, Severity, Undecided

ROLE, KIND = "/properties/roleDefinitionId", "/properties/principalType"


def check(assignment: Resource) -> Iterator[Evidence]:
    scope = scope_of(seen(assignment))
    if role_id(assignment) != OWNER or scope.type != "Microsoft.Resources/subscriptions":
        return
    kind = assignment.text(KIND)
    if not kind:
        raise Undecided("the assignment does not say what its principal is")
    if kind not in {"group", "foreigngroup"}:
        yield Evidence(ROLE, assignment.get(ROLE), f"a role other than Owner at {scope}")
        yield Evidence(KIND, assignment.get(KIND), "a group whose members are reviewed")


DETECTOR = Detector(
    id="iam-owner-at-subscription",
    title="Owner granted to a single user or service principal at subscription scope",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
)
