"""Managed disk may be exported over the internet.

Why it matters: one call by anybody who may export it makes a URL by which the whole disk can be
downloaded from anywhere.
Limits: says who could, not that somebody does: a live URL is disk-active-sas. AllowPrivate (with a
disk access resource) is taken for closed.
Source: Microsoft Learn, "Restrict import/export access for managed disks using Azure Private
Link", and the values of `networkAccessPolicy`.
"""

from collections.abc import Iterator

from detectors.compute import DISK, exportable
from shared.model import Detector, Evidence, Resource, Severity


def check(disk: Resource) -> Iterator[Evidence]:
    yield from exportable(disk)


DETECTOR = Detector(
    id="disk-public-export",
    title="Managed disk may be exported over the internet",
    resource_type=DISK,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
