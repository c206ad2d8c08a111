"""AI Search service's public endpoint is on.

Why it matters: without address rules everybody reaches it, and a key is all that a caller needs to
read or change the indexes; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A service
that a security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Configure network access and firewall rules for Azure AI Search", and
"Create a Private Endpoint for a secure connection to Azure AI Search".
"""

from detectors.exposure import public_endpoint
from detectors.search import SERVICE, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="search-public-network-access",
    title="AI Search service's public endpoint is on",
    resource_type=SERVICE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
