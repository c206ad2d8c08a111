"""Managed HSM's public endpoint is on.

Why it matters: the keys that everything else is encrypted with can be used from the internet by
whoever holds a token; with the endpoint off only private endpoints remain.
Limits: how far it is open is graded in the evidence (`exposure ...`). The firewall of a managed
HSM takes address ranges (in preview) and no subnets; without rules it is all or nothing.
Source: Microsoft Learn, "Network security for Azure Managed HSM".
"""

from detectors.exposure import public_endpoint
from detectors.keyvault import HSM, HSM_STORE
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="keyvault-hsm-public-network-access",
    title="Managed HSM public endpoint is enabled",
    resource_type=HSM,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=public_endpoint(HSM_STORE),
    lookups=HSM_STORE.lookups,
)
