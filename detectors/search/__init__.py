"""Azure AI Search services."""

from collections.abc import Iterator

from detectors.exposure import Store, by_list, unless_listed
from shared.model import Evidence, Exposure, OpenPath, Resource, ResourceType

SERVICE = ResourceType("Microsoft.Search/searchServices", api_version="2025-05-01")
RULES = "/properties/networkRuleSet/ipRules"
BYPASS = "/properties/networkRuleSet/bypass"


def ways(service: Resource) -> Iterator[OpenPath]:
    """The ways in through a service's firewall; without a rule everybody."""
    yield from unless_listed(by_list(RULES, "value"), RULES)(service)
    if service.text(BYPASS) not in ("", "none"):
        # Trusted services of Azure, by their own identities.
        yield OpenPath(Exposure.LISTED, Evidence(BYPASS, service.get(BYPASS), "None"))


STORE = Store(type=SERVICE, ways=ways, off="disabled", perimeters="2025-05-01")
