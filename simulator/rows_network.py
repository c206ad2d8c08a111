"""Microsoft.Network: etags everywhere, PATCH is tags only, updates are full PUTs."""

from dataclasses import replace
from typing import Any

from simulator import balancing, network, references
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
_SUBNET = {
    "properties": {
        "delegations": [],
        "privateEndpointNetworkPolicies": "Disabled",
        "privateLinkServiceNetworkPolicies": "Enabled",
    }
}
_CONFIGURATION = {
    "properties": {
        "privateIPAllocationMethod": "Dynamic",
        "privateIPAddressVersion": "IPv4",
    }
}
_RULES = ("loadBalancingRules", "outboundRules")


def _part(owner: str, path: str, used_by: tuple[str, ...] = (), **defaults: Any) -> Embedded:
    """Something inside a document that has no address of its own here."""
    filled = {"properties": defaults} if defaults else {}
    return Embedded(
        path,
        f"Microsoft.Network/{owner}/{path}",
        addressable=False,
        defaults=filled,
        used_by=used_by,
    )


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
    rules = (*changes.pop("rules", ()), references.shorten)
    return replace(usual, rules=rules, **changes)


def child(name: str, **changes: Any) -> ResourceType:
    """Children have no PATCH of their own."""
    return _row(name, patch=None, computed={}, located=False, **changes)


_GATEWAY = (
    _part("applicationGateways", "gatewayIPConfigurations"),
    _part("applicationGateways", "sslCertificates"),
    _part("applicationGateways", "authenticationCertificates"),
    _part("applicationGateways", "trustedRootCertificates"),
    _part("applicationGateways", "frontendIPConfigurations", ("httpListeners",)),
    _part("applicationGateways", "frontendPorts", ("httpListeners",)),
    _part("applicationGateways", "backendAddressPools", ("requestRoutingRules",)),
    _part(
        "applicationGateways",
        "backendHttpSettingsCollection",
        ("requestRoutingRules",),
        cookieBasedAffinity="Disabled",
        pickHostNameFromBackendAddress=False,
        protocol="Http",
        requestTimeout=30,
    ),
    _part(
        "applicationGateways",
        "httpListeners",
        ("requestRoutingRules",),
        hostNames=[],
        requireServerNameIndication=False,
    ),
    _part("applicationGateways", "urlPathMaps"),
    _part("applicationGateways", "requestRoutingRules", ruleType="Basic"),
    _part("applicationGateways", "probes"),
    _part("applicationGateways", "rewriteRuleSets"),
    _part("applicationGateways", "redirectConfigurations", ("requestRoutingRules",)),
)

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
    child("networkSecurityGroups/securityRules", rules=(network.check_single_rule,)),
    _row(
        "networkInterfaces",
        embedded=(
            Embedded(
                "ipConfigurations",
                "Microsoft.Network/networkInterfaces/ipConfigurations",
                addressable=False,
                defaults=_CONFIGURATION,
            ),
        ),
        read_only=(
            *_OWN,
            "properties.macAddress",
            "properties.virtualMachine",
            "properties.privateEndpoint",
            "properties.hostedWorkloads",
            "properties.primary",
            "properties.dnsSettings.internalDomainNameSuffix",
            "properties.vnetEncryptionSupported",
        ),
        defaults={
            "properties": {
                "dnsSettings": {"dnsServers": [], "appliedDnsServers": []},
                "enableAcceleratedNetworking": False,
                "enableIPForwarding": False,
                "hostedWorkloads": [],
                "tapConfigurations": [],
                "nicType": "Standard",
            }
        },
        versions={
            "properties.hostedWorkloads": ("2018-06-01", ""),
            "properties.tapConfigurations": ("2018-08-01", ""),
            "properties.nicType": ("2020-03-01", ""),
        },
        rules=(network.check_interface, network.assign_private_addresses, network.name_suffix),
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
        rules=(network.protect_standard,),
        landed=(network.assign_public_address,),
        removal=network.check_public_address_unused,
    ),
    _row(
        "virtualNetworks",
        embedded=(
            Embedded("subnets", "Microsoft.Network/virtualNetworks/subnets", defaults=_SUBNET),
        ),
        defaults={
            "properties": {
                "subnets": [],
                "virtualNetworkPeerings": [],
                "enableDdosProtection": False,
                "enableVmProtection": False,
                "privateEndpointVNetPolicies": "Disabled",
            }
        },
        versions={
            "properties.enableVmProtection": ("2017-09-01", "2019-12-01"),
            "properties.privateEndpointVNetPolicies": ("2024-03-01", ""),
        },
        rules=(network.check_subnets_kept, network.offer_endpoints),
    ),
    child(
        "virtualNetworks/subnets",
        read_only=("properties.provisioningState", "properties.ipConfigurations"),
        defaults=_SUBNET,
        rules=(network.offer_endpoints,),
        removal=network.check_subnet_unused,
    ),
    child("virtualNetworks/virtualNetworkPeerings"),
    _row(
        "loadBalancers",
        embedded=(
            _part(
                "loadBalancers",
                "frontendIPConfigurations",
                ("inboundNatRules", *_RULES),
                privateIPAllocationMethod="Dynamic",
            ),
            Embedded(
                "backendAddressPools",
                "Microsoft.Network/loadBalancers/backendAddressPools",
                used_by=("inboundNatRules", *_RULES),
            ),
            _part(
                "loadBalancers",
                "loadBalancingRules",
                allowBackendPortConflict=False,
                disableOutboundSnat=False,
                enableDestinationServiceEndpoint=False,
                enableFloatingIP=False,
                enableTcpReset=False,
                idleTimeoutInMinutes=4,
                loadDistribution="Default",
            ),
            _part(
                "loadBalancers",
                "probes",
                ("loadBalancingRules",),
                intervalInSeconds=15,
                numberOfProbes=2,
            ),
            Embedded("inboundNatRules", "Microsoft.Network/loadBalancers/inboundNatRules"),
            _part("loadBalancers", "outboundRules"),
        ),
        defaults={
            "sku": {"name": "Basic", "tier": "Regional"},
            "properties": {
                name: []
                for name in (
                    "frontendIPConfigurations",
                    "backendAddressPools",
                    "loadBalancingRules",
                    "probes",
                    "inboundNatRules",
                    "outboundRules",
                    "inboundNatPools",
                )
            },
        },
        versions={"sku.tier": ("2020-08-01", "")},
        rules=(balancing.keep_members, network.balance, references.show_uses),
    ),
    child("loadBalancers/inboundNatRules", removal=balancing.check_rule_unjoined),
    child("loadBalancers/backendAddressPools"),
    _row(
        "applicationGateways",
        read_only=(*_OWN, "properties.operationalState"),
        computed={"properties.resourceGuid": "{guid}", "properties.operationalState": "Running"},
        embedded=_GATEWAY,
        defaults={"properties": {part.path: [] for part in _GATEWAY}},
        rules=(balancing.keep_members, network.certify, references.show_uses),
    ),
    _row("azureFirewalls"),
    _row("bastionHosts"),
    _row("natGateways"),
    _row("virtualNetworkGateways"),
    _row("applicationSecurityGroups"),
    _row("privateEndpoints"),
    _row("firewallPolicies"),
    _row("ApplicationGatewayWebApplicationFirewallPolicies", create=None, update=None),
    _row(
        "networkWatchers",
        computed={},
        defaults={"properties": {"runningOperationIds": []}},
    ),
    child("networkWatchers/flowLogs"),
    _row(
        "routeTables",
        embedded=(Embedded("routes", "Microsoft.Network/routeTables/routes"),),
        defaults={"properties": {"routes": []}},
    ),
    child("routeTables/routes"),
)
