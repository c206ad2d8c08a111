"""Storage account's firewall lets all networks in.

Why it matters: whoever holds a key, a SAS token or a role reaches the data from anywhere, so a
leaked key is all that an outsider needs.
Limits: judges the account's own firewall; `ipv6Rules` are not looked at, nor which of the
listed ranges are in use.
Source: Microsoft Learn, "Azure Storage firewall rules".
"""

from collections.abc import Iterator

from detectors import behind_public_access, open_network_acls
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity


def check(account: Resource) -> Iterator[Evidence]:
    return behind_public_access(account, open_network_acls)


DETECTOR = Detector(
    id="storage-network-default-allow",
    title="Storage account's firewall lets all networks in",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
