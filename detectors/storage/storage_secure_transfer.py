"""Storage account accepts plain HTTP.

Why it matters: SAS tokens and data cross the network in clear text, and SMB without encryption
is served.
Limits: an account of the kind FileStorage may need it off for its NFS shares, which cannot be
seen in the account; it is left undecided. NFSv3 accounts are not judged.
Source: Microsoft Learn, "Require secure transfer to ensure secure connections".
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from detectors import seen
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity, Undecided

HTTPS_ONLY = "/properties/supportsHttpsTrafficOnly"
CREATED = "/properties/creationTime"
ON_BY_DEFAULT = datetime(2019, 4, 1, tzinfo=UTC)
"""From the API version of this day on, an account that does not say otherwise has it on."""


def check(account: Resource) -> Iterator[Evidence]:
    required = seen(account).flag(HTTPS_ONLY)
    if account.flag("/properties/isNfsV3Enabled") or required:
        return
    if required is None:
        _absent_means_on(account)
    elif account.text("/kind") == "filestorage":
        raise Undecided("NFS shares need it off, and cannot be seen in the account")
    else:
        yield Evidence(HTTPS_ONLY, account.get(HTTPS_ONLY), expected=True)


def _absent_means_on(account: Resource) -> None:
    created = account.get(CREATED)
    if created is None or _moment(str(created)) < ON_BY_DEFAULT:
        raise Undecided("the api-version that read this document does not carry it")


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


DETECTOR = Detector(
    id="storage-secure-transfer",
    title="Storage account accepts plain HTTP",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="transport",
    check=check,
)
