"""Azure SQL servers."""

from shared.model import ResourceType

SERVER = ResourceType("Microsoft.Sql/servers", api_version="2023-08-01")
FIREWALL_RULE = ResourceType("Microsoft.Sql/servers/firewallRules", api_version="2023-08-01")
