"""Data Factory's public endpoint is on.

Why it matters: it has no firewall: self-hosted runtimes and authors reach it over the internet, and
so does a stolen runtime key or token; with the endpoint off only private endpoints remain.
Limits: absent means on. Data that pipelines move goes through runtimes, not through this endpoint.
Source: Microsoft Learn, "Azure Private Link for Azure Data Factory", and REST reference,
`publicNetworkAccess`.
"""

from detectors.datafactory import FACTORY, STORE
from detectors.exposure import public_endpoint
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="datafactory-public-network-access",
    title="Data Factory's public endpoint is on",
    resource_type=FACTORY,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
