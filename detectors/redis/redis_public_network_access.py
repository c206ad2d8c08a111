"""Redis cache's public endpoint is on.

Why it matters: without a firewall rule every address is let in, and an access key is all that an
outsider needs; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`), with every way in. A cache
inside a virtual network has no public endpoint. Of a rule 0.0.0.0-0.0.0.0 Microsoft says nothing
for Redis; it is graded as for databases, where it lets in all of Azure.
Source: Microsoft Learn, "What is Azure Cache for Redis with Azure Private Link?", and "Configure
Azure Cache for Redis", section Firewall.
"""

from detectors.exposure import public_endpoint
from detectors.redis import CACHE, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="redis-public-network-access",
    title="Redis cache's public endpoint is on",
    resource_type=CACHE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
