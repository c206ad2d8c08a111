"""Azure Database for MySQL, flexible servers."""

from detectors.exposure import Store, by_ranges
from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DBforMySQL/flexibleServers", "2023-12-30"
SERVER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))
STORE = Store(
    type=SERVER,
    ways=by_ranges(RULES),
    switches=("/properties/network/publicNetworkAccess",),
    inside=("/properties/network/delegatedSubnetResourceId",),
    lookups=(RULES.lookup,),
)
