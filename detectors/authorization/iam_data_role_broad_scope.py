"""Role over data is granted on a subscription or more.

Why it matters: it reads and changes the content of every storage account or key vault there, those
that are yet to come among them, and the activity log shows nothing of it.
Limits: of Azure's own roles Storage Blob Data Owner and Contributor, Key Vault Administrator and
Secrets Officer; of custom roles those whose data actions write blobs or set secrets. A vault with
access policies does not heed them. An elevation by Privileged Identity Management (PIM) is no
finding.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.3.7; Microsoft Learn, "Azure built-in
roles for Storage", "Azure built-in roles for Security".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.authorization import ASSIGNMENT, BUILT_IN, role_id
from detectors.authorization.grants import SUBSCRIPTION, by_role, defined_role, standing, width
from detectors.authorization.principals import ROLE_DEFINITION
from detectors.authorization.schedules import SCHEDULES
from shared.model import Detector, Evidence, Resource, Severity

OVER_DATA = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b",  # Storage Blob Data Owner
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe",  # Storage Blob Data Contributor
    "00482a5a-887f-4fb3-b363-3b7fe8e74483",  # Key Vault Administrator
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7",  # Key Vault Secrets Officer
}
ADMINISTERING = (
    "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write",
    "Microsoft.KeyVault/vaults/secrets/setSecret/action",
)


def check(assignment: Resource) -> Iterator[Evidence]:
    if width(seen(assignment)) >= SUBSCRIPTION and _over_data(assignment):
        expected = "a role that only reads data, or the storage accounts and vaults that are meant"
        yield from standing(assignment, by_role(assignment, expected))


def _over_data(assignment: Resource) -> bool:
    role = role_id(assignment)
    if role in OVER_DATA or role in BUILT_IN:
        return role in OVER_DATA
    defined = defined_role(assignment)
    return defined.custom and any(defined.allows(one, data=True) for one in ADMINISTERING)


DETECTOR = Detector(
    id="iam-data-role-broad-scope",
    title="Data-plane admin role granted at subscription scope or wider",
    resource_type=ASSIGNMENT,
    severity=Severity.HIGH,
    family="over-broad-access",
    check=check,
    lookups=(ROLE_DEFINITION, SCHEDULES),
)
