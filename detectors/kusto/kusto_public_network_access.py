"""Data Explorer cluster's public endpoint is on.

Why it matters: without a list of addresses everybody reaches its query and ingestion endpoints,
and what the list lets in is one wrong edit away; with the endpoint off only private endpoints
remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. Of a
cluster injected into a virtual network the subnet's security group decides, which is not looked at:
its exposure is unknown.
Source: Microsoft Learn, "Restrict public access to your Azure Data Explorer cluster", and REST
reference, `publicNetworkAccess`.
"""

from detectors.exposure import public_endpoint
from detectors.kusto import CLUSTER, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="kusto-public-network-access",
    title="Data Explorer cluster's public endpoint is on",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
