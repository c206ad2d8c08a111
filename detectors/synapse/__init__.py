"""Azure Synapse workspaces."""

from detectors.exposure import Store, by_ranges
from shared.model import RangeRules, ResourceType

_TYPE, _VERSION = "Microsoft.Synapse/workspaces", "2021-06-01"
WORKSPACE = ResourceType(_TYPE, _VERSION)
RULES = RangeRules(ResourceType(f"{_TYPE}/firewallRules", _VERSION))
STORE = Store(type=WORKSPACE, ways=by_ranges(RULES), lookups=(RULES.lookup,))
