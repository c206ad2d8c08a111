"""Managed disk has a live export SAS.

Why it matters: whoever has the URL downloads the whole disk, from anywhere, without an identity.
Limits: an export that somebody is making on purpose looks the same.
Source: Microsoft Learn, "Disks - Grant Access", and the values of `diskState`.
"""

from collections.abc import Iterator

from detectors.compute import DISK, exported
from shared.model import Detector, Evidence, Resource, Severity


def check(disk: Resource) -> Iterator[Evidence]:
    yield from exported(disk)


DETECTOR = Detector(
    id="disk-active-sas",
    title="Managed disk has a live export SAS",
    resource_type=DISK,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    actions=("Microsoft.Compute/disks/beginGetAccess/action",),
)
