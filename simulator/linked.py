"""Linked access: what else must be allowed because a document refers to it.

ARM asks for the right to join whatever a written network interface names, for the right to join by
service endpoint where a data store lets a subnet in, for the right to join a security perimeter of
both the profile and the store that an association names, and for that to the keys of a workspace
that a diagnostic setting names.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.address import parse
from simulator.documents import Document

_NETWORK = "Microsoft.Network"
_SUBNET = f"{_NETWORK}/virtualNetworks/subnets/join/action"
_ENDPOINT = f"{_NETWORK}/virtualNetworks/subnets/joinViaServiceEndpoint/action"
_ADDRESS = f"{_NETWORK}/publicIPAddresses/join/action"
_GROUP = f"{_NETWORK}/networkSecurityGroups/join/action"
_RULE = f"{_NETWORK}/applicationSecurityGroups/joinNetworkSecurityRule/action"
_CONFIGURATION = "properties.ipConfigurations[].properties"
_FRONTEND = "properties.frontendIPConfigurations[].properties"
_PREFIX = f"{_NETWORK}/publicIPPrefixes/join/action"
_IDENTITY = "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action"
_CONFIGURED = "ipConfigurations[].properties"
_MODEL = (
    "properties.virtualMachineProfile.networkProfile.networkInterfaceConfigurations[].properties"
)
_IP_GROUP = f"{_NETWORK}/ipGroups/join/action"
_GROUPS = "properties.rules[].sourceIpGroups[]"
_POOL = "properties.backendAddressPools[].properties"

_LINKS: Mapping[str, Mapping[str, str]] = {
    "microsoft.network/networkinterfaces": {
        "properties.networkSecurityGroup.id": _GROUP,
        f"{_CONFIGURATION}.subnet.id": _SUBNET,
        f"{_CONFIGURATION}.publicIPAddress.id": _ADDRESS,
        f"{_CONFIGURATION}.loadBalancerBackendAddressPools[].id": (
            f"{_NETWORK}/loadBalancers/backendAddressPools/join/action"
        ),
        f"{_CONFIGURATION}.loadBalancerInboundNatRules[].id": (
            f"{_NETWORK}/loadBalancers/inboundNatRules/join/action"
        ),
        f"{_CONFIGURATION}.applicationGatewayBackendAddressPools[].id": (
            f"{_NETWORK}/applicationGateways/backendAddressPools/join/action"
        ),
        f"{_CONFIGURATION}.applicationSecurityGroups[].id": (
            f"{_NETWORK}/applicationSecurityGroups/joinIpConfiguration/action"
        ),
    },
    "microsoft.network/networksecuritygroups/securityrules": {
        "properties.sourceApplicationSecurityGroups[].id": _RULE,
        "properties.destinationApplicationSecurityGroups[].id": _RULE,
    },
    "microsoft.network/networksecuritygroups": {
        "properties.securityRules[].properties.sourceApplicationSecurityGroups[].id": _RULE,
        "properties.securityRules[].properties.destinationApplicationSecurityGroups[].id": _RULE,
    },
    "microsoft.network/virtualnetworks": {
        "properties.subnets[].properties.networkSecurityGroup.id": _GROUP,
        "properties.subnets[].properties.routeTable.id": f"{_NETWORK}/routeTables/join/action",
    },
    "microsoft.network/virtualnetworks/subnets": {
        "properties.networkSecurityGroup.id": _GROUP,
        "properties.routeTable.id": f"{_NETWORK}/routeTables/join/action",
    },
    "microsoft.network/loadbalancers": {
        f"{_FRONTEND}.publicIPAddress.id": _ADDRESS,
        f"{_FRONTEND}.subnet.id": _SUBNET,
        f"{_FRONTEND}.publicIPPrefix.id": _PREFIX,
        f"{_POOL}.virtualNetwork.id": f"{_NETWORK}/virtualNetworks/join/action",
        f"{_POOL}.loadBalancerBackendAddresses[].properties.virtualNetwork.id": (
            f"{_NETWORK}/virtualNetworks/join/action"
        ),
    },
    "microsoft.network/applicationgateways": {
        "properties.gatewayIPConfigurations[].properties.subnet.id": _SUBNET,
        f"{_FRONTEND}.publicIPAddress.id": _ADDRESS,
        f"{_FRONTEND}.subnet.id": _SUBNET,
        "properties.firewallPolicy.id": (
            f"{_NETWORK}/ApplicationGatewayWebApplicationFirewallPolicies/join/action"
        ),
        "identity.userAssignedIdentities{}": _IDENTITY,
    },
    "microsoft.network/azurefirewalls": {
        f"{_CONFIGURATION}.publicIPAddress.id": _ADDRESS,
        f"{_CONFIGURATION}.subnet.id": _SUBNET,
        "properties.firewallPolicy.id": f"{_NETWORK}/firewallPolicies/join/action",
        f"properties.natRuleCollections[].{_GROUPS}": _IP_GROUP,
        f"properties.networkRuleCollections[].{_GROUPS}": _IP_GROUP,
        f"properties.applicationRuleCollections[].{_GROUPS}": _IP_GROUP,
    },
    "microsoft.network/firewallpolicies/rulecollectiongroups": {
        "properties.ruleCollections[].rules[].sourceIpGroups[]": _IP_GROUP,
        "properties.ruleCollections[].rules[].destinationIpGroups[]": _IP_GROUP,
    },
    "microsoft.network/privateendpoints": {"properties.subnet.id": _SUBNET},
    "microsoft.compute/virtualmachines": {
        "properties.networkProfile.networkInterfaces[].id": (
            f"{_NETWORK}/networkInterfaces/join/action"
        ),
    },
    "microsoft.compute/virtualmachinescalesets": {
        f"{_MODEL}.networkSecurityGroup.id": _GROUP,
        f"{_MODEL}.{_CONFIGURED}.subnet.id": _SUBNET,
        f"{_MODEL}.{_CONFIGURED}.publicIPAddressConfiguration.properties.publicIPPrefix.id": (
            _PREFIX
        ),
        f"{_MODEL}.{_CONFIGURED}.loadBalancerBackendAddressPools[].id": (
            f"{_NETWORK}/loadBalancers/backendAddressPools/join/action"
        ),
        f"{_MODEL}.{_CONFIGURED}.loadBalancerInboundNatPools[].id": (
            f"{_NETWORK}/loadBalancers/inboundNatPools/join/action"
        ),
        f"{_MODEL}.{_CONFIGURED}.applicationGatewayBackendAddressPools[].id": (
            f"{_NETWORK}/applicationGateways/backendAddressPools/join/action"
        ),
        f"{_MODEL}.{_CONFIGURED}.applicationSecurityGroups[].id": (
            f"{_NETWORK}/applicationSecurityGroups/joinIpConfiguration/action"
        ),
        "identity.userAssignedIdentities{}": _IDENTITY,
    },
    "microsoft.containerservice/managedclusters": {
        "properties.agentPoolProfiles[].vnetSubnetID": _SUBNET,
    },
    "microsoft.storage/storageaccounts": {
        "properties.networkAcls.virtualNetworkRules[].id": _ENDPOINT,
    },
    "microsoft.cognitiveservices/accounts": {
        "properties.networkAcls.virtualNetworkRules[].id": _ENDPOINT,
    },
    "microsoft.eventhub/namespaces/networkrulesets": {
        "properties.virtualNetworkRules[].subnet.id": _ENDPOINT,
    },
    "microsoft.servicebus/namespaces/networkrulesets": {
        "properties.virtualNetworkRules[].subnet.id": _ENDPOINT,
    },
    "microsoft.network/networksecurityperimeters/resourceassociations": {
        "properties.profile.id": f"{_NETWORK}/networkSecurityPerimeters/profiles/join/action",
        "properties.privateLinkResource.id": "{type}/joinPerimeter/action",
    },
    "microsoft.insights/diagnosticsettings": {
        "properties.workspaceId": "Microsoft.OperationalInsights/workspaces/sharedKeys/action",
    },
    "microsoft.keyvault/vaults": {"properties.networkAcls.virtualNetworkRules[].id": _ENDPOINT},
    "microsoft.documentdb/databaseaccounts": {"properties.virtualNetworkRules[].id": _ENDPOINT},
    "microsoft.sql/servers/virtualnetworkrules": {"properties.virtualNetworkSubnetId": _ENDPOINT},
}
"""By type: where a body names another resource, and what must be allowed on that one.

`{type}` stands for the type of what is named.
"""


def linked(type_key: str, body: Document) -> Iterator[tuple[str, str]]:
    """Pairs of action and id that a body of this type needs besides its own write."""
    for path, action in _LINKS.get(type_key, {}).items():
        for found in _values(body, path.split(".")):
            if isinstance(found, str) and found.startswith("/"):
                yield action.replace("{type}", _type(found)), found


def _type(text: str) -> str:
    """The type of what is named; empty where that is no id."""
    try:
        return parse(text).type
    except ValueError:
        return ""


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    if not steps:
        yield value
        return
    step, *rest = steps
    if step.endswith("{}"):
        keys = value.get(step.removesuffix("{}")) if isinstance(value, Mapping) else None
        yield from keys or ()
        return
    inner = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
    if not step.endswith("[]"):
        yield from _values(inner, rest)
    elif isinstance(inner, list):
        for one in inner:
            yield from _values(one, rest)
