"""The documents that are read here: compliant ones, so that a look at them ends with the read."""

from __future__ import annotations

from typing import Any

GROUP = "/subscriptions/55555555-5555-4555-8555-555555555555/resourceGroups/bench"


def account(number: int) -> dict[str, Any]:
    """A storage account that no control finds fault with."""
    name = f"bench{number:05d}"
    return {
        "id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}",
        "name": name,
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_ZRS", "tier": "Standard"},
        "properties": {
            "provisioningState": "Succeeded",
            "creationTime": "2025-06-01T08:00:00.0000000Z",
            "allowBlobPublicAccess": False,
            "allowSharedKeyAccess": False,
            "allowCrossTenantReplication": False,
            "minimumTlsVersion": "TLS1_2",
            "publicNetworkAccess": "Disabled",
            "supportsHttpsTrafficOnly": True,
            "networkAcls": {
                "bypass": "AzureServices",
                "defaultAction": "Deny",
                "ipRules": [],
                "virtualNetworkRules": [],
            },
        },
    }


def security_group(number: int) -> dict[str, Any]:
    """A network security group that lets one known client in."""
    name = f"bench-nsg-{number:05d}"
    group = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/{name}"
    return {
        "id": group,
        "name": name,
        "type": "Microsoft.Network/networkSecurityGroups",
        "location": "westeurope",
        "properties": {
            "provisioningState": "Succeeded",
            "securityRules": [
                {
                    "id": f"{group}/securityRules/office",
                    "name": "office",
                    "properties": {
                        "provisioningState": "Succeeded",
                        "access": "Allow",
                        "direction": "Inbound",
                        "priority": 200,
                        "protocol": "Tcp",
                        "sourceAddressPrefix": "203.0.113.0/24",
                        "sourcePortRange": "*",
                        "destinationAddressPrefix": "*",
                        "destinationPortRange": "443",
                    },
                }
            ],
        },
    }
