"""Azure Cache for Redis, and Azure Managed Redis (Redis Enterprise)."""

from collections.abc import Iterator

from detectors.exposure import Store, by_ranges
from shared.model import Evidence, Exposure, OpenPath, RangeRules, Resource, ResourceType, values_at

_TYPE, _VERSION = "Microsoft.Cache/redis", "2024-11-01"
CACHE = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION), first="startIP", last="endIP")
CLUSTER = ResourceType("Microsoft.Cache/redisEnterprise", "2025-07-01")


def no_rule(cache: Resource) -> Iterator[Evidence]:
    """Why a cache lets everybody in: it has no firewall rule."""
    if not RULES.of(cache):
        yield Evidence("", "no firewall rule", "rules for known clients")


def ways(cache: Resource) -> Iterator[OpenPath]:
    """The ways in through a cache's firewall."""
    for evidence in no_rule(cache):
        yield OpenPath(Exposure.OPEN_INTERNET, evidence)
    yield from by_ranges(RULES)(cache)


def before_the_switch(cluster: Resource) -> str:
    """What it means that a cluster shows no switch: a private endpoint shut the public one."""
    state = ("*", "properties", "privateLinkServiceConnectionState", "status")
    states = values_at(cluster.body, ("properties", "privateEndpointConnections", *state))
    approved = any(str(one).casefold() == "approved" for one in states)
    return "disabled" if approved else "enabled"


STORE = Store(type=CACHE, ways=ways, inside=("/properties/subnetId",), lookups=(RULES.lookup,))
CLUSTER_STORE = Store(type=CLUSTER, unset=before_the_switch)
