"""Key vaults and managed HSMs."""

from detectors.exposure import Store, by_network_acls
from shared.model import ResourceType

VAULT = ResourceType("Microsoft.KeyVault/vaults", api_version="2023-07-01")
HSM = ResourceType("Microsoft.KeyVault/managedHSMs", api_version="2023-07-01")

STORE = Store(type=VAULT, ways=by_network_acls(), perimeters="2024-04-01-preview")
HSM_STORE = Store(type=HSM, ways=by_network_acls())
