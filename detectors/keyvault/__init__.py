"""Key vaults."""

from shared.model import ResourceType

VAULT = ResourceType("Microsoft.KeyVault/vaults", api_version="2023-07-01")
