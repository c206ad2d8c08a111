"""Types of resources that a public path to a data store leads through."""

from shared.model import ResourceType

GATEWAY = ResourceType("Microsoft.Network/applicationGateways", api_version="2024-05-01")
FIREWALL = ResourceType("Microsoft.Network/azureFirewalls", api_version="2024-05-01")
RULE_COLLECTIONS = ResourceType(
    "Microsoft.Network/firewallPolicies/ruleCollectionGroups", api_version="2024-05-01"
)
FIREWALL_POLICY = ResourceType("Microsoft.Network/firewallPolicies", api_version="2024-05-01")
IP_GROUP = ResourceType("Microsoft.Network/ipGroups", api_version="2024-05-01")
PRIVATE_ENDPOINT = ResourceType("Microsoft.Network/privateEndpoints", api_version="2024-05-01")
SCALE_SET = ResourceType("Microsoft.Compute/virtualMachineScaleSets", api_version="2024-07-01")
