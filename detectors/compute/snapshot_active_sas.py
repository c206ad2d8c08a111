"""Managed snapshot has a live export SAS.

Why it matters: whoever has the URL downloads the whole disk, from anywhere, without an identity.
Limits: an export that somebody is making on purpose looks the same.
Source: Microsoft Learn, "Snapshots - Grant Access", and the values of `diskState`.
"""

from collections.abc import Iterator

from detectors.compute import SNAPSHOT, exported
from shared.model import Detector, Evidence, Resource, Severity


def check(snapshot: Resource) -> Iterator[Evidence]:
    yield from exported(snapshot)


DETECTOR = Detector(
    id="snapshot-active-sas",
    title="Managed snapshot has a live export SAS",
    resource_type=SNAPSHOT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    actions=("Microsoft.Compute/snapshots/beginGetAccess/action",),
)
