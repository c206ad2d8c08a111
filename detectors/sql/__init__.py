"""Azure SQL servers."""

from shared.model import RangeRules, ResourceType

SERVER = ResourceType("Microsoft.Sql/servers", api_version="2023-08-01")
RULES = RangeRules(ResourceType("Microsoft.Sql/servers/firewallRules", api_version="2023-08-01"))
IPV6_RULES = RangeRules(
    ResourceType("Microsoft.Sql/servers/ipv6FirewallRules", api_version="2023-08-01"),
    first="startIPv6Address",
    last="endIPv6Address",
)
MANAGED_INSTANCE = ResourceType("Microsoft.Sql/managedInstances", api_version="2023-08-01")
