"""Storage account exposes SFTP with local users.

Why it matters: local users come in by password or key that the directory knows nothing of, on
one more port of the public endpoint.
Limits: whether there are local users, and whether the account's firewall lets anybody reach the
port, is not looked at. Absent means off.
Source: Microsoft Learn, "SSH File Transfer Protocol (SFTP) support for Azure Blob Storage".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity

SFTP = "/properties/isSftpEnabled"


def check(account: Resource) -> Iterator[Evidence]:
    if seen(account).flag(SFTP):
        yield Evidence(SFTP, account.get(SFTP), expected=False)


DETECTOR = Detector(
    id="storage-sftp-enabled",
    title="Storage account exposes SFTP with local users",
    resource_type=ACCOUNT,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
