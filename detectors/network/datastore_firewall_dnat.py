"""Azure Firewall DNAT publishes a data store.

Why it matters: the rule lets everybody it names through to the database, past the security
groups: behind the firewall they see the firewall's own address instead of the client's.
Limits: a data store is known by signs, each of them reported: its image, the SQL Server
extension or registration, the tag `data-store`, a private endpoint of a data store, a rule that
leads to the port of a database or to a host of one of Azure's. Looked for are interfaces in the
subscription of the firewall; in others, and behind internal load balancers, the port alone
tells. Whether the groups behind the firewall let the firewall in, and the filters of threat
intelligence, are not looked at; other firewalls than Azure's are not known to ARM. A machine
that becomes a data store is noticed by the sweep.
Source: Microsoft Learn, "Azure Firewall rule processing logic" (a DNAT match is allowed without
further rules), "Azure Firewall Manager policy overview" (NAT rules are not inherited), and the
Azure Network Security blog, "Azure Firewall NAT Behaviors" (the source becomes the firewall's).
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network_types import FIREWALL, FIREWALL_POLICY, IP_GROUP
from detectors.paths import Way, exposed, ways
from detectors.stores import behind
from detectors.translations import LOOKUPS, ends, graded
from shared.model import Detector, Evidence, Reach, Resource, Severity, Sources, Wake


def check(firewall: Resource) -> Iterator[Evidence]:
    yield from exposed(public_ways(firewall))


def public_ways(firewall: Resource) -> list[Way]:
    """Every rule that leads to a data store.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: no way is open, and of some that cannot be said.
    """
    if seen(firewall).get("/properties/firewallPolicy/id"):
        firewall.related("ruleCollectionGroups")
    found = list(graded(firewall))
    through = {path.key: Reach(sources=Sources(clients)) for path, clients in found}
    return ways(firewall, [path for path, _ in found], lambda path, _: through[path.key])


DETECTOR = Detector(
    id="datastore-firewall-dnat",
    title="Azure Firewall DNAT publishes a data store",
    resource_type=FIREWALL,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(*LOOKUPS, *behind(ends)),
    wakes=(
        Wake(FIREWALL_POLICY, "/properties/firewalls/*/id"),
        Wake(IP_GROUP, "/properties/firewalls/*/id"),
        Wake(IP_GROUP, "/properties/firewallPolicies/*/id"),
    ),
)
