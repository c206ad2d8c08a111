"""Data Explorer cluster has no list of addresses, or a very wide one.

Why it matters: without a list everybody reaches its query and ingestion endpoints, and two halves
of the internet in a list are all of it.
Limits: all ranges are judged together, against 65,536 addresses, while the public endpoint is on. A
cluster injected into a virtual network is unknown: its subnet's security group decides.
Source: Microsoft Learn, "Restrict public access to your Azure Data Explorer cluster", and REST
reference, `allowedIpRangeList`.
"""

from collections.abc import Iterator

from detectors.exposure import exposed
from detectors.kusto import CLUSTER, STORE
from shared.model import Detector, Evidence, Exposure, Resource, Severity


def check(cluster: Resource) -> Iterator[Evidence]:
    if not STORE.secured(cluster):
        paths = exposed(STORE, cluster)
        yield from (path.evidence for path in paths if path.exposure is not Exposure.LISTED)


DETECTOR = Detector(
    id="kusto-allowed-ip-open",
    title="Data Explorer cluster has no list of addresses, or a very wide one",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
