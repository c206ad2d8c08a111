"""Data stores of every type, seen as one."""

from shared.model import ResourceType

ASSOCIATION = ResourceType(
    "Microsoft.Network/networkSecurityPerimeters/resourceAssociations", api_version="2025-05-01"
)
