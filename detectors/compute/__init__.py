"""Disks and snapshots: who may export them."""

from collections.abc import Iterator

from detectors import seen
from shared.model import Evidence, Resource, ResourceType, Undecided

DISK = ResourceType("Microsoft.Compute/disks", api_version="2024-03-02")
SNAPSHOT = ResourceType("Microsoft.Compute/snapshots", api_version="2024-03-02")
STATE = "/properties/diskState"
POLICY = "/properties/networkAccessPolicy"
PUBLIC = "/properties/publicNetworkAccess"


def exported(disk: Resource) -> Iterator[Evidence]:
    """That a SAS leads to it now.

    Raises:
        Undecided: the document does not say in which state it is.
    """
    state = seen(disk).text(STATE)
    if not state:
        raise Undecided("the api-version that read this document does not carry diskState")
    if state in {"activesas", "activesasfrozen"}:
        yield Evidence(STATE, disk.get(STATE), expected="no state with an active SAS")


def exportable(disk: Resource) -> Iterator[Evidence]:
    """That a SAS may be made for it which anybody on the internet can use.

    Absent means AllowAll, and Enabled (REST reference of `networkAccessPolicy` and
    `publicNetworkAccess`).

    Raises:
        Undecided: either is of another shape.
    """
    if seen(disk).text(POLICY) in ("", "allowall") and disk.text(PUBLIC) != "disabled":
        yield Evidence(POLICY, disk.get(POLICY), "DenyAll, or AllowPrivate")
        yield Evidence(PUBLIC, disk.get(PUBLIC), "Disabled")
