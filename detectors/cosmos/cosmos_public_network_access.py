"""Cosmos DB account's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong edit tomorrow, reaches the account
over the internet, and a key is all that a caller needs; with the endpoint off only private
endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in; rules for
subnets count while their filter is on. An account that a security perimeter secures is left to that
perimeter's rules.
Source: Microsoft Learn, "Configure Azure Private Link for an Azure Cosmos DB account", section
Blocking public network access during account creation, and "Configure IP firewall in Azure Cosmos
DB".
"""

from detectors.cosmos import ACCOUNT, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="cosmos-public-network-access",
    title="Cosmos DB account's public endpoint is on",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
