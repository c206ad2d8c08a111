"""Event Hubs namespace's public endpoint is on.

Why it matters: whoever holds one of its keys reads and sends events from anywhere that the rule
set lets in; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in: a rule set
that denies by default but holds no rule lets everybody in. A namespace that a security perimeter
secures is left to that perimeter's rules.
Source: Microsoft Learn, "Network security for Azure Event Hubs".
"""

from detectors.eventhub import NAMESPACE, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="eventhub-public-network-access",
    title="Event Hubs namespace public endpoint is enabled",
    resource_type=NAMESPACE,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
