"""Service principal or managed identity holds a privileged role on a subscription or more.

Why it matters: a client secret in a pipeline, or code on a machine with that identity, is then the
whole subscription; nobody is asked for a second factor.
Limits: one through a group is not found.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.4; Microsoft Learn, "Best practices for
Azure RBAC".
"""

from collections.abc import Iterator

from detectors.authorization import ASSIGNMENT
from detectors.authorization.grants import by_role, kind_of, privileged_and_wide
from detectors.authorization.principals import KIND, ROLE_DEFINITION
from shared.model import Detector, Evidence, Resource, Severity

APPLICATIONS = {"serviceprincipal", "agentserviceprincipal"}


def check(assignment: Resource) -> Iterator[Evidence]:
    # Applications cannot be elevated by PIM, so that it need not be asked.
    if kind_of(assignment) in APPLICATIONS and privileged_and_wide(assignment):
        yield by_role(
            assignment, "a role for what it does, on the resource groups where it does it"
        )
        yield Evidence(KIND, assignment.get(KIND), "no application")


DETECTOR = Detector(
    id="iam-service-principal-privileged",
    title=(
        "Service principal or managed identity holds a privileged role at subscription scope or"
        " wider"
    ),
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION,),
)
