"""Event Hubs namespaces."""

from detectors.exposure import Store
from detectors.messaging import by_rule_set, rule_set
from shared.model import ResourceType

NAMESPACE = ResourceType("Microsoft.EventHub/namespaces", api_version="2024-01-01")
RULE_SET = rule_set(NAMESPACE)
STORE = Store(
    type=NAMESPACE,
    ways=by_rule_set(RULE_SET),
    lookups=(RULE_SET,),
    perimeters=NAMESPACE.api_version,
)
