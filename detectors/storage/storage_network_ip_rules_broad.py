"""Storage account's firewall holds very wide address rules.

Why it matters: a firewall that denies by default protects little where its list holds a provider's
whole range, and two halves of the internet are all of it.
Limits: all rules are judged together, against 65,536 addresses, while the default is to deny;
`ipv6Rules` are not looked at.
Source: Microsoft Learn, "Azure Storage firewall rules".
"""

from collections.abc import Iterator

from detectors import behind_public_access, wide_network_acls
from detectors.storage import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity


def check(account: Resource) -> Iterator[Evidence]:
    return behind_public_access(account, wide_network_acls)


DETECTOR = Detector(
    id="storage-network-ip-rules-broad",
    title="Storage account's firewall holds very wide address rules",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
