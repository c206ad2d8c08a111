"""Synapse workspace's public endpoints are on.

Why it matters: the portal makes a rule "allowAll" by default, and the workspace's SQL, serverless
SQL and development endpoints then answer everybody; with them off only private endpoints remain.
Limits: how far they are open is graded in the evidence (`exposure ...`), with every way in. A
managed virtual network concerns what the workspace itself reaches, not who reaches it.
Source: Microsoft Learn, "Azure Synapse Analytics connectivity settings", section Public network
access.
"""

from detectors.exposure import public_endpoint
from detectors.synapse import STORE, WORKSPACE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="synapse-public-network-access",
    title="Synapse workspace's public endpoints are on",
    resource_type=WORKSPACE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
