"""Azure Cache for Redis."""

from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.Cache/redis", "2024-11-01"
CACHE = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION), first="startIP", last="endIP")
