"""Assignment to a principal of another tenant.

Why it matters: who is in that group, and how they sign in, is decided elsewhere and seen nowhere
here.
Limits: only what ARM calls a foreign group is found, as a cloud solution provider's Admin Agents
are. Guests are controls of their own; of an application of several tenants the grant names the
service principal in this directory, and it passes.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4; Microsoft Learn, "Reinstate admin
privileges for a customer's Azure CSP subscriptions".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import KIND, ROLE
from shared.model import Detector, Evidence, Resource, Severity, Undecided


def check(assignment: Resource) -> Iterator[Evidence]:
    kind = seen(assignment).text(KIND)
    if not kind:
        raise Undecided("the assignment does not say what its principal is")
    if kind == "foreigngroup":
        yield Evidence(KIND, assignment.get(KIND), "a principal of this tenant")
        yield Evidence(ROLE, assignment.get(ROLE), "no role")


DETECTOR = Detector(
    id="iam-foreign-principal",
    title="Assignment to a principal of another tenant",
    resource_type=ASSIGNMENT,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
)
