"""Managed snapshot may be exported over the internet.

Why it matters: one call by anybody who may export it makes a URL by which the whole disk can be
downloaded from anywhere.
Limits: says who could, not that somebody does: a live URL is snapshot-active-sas. AllowPrivate
(with a disk access resource) is taken for closed.
Source: Microsoft Learn, "Restrict import/export access for managed disks using Azure Private
Link", and the values of `networkAccessPolicy`.
"""

from collections.abc import Iterator

from detectors.compute import SNAPSHOT, exportable
from shared.model import Detector, Evidence, Resource, Severity


def check(snapshot: Resource) -> Iterator[Evidence]:
    yield from exportable(snapshot)


DETECTOR = Detector(
    id="snapshot-public-export",
    title="Managed snapshot may be exported over the internet",
    resource_type=SNAPSHOT,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
