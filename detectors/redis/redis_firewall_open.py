"""Redis cache has no firewall rule, or very wide ones.

Why it matters: without a rule every address is let in, and an access key is all that an outsider
needs to read and change what is cached.
Limits: all rules are judged together, against 65,536 addresses. A cache inside a virtual network
is left to that network's rules.
Source: Microsoft Learn, "Configure Azure Cache for Redis", section Firewall.
"""

from collections.abc import Iterator

from detectors.firewalls import wide
from detectors.redis import CACHE, RULES, STORE, no_rule
from shared.model import Detector, Evidence, Resource, Severity


def check(cache: Resource) -> Iterator[Evidence]:
    if STORE.public(cache):
        yield from no_rule(cache)
        yield from wide(cache, RULES)


DETECTOR = Detector(
    id="redis-firewall-open",
    title="Redis cache has no firewall rule, or very wide ones",
    resource_type=CACHE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
