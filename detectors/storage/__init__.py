"""Storage accounts."""

from shared.model import ResourceType

ACCOUNT = ResourceType("Microsoft.Storage/storageAccounts", api_version="2024-01-01")
CONTAINER = ResourceType(
    "Microsoft.Storage/storageAccounts/blobServices/containers", api_version="2024-01-01"
)
