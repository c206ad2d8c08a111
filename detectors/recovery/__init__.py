"""Recovery Services vaults."""

from detectors.exposure import Store
from shared.model import ResourceType

VAULT = ResourceType("Microsoft.RecoveryServices/vaults", api_version="2024-04-01")
STORE = Store(type=VAULT)
