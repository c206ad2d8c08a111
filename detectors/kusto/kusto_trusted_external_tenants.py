"""Data Explorer trusts every tenant.

Why it matters: one role given by mistake to a stranger's account, and it queries the cluster
from a tenant that nobody here governs.
Limits: an account of another tenant still needs a role on the cluster. A document that does not
carry the list does not tell: what Azure takes an absent list for is not documented.
Source: Microsoft Learn, "Allow cross-tenant queries and commands".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.kusto import CLUSTER
from shared.model import Detector, Evidence, Resource, Severity, Undecided

TENANTS = "/properties/trustedExternalTenants"


def check(cluster: Resource) -> Iterator[Evidence]:
    if seen(cluster).get(TENANTS) is None:
        raise Undecided("this document does not carry trustedExternalTenants")
    for i, tenant in enumerate(cluster.items(TENANTS)):
        if str(tenant.get("value")).strip() == "*":
            yield Evidence(f"{TENANTS}/{i}/value", tenant.get("value"), "tenants by their ids")


DETECTOR = Detector(
    id="kusto-trusted-external-tenants",
    title="Data Explorer trusts every tenant",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
