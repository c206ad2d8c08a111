"""Managed identity of a workload holds Owner, Contributor or a role that hands out rights.

Why it matters: whoever gets code to run in the app, the virtual machine or the pipeline gets a
token of its identity, and with this role everything in its scope.
Limits: needs Microsoft Graph, for ARM calls a managed identity a service principal like any other;
where Graph cannot be asked it is unknown. Custom roles count that can write everything or hand out
rights. What the identity gets through a group is not found.
Source: Microsoft Learn, "Managed identity best practice recommendations".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT
from detectors.authorization.principals import (
    KIND,
    PRINCIPAL,
    ROLE,
    ROLE_DEFINITION,
    holder,
    is_a,
    privileged,
)
from shared.model import Detector, Evidence, Resource, Severity

SORT = "/properties/servicePrincipalType"


def check(assignment: Resource) -> Iterator[Evidence]:
    if seen(assignment).text(KIND) not in {"", "serviceprincipal"} or not privileged(assignment):
        return
    principal = holder(assignment)
    if principal is None or not is_a("servicePrincipal", principal):
        return
    if principal.text(SORT) == "managedidentity":
        yield Evidence(ROLE, assignment.get(ROLE), "a role for what the workload does")
        sort = principal.get(SORT)
        yield Evidence(SORT, sort, "an identity that people sign in as", resource=principal.id)


DETECTOR = Detector(
    id="iam-managed-identity-admin",
    title="Function app (any compute) identity holds Owner, Contributor, UAA or RBAC Administrator",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(PRINCIPAL, ROLE_DEFINITION),
)
