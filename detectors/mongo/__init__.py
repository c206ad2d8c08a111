"""Azure Cosmos DB for MongoDB, vCore clusters (Azure DocumentDB)."""

from detectors.exposure import Store, by_ranges
from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DocumentDB/mongoClusters", "2025-09-01"
CLUSTER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))
STORE = Store(type=CLUSTER, ways=by_ranges(RULES), lookups=(RULES.lookup,))
