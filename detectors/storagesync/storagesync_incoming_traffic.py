"""Azure File Sync accepts public traffic.

Why it matters: the service answers servers from anywhere, where private endpoints would do.
Limits: whether private endpoints are there and in use is not looked at. Absent means
AllowAllTraffic.
Source: Microsoft Learn, "Configuring Azure File Sync network endpoints".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.storagesync import SERVICE
from shared.model import Detector, Evidence, Resource, Severity

POLICY = "/properties/incomingTrafficPolicy"


def check(service: Resource) -> Iterator[Evidence]:
    if seen(service).text(POLICY) in ("", "allowalltraffic"):
        yield Evidence(POLICY, service.get(POLICY), "AllowVirtualNetworksOnly")


DETECTOR = Detector(
    id="storagesync-incoming-traffic",
    title="Azure File Sync accepts public traffic",
    resource_type=SERVICE,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
