"""SQL servers: their firewall is three collections of child rules."""

from collections.abc import Iterator

from detectors.exposure import Store, by_ranges
from shared.model import (
    Evidence,
    Exposure,
    Lookup,
    OpenPath,
    RangeRules,
    Resource,
    ResourceType,
    Undecided,
)

SERVER = ResourceType("Microsoft.Sql/servers", api_version="2023-08-01")
RULES = RangeRules(ResourceType("Microsoft.Sql/servers/firewallRules", api_version="2023-08-01"))
IPV6_RULES = RangeRules(
    ResourceType("Microsoft.Sql/servers/ipv6FirewallRules", api_version="2023-08-01"),
    first="startIPv6Address",
    last="endIPv6Address",
)
MANAGED_INSTANCE = ResourceType("Microsoft.Sql/managedInstances", api_version="2023-08-01")
SUBNET_RULES = Lookup(
    name="virtualNetworkRules",
    type=ResourceType("Microsoft.Sql/servers/virtualNetworkRules", api_version="2023-08-01"),
    ids=lambda server: [f"{server.id}/virtualNetworkRules"],
    many=True,
)


def takes_ipv6(server: Resource) -> bool:
    """Whether rules for IPv6 count.

    Raises:
        Undecided: the switch holds a word nobody knows.
    """
    switch = server.text("/properties/isIPv6Enabled")
    if switch not in ("", "disabled", "enabled"):
        raise Undecided(f"/properties/isIPv6Enabled is {switch!r}")
    return switch == "enabled"


def ways(server: Resource) -> Iterator[OpenPath]:
    """The ways in through a server's firewall."""
    rules = (RULES, IPV6_RULES) if takes_ipv6(server) else (RULES,)
    yield from by_ranges(*rules)(server)
    for rule in server.related(SUBNET_RULES.name):
        pointer = "/properties/virtualNetworkSubnetId"
        subnet = Evidence(pointer, rule.get(pointer), "no such rule", rule.id)
        yield OpenPath(Exposure.LISTED, subnet)


STORE = Store(
    type=SERVER,
    ways=ways,
    lookups=(RULES.lookup, IPV6_RULES.lookup, SUBNET_RULES),
    perimeters="2023-08-01",
)
