"""Cosmos DB lets Azure services bypass the firewall.

Why it matters: Synapse Link and whatever else counts as a trusted Azure service passes the
account's firewall.
Limits: resource ids that are named for the bypass are not judged one by one, and count for
nothing without it. Absent means None.
Source: Microsoft Learn, REST reference of Azure Cosmos DB, `networkAclBypass`.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.cosmos import ACCOUNT
from shared.model import Detector, Evidence, Resource, Severity

BYPASS = "/properties/networkAclBypass"


def check(account: Resource) -> Iterator[Evidence]:
    if seen(account).text(BYPASS) not in ("", "none"):
        yield Evidence(BYPASS, account.get(BYPASS), expected="None")


DETECTOR = Detector(
    id="cosmos-network-acl-bypass",
    title="Cosmos DB lets Azure services bypass the firewall",
    resource_type=ACCOUNT,
    severity=Severity.LOW,
    family="datastore-exposure",
    check=check,
)
