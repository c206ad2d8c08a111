"""Azure Database for MySQL, flexible servers."""

from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DBforMySQL/flexibleServers", "2023-12-30"
SERVER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))

SINGLE_SERVER = ResourceType("Microsoft.DBforMySQL/servers", api_version="2017-12-01")
"""The retired product."""
