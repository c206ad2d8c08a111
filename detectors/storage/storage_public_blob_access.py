"""Storage account lets containers be opened to anonymous readers.

Why it matters: whoever may set a container's access level can publish its blobs to the world,
and with the account's consent nothing else stands between them and the internet.
Limits: says whether the account consents, not whether a container is public now.
Source: Microsoft Learn, "Remediate anonymous read access to blob data".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity

ALLOWED = "/properties/allowBlobPublicAccess"


def check(account: Resource) -> Iterator[Evidence]:
    # Absent means allowed: accounts older than the property never got a value.
    if seen(account).flag(ALLOWED) is not False:
        yield Evidence(ALLOWED, account.get(ALLOWED), expected=False)


DETECTOR = Detector(
    id="storage-public-blob-access",
    title="Storage account lets containers be opened to anonymous readers",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
