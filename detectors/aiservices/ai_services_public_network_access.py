"""Public endpoint of an Azure AI services account is on.

Why it matters: whoever holds a key or a token uses the models, and the files and data that were
given to them, from anywhere; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. An account
that a security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Configure Azure AI services virtual networks".
"""

from detectors.aiservices import ACCOUNT, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="ai-services-public-network-access",
    title="Azure AI / OpenAI account public endpoint is enabled",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
