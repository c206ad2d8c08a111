"""Analysis Services servers: a firewall, and neither a switch nor private endpoints."""

from collections.abc import Iterator, Mapping

from detectors.exposure import Store, listed
from shared.model import (
    Addresses,
    Evidence,
    Exposure,
    OpenPath,
    Resource,
    ResourceType,
    Undecided,
)

SERVER = ResourceType("Microsoft.AnalysisServices/servers", api_version="2017-08-01")
SETTINGS = "/properties/ipV4FirewallSettings"
POWER_BI = f"{SETTINGS}/enablePowerBIService"


def ways(server: Resource) -> Iterator[OpenPath]:
    """The ways in through a server's firewall; without one everybody.

    Raises:
        Undecided: it is of another shape.
    """
    settings = server.get(SETTINGS)
    if settings is None:
        yield OpenPath(Exposure.OPEN_INTERNET, Evidence(SETTINGS, None, "rules for known clients"))
        return
    if not isinstance(settings, Mapping):
        raise Undecided(f"{SETTINGS} is not an object")
    rules = server.items(f"{SETTINGS}/firewallRules")
    texts = [f"{rule.get('rangeStart')}-{rule.get('rangeEnd')}" for rule in rules]
    yield from listed(
        [
            (
                Addresses.parse(text),
                Evidence(f"{SETTINGS}/firewallRules/{i}/rangeStart", text, "no such rule"),
            )
            for i, text in enumerate(texts)
        ]
    )
    if server.flag(POWER_BI):
        yield OpenPath(Exposure.LISTED, Evidence(POWER_BI, server.get(POWER_BI), expected=False))


STORE = Store(type=SERVER, ways=ways, switches=())
