"""Cosmos DB for MongoDB cluster's public endpoint is on.

Why it matters: what the firewall lets in today, or by one wrong rule tomorrow, reaches the login
over the internet; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A cluster
without a firewall rule lets nobody in, and is found nevertheless: one rule is enough to open it.
Source: Microsoft Learn, "Public access in Azure Cosmos DB for MongoDB vCore".
"""

from detectors.exposure import public_endpoint
from detectors.mongo import CLUSTER, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="mongo-vcore-public-network-access",
    title="Cosmos DB for MongoDB cluster's public endpoint is on",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
