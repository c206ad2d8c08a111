"""Azure Cosmos DB for MongoDB, vCore clusters (Azure DocumentDB)."""

from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.DocumentDB/mongoClusters", "2025-09-01"
CLUSTER = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))
