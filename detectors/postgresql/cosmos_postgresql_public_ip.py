"""Cosmos DB for PostgreSQL cluster has public addresses.

Why it matters: what the firewall lets in today, or by one wrong rule tomorrow, reaches the login
over the internet; the worker nodes' own addresses are easily forgotten beside the coordinator's.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A switch
that is absent counts as on.
Source: Microsoft Learn, "Public access in Azure Cosmos DB for PostgreSQL", and REST reference,
`coordinatorEnablePublicIpAccess` and `nodeEnablePublicIpAccess`.
"""

from detectors.exposure import public_endpoint
from detectors.postgresql import CLUSTER, CLUSTER_STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="cosmos-postgresql-public-ip",
    title="Cosmos DB for PostgreSQL cluster has public addresses",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(CLUSTER_STORE),
    lookups=CLUSTER_STORE.lookups,
)
