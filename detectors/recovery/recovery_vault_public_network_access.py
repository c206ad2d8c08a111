"""Recovery Services vault's public endpoint is on.

Why it matters: backups can be read and written over the internet with a vault's registration
credentials; with the endpoint off only private endpoints remain.
Limits: backup of Azure's own machines goes over Azure's network, whatever this switch says.
Source: Microsoft Learn, "Create and use private endpoints for Azure Backup", section Deny public
network access.
"""

from detectors.exposure import public_endpoint
from detectors.recovery import STORE, VAULT
from shared.model import Detector, Severity

DETECTOR = Detector(
    id="recovery-vault-public-network-access",
    title="Recovery Services vault public endpoint is enabled",
    resource_type=VAULT,
    severity=Severity.LOW,
    family="datastore-exposure",
    check=public_endpoint(STORE),
    lookups=STORE.lookups,
)
