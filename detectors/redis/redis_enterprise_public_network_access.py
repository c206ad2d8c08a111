"""Azure Managed Redis (Redis Enterprise) cluster's public endpoint is on.

Why it matters: it has no firewall: every address reaches it, and an access key is all that an
outsider needs; with the endpoint off only private endpoints remain.
Limits: a cluster made before the switch existed shows none. Then an approved private endpoint shuts
the public one, and without any it is public.
Source: Microsoft Learn, "Azure Managed Redis with Azure Private Link", section PublicNetworkAccess
property.
"""

from detectors.exposure import public_endpoint
from detectors.redis import CLUSTER, CLUSTER_STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="redis-enterprise-public-network-access",
    title="Managed Redis cluster's public endpoint is on",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(CLUSTER_STORE),
    lookups=CLUSTER_STORE.lookups,
)
