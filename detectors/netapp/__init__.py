"""Azure NetApp Files."""

from shared.model import ResourceType

VOLUME = ResourceType(
    "Microsoft.NetApp/netAppAccounts/capacityPools/volumes", api_version="2025-06-01"
)
