"""Microsoft.Network: etags everywhere, PATCH is tags only, updates are full PUTs."""

from dataclasses import replace
from typing import Any

from simulator import network
from simulator.types import Busy, Embedded, Long, ResourceType

_BUSY = Busy(
    429,
    "AnotherOperationInProgress",
    "Another operation on this or dependent resource is in progress. To retrieve status of the "
    "operation use uri: {uri}.",
    retry_after=10,
)
_CREATE = Long(status=201, seconds=5, retry_after=10)
_UPDATE = Long(status=200, seconds=5, retry_after=10)
_DELETE = Long(style="both", status=202, seconds=5, retry_after=10, body="none")
_OWN = ("properties.provisioningState", "properties.resourceGuid")


def _row(name: str, **changes: Any) -> ResourceType:
    usual = ResourceType(
        f"Microsoft.Network/{name}",
        etag="weak",
        patch="tags",
        read_only=_OWN,
        computed={"properties.resourceGuid": "{guid}"},
        create=_CREATE,
        update=_UPDATE,
        delete=_DELETE,
        busy=_BUSY,
    )
    return replace(usual, **changes)


def _child(name: str, **changes: Any) -> ResourceType:
    """Children have no PATCH of their own."""
    return _row(name, patch=None, computed={}, located=False, **changes)


ROWS = (
    _row(
        "networkSecurityGroups",
        embedded=(
            Embedded("securityRules", "Microsoft.Network/networkSecurityGroups/securityRules"),
            Embedded(
                "defaultSecurityRules",
                "Microsoft.Network/networkSecurityGroups/defaultSecurityRules",
                addressable=False,
            ),
        ),
        read_only=(
            *_OWN,
            "properties.defaultSecurityRules",
            "properties.networkInterfaces",
            "properties.subnets",
        ),
        defaults={"properties": {"securityRules": []}},
        rules=(network.add_default_rules, network.check_group),
        removal=network.check_group_unused,
    ),
    _child("networkSecurityGroups/securityRules", rules=(network.check_single_rule,)),
    _row(
        "networkInterfaces",
        embedded=(
            Embedded(
                "ipConfigurations",
                "Microsoft.Network/networkInterfaces/ipConfigurations",
                addressable=False,
            ),
        ),
        read_only=(
            *_OWN,
            "properties.macAddress",
            "properties.virtualMachine",
            "properties.privateEndpoint",
            "properties.hostedWorkloads",
            "properties.vnetEncryptionSupported",
        ),
        defaults={
            "properties": {
                "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
                "enableAcceleratedNetworking": False,
                "enableIPForwarding": False,
                "hostedWorkloads": [],
            }
        },
        rules=(network.check_interface, network.assign_private_addresses),
        removal=network.check_interface_unused,
    ),
    _row(
        "publicIPAddresses",
        read_only=(*_OWN, "properties.ipAddress", "properties.ipConfiguration"),
        defaults={
            "properties": {
                "publicIPAddressVersion": "IPv4",
                "publicIPAllocationMethod": "Dynamic",
                "idleTimeoutInMinutes": 4,
                "ipTags": [],
            },
            "sku": {"name": "Basic", "tier": "Regional"},
        },
        rules=(network.assign_public_address,),
        removal=network.check_public_address_unused,
    ),
    _row(
        "virtualNetworks",
        embedded=(Embedded("subnets", "Microsoft.Network/virtualNetworks/subnets"),),
        defaults={
            "properties": {
                "subnets": [],
                "virtualNetworkPeerings": [],
                "enableDdosProtection": False,
            }
        },
        rules=(network.check_subnets_kept,),
    ),
    _child(
        "virtualNetworks/subnets",
        read_only=("properties.provisioningState", "properties.ipConfigurations"),
        defaults={
            "properties": {
                "delegations": [],
                "privateEndpointNetworkPolicies": "Disabled",
                "privateLinkServiceNetworkPolicies": "Enabled",
            }
        },
        removal=network.check_subnet_unused,
    ),
    _child("virtualNetworks/virtualNetworkPeerings"),
    _row(
        "loadBalancers",
        embedded=(
            Embedded(
                "frontendIPConfigurations",
                "Microsoft.Network/loadBalancers/frontendIPConfigurations",
                addressable=False,
            ),
        ),
    ),
    _row("applicationGateways"),
    _row("azureFirewalls"),
    _row("bastionHosts"),
    _row("natGateways"),
    _row("virtualNetworkGateways"),
    _row("applicationSecurityGroups"),
    _row("privateEndpoints"),
    _row("firewallPolicies"),
    _row("ApplicationGatewayWebApplicationFirewallPolicies", create=None, update=None),
    _row("networkWatchers"),
    _child("networkWatchers/flowLogs"),
    _row(
        "routeTables",
        embedded=(Embedded("routes", "Microsoft.Network/routeTables/routes"),),
        defaults={"properties": {"routes": []}},
    ),
    _child("routeTables/routes"),
)
