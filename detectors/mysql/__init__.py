"""Azure Database for MySQL, flexible servers."""

from detectors.exposure import Store, by_ranges
from detectors.firewalls import INSIDE_NETWORK, before_network
from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DBforMySQL/flexibleServers", "2023-12-30"
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

SINGLE_SERVER = ResourceType("Microsoft.DBforMySQL/servers", api_version="2017-12-01")
"""The retired product."""
