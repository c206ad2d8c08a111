"""The documents that are read here: compliant ones, so that a look at them ends with the read."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from typing import Any

GROUP = "/subscriptions/55555555-5555-4555-8555-555555555555/resourceGroups/bench"
_ANY = 7777777


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


def mixed(number: int) -> dict[str, Any]:
    """One resource of a large estate: four types of usual sizes, in a hundred subscriptions."""
    place = f"/subscriptions/55555555-5555-4555-8555-{number % 100:012d}/resourceGroups/"
    text = _text(number % 4).replace(GROUP, f"{place}team-{number % 700:03d}")
    document: dict[str, Any] = json.loads(text.replace(str(_ANY), f"{number:07d}"))
    return document


@cache
def _text(kind: int) -> str:
    """A document of one kind, with a number in it that is found again."""
    kinds: list[Callable[[int], dict[str, Any]]] = [account, _busy_group, _interface, _disk]
    return json.dumps(kinds[kind](_ANY))


def _busy_group(number: int) -> dict[str, Any]:
    """A group with as many rules as one in use has, and what it is attached to."""
    document = security_group(number)
    rules = document["properties"]["securityRules"]
    first = json.dumps(rules[0])
    for nth in range(1, 6):
        rule = json.loads(first.replace("office", f"service-{nth}"))
        rule["properties"] |= {"priority": 200 + nth, "destinationPortRange": str(8000 + nth)}
        rules.append(rule)
    names = [f"vm{number:06d}-{nth}" for nth in range(4)]
    interfaces = f"{GROUP}/providers/Microsoft.Network/networkInterfaces"
    document["properties"]["networkInterfaces"] = [{"id": f"{interfaces}/{one}"} for one in names]
    return document | {"tags": {"owner": "team", "environment": "production"}}


def _interface(number: int) -> dict[str, Any]:
    name = f"vm{number:06d}-nic"
    nic = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/{name}"
    network = f"{GROUP}/providers/Microsoft.Network/virtualNetworks/hub/subnets/default"
    configuration = {
        "id": f"{nic}/ipConfigurations/ipconfig1",
        "name": "ipconfig1",
        "properties": {
            "provisioningState": "Succeeded",
            "privateIPAddress": f"10.{number % 200}.{number % 250}.4",
            "privateIPAllocationMethod": "Dynamic",
            "subnet": {"id": network},
            "primary": True,
            "privateIPAddressVersion": "IPv4",
        },
    }
    return {
        "id": nic,
        "name": name,
        "type": "Microsoft.Network/networkInterfaces",
        "location": "westeurope",
        "tags": {"owner": "team", "environment": "production"},
        "properties": {
            "provisioningState": "Succeeded",
            "ipConfigurations": [configuration],
            "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
            "macAddress": "00-0D-3A-1B-C7-21",
            "enableAcceleratedNetworking": True,
            "enableIPForwarding": False,
            "nicType": "Standard",
        },
    }


def _disk(number: int) -> dict[str, Any]:
    name = f"vm{number:06d}-os"
    return {
        "id": f"{GROUP}/providers/Microsoft.Compute/disks/{name}",
        "name": name,
        "type": "Microsoft.Compute/disks",
        "location": "westeurope",
        "managedBy": f"{GROUP}/providers/Microsoft.Compute/virtualMachines/vm{number:06d}",
        "sku": {"name": "Premium_LRS", "tier": "Premium"},
        "zones": ["1"],
        "tags": {"owner": "team", "environment": "production"},
        "properties": {
            "osType": "Linux",
            "hyperVGeneration": "V2",
            "creationData": {"createOption": "FromImage"},
            "diskSizeGB": 128,
            "diskIOPSReadWrite": 500,
            "diskMBpsReadWrite": 100,
            "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
            "networkAccessPolicy": "DenyAll",
            "publicNetworkAccess": "Disabled",
            "timeCreated": "2025-06-01T08:00:00.0000000+00:00",
            "provisioningState": "Succeeded",
            "diskState": "Attached",
            "diskSizeBytes": 137438953472,
            "uniqueId": f"{number:032d}",
            "tier": "P10",
        },
    }
