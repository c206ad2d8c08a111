"""Event Hubs firewall admits all networks.

Why it matters: a leaked connection string reads and sends events from anywhere.
Limits: judged on the namespace, for its switch decides whether the rule set counts; the evidence
names the rule set. One that denies by default but holds no rule lets everybody in, and so does one
whose rules hold most of the internet.
Source: Microsoft Learn, "Allow access to Azure Event Hubs namespaces from specific IP addresses".
"""

from collections.abc import Iterator

from detectors import behind_public_access
from detectors.eventhub import NAMESPACE, STORE
from shared.model import Detector, Evidence, Exposure, Resource, Severity


def check(namespace: Resource) -> Iterator[Evidence]:
    return behind_public_access(namespace, _opened)


def _opened(namespace: Resource) -> Iterator[Evidence]:
    for path in STORE.ways(namespace):
        if path.exposure is Exposure.OPEN_INTERNET:
            yield path.evidence


DETECTOR = Detector(
    id="eventhub-network-default-allow",
    title="Event Hubs firewall admits all networks",
    resource_type=NAMESPACE,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
    lookups=STORE.lookups,
)
