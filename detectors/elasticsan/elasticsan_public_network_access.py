"""Elastic SAN's public endpoint is on.

Why it matters: whoever may edit a volume group can let a subnet in by a service endpoint, and iSCSI
asks for no identity; with the endpoint off only private endpoints remain.
Limits: the firewall of a volume group knows subnets alone, so its exposure is never worse than
listed.
Source: Microsoft Learn, "Learn about networking configurations for Elastic SAN", sections Public
network access and Virtual network rules.
"""

from detectors.elasticsan import SAN, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="elasticsan-public-network-access",
    title="Elastic SAN's public endpoint is on",
    resource_type=SAN,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
