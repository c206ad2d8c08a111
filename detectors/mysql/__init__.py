"""Azure Database for MySQL, flexible servers."""

from shared.model import RangeRules, Resource, ResourceType

_TYPE, _VERSION = "Microsoft.DBforMySQL/flexibleServers", "2023-12-30"
SERVER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))


def is_public(server: Resource) -> bool:
    """Whether the firewall counts: not where public access is off, nor inside a network.

    Absent means Enabled.
    """
    network = "/properties/network"
    if server.get(f"{network}/delegatedSubnetResourceId"):
        return False
    return server.text(f"{network}/publicNetworkAccess") != "disabled"
