"""Azure Database for PostgreSQL: flexible servers, and clusters (Cosmos DB for PostgreSQL)."""

from detectors.exposure import Store, by_ranges
from detectors.firewalls import INSIDE_NETWORK, before_network
from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DBforPostgreSQL/flexibleServers", "2024-08-01"
SERVER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))
STORE = Store(
    type=SERVER,
    ways=by_ranges(RULES),
    switches=("/properties/network/publicNetworkAccess",),
    unset=before_network,
    inside=INSIDE_NETWORK,
    lookups=(RULES.lookup,),
)

_CLUSTER, _CLUSTER_VERSION = "Microsoft.DBforPostgreSQL/serverGroupsv2", "2022-11-08"
CLUSTER = ResourceType(_CLUSTER, _CLUSTER_VERSION)
CLUSTER_RULES = RangeRules(ResourceType(f"{_CLUSTER}/firewallRules", _CLUSTER_VERSION))
CLUSTER_STORE = Store(
    type=CLUSTER,
    ways=by_ranges(CLUSTER_RULES),
    switches=(
        "/properties/coordinatorEnablePublicIpAccess",
        "/properties/nodeEnablePublicIpAccess",
    ),
    off=False,
    lookups=(CLUSTER_RULES.lookup,),
)

SINGLE_SERVER = ResourceType("Microsoft.DBforPostgreSQL/servers", api_version="2017-12-01")
"""The retired product."""
