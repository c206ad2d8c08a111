"""Storage accounts."""

from detectors.exposure import Store, by_network_acls
from shared.model import ResourceType

ACCOUNT = ResourceType("Microsoft.Storage/storageAccounts", api_version="2024-01-01")
CONTAINER = ResourceType(
    "Microsoft.Storage/storageAccounts/blobServices/containers", api_version="2024-01-01"
)
STORE = Store(type=ACCOUNT, ways=by_network_acls(), perimeters="2024-01-01")
