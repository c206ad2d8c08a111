"""Purview account's public endpoint is on.

Why it matters: it has no firewall: a stolen token reads the catalogue of all data, and where it
lies, from anywhere; with the endpoint off only private endpoints remain.
Limits: absent, and NotSpecified, mean on. "Disabled for ingestion only" concerns the managed
storage (`managedResourcesPublicNetworkAccess`); the account itself is on then.
Source: Microsoft Learn, "Configure firewall settings for your Microsoft Purview account".
"""

from detectors.exposure import public_endpoint
from detectors.purview import ACCOUNT, STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="purview-public-network-access",
    title="Purview account's public endpoint is on",
    resource_type=ACCOUNT,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
