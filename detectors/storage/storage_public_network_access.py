"""Storage account's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong edit tomorrow, reaches the data
over the internet; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. An account
that a security perimeter secures is left to that perimeter's rules.
Source: Microsoft Learn, "Azure Storage firewall and virtual network security".
"""

from detectors.exposure import public_endpoint
from detectors.storage import ACCOUNT, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="storage-public-network-access",
    title="Storage account's public endpoint is on",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
