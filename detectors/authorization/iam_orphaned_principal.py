"""Role assignment names a principal that no longer exists.

Why it matters: it serves nobody, hides among the grants that do, and a principal that is restored
from the directory's recycle bin has its rights again.
Limits: one sight is not enough. A principal that was just made, or just restored, is missing for a
while: a person approves the deletion, best on another day, and the directory is asked again before
the write. Groups of other tenants and grants by Azure Lighthouse are in no directory of ours, and
are passed over. Where Microsoft Graph cannot be asked, or answers in part, it is unknown.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.5; Microsoft Learn, "Troubleshoot Azure
RBAC", role assignments with identity not found.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import KIND, PRINCIPAL, PRINCIPAL_ID, holder
from shared.model import Detector, Evidence, Resource, Severity

DELEGATED = "/properties/delegatedManagedIdentityResourceId"


def check(assignment: Resource) -> Iterator[Evidence]:
    if seen(assignment).text(KIND) == "foreigngroup" or assignment.text(DELEGATED):
        return
    if holder(assignment) is None:
        yield Evidence(PRINCIPAL_ID, assignment.get(PRINCIPAL_ID), "a principal of the directory")


DETECTOR = Detector(
    id="iam-orphaned-principal",
    title="Role assignment names a principal that no longer exists",
    resource_type=ASSIGNMENT,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(PRINCIPAL,),
)
