"""Internet may reach database ports of a VM that hosts a data store.

Why it matters: nothing but the password of the database stands between it and everybody.
Judged is the security group that lets the internet in, where a machine behind it has a public
way (an address of its own, or a public load balancer that forwards a database port), every other
group on that way lets the internet in as well, and the machine is a data store. A way that a
group closes is no finding; it becomes one when the rule that closes it goes.
Limits: a data store is known by signs, each of them reported, as for
`datastore-vm-nic-public-ip`. Seen are interfaces of machines, over TCP, on the ports where
databases usually listen; not instances of scale sets, not members of a load balancer by address
alone, not what gateways and firewalls forward. Security admin rules of a network manager are
not seen, nor default routes, by which the tag VirtualNetwork may hold everybody. Just-in-time
rules are judged as any other.
Source: Microsoft Learn, "How network security groups filter network traffic".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network import (
    CONFIGURATIONS,
    GROUP,
    INTERFACE,
    LOAD_BALANCER,
    MACHINE,
    SECURITY_GROUP,
    SUBNET,
    VIRTUAL_NETWORK,
    Entry,
    WayIn,
    balancers_of,
    entries,
    groups_of,
    held,
    interfaces_of,
    look,
    store_signs,
    stores_behind,
    subnets_of,
)
from shared.model import (
    DATABASE_PORTS,
    Detector,
    Evidence,
    Exposure,
    Lookup,
    NeedsLookup,
    Reach,
    Resource,
    Severity,
    Undecided,
    Wake,
    open_to_internet,
)

# In this order: each tells what the next has to read.
ON_THE_WAY = ("attachedSubnets", "interfaces", "loadBalancers", "subnets", "securityGroups")


def check(group: Resource) -> Iterator[Evidence]:
    if not open_to_internet(seen(group), DATABASE_PORTS):
        return
    reasons = [look(group, name)[1] for name in ON_THE_WAY]
    found: dict[tuple[object, ...], Evidence] = {}
    for nic in _public(group):
        try:
            found |= {(one.resource, one.path): one for one in _exposed(group, nic)}
        except NeedsLookup:
            raise
        except Undecided as unread:
            reasons.append(unread)
    if found:
        yield Evidence("", f"exposure {Exposure.OPEN_INTERNET}", "private")
        yield from found.values()
    elif reason := next(filter(None, reasons), None):
        raise reason


def _public(group: Resource) -> list[Resource]:
    """The interfaces of machines that have a public way in, as far as was read."""
    nics = (nic for nic in held(group, "interfaces") if nic.get(MACHINE))
    return [nic for nic in nics if list(entries(nic, held(group, "loadBalancers")))]


def _exposed(group: Resource, nic: Resource) -> list[Evidence]:
    opened = list(_open(group, nic))
    if not opened:
        return []
    signs, unread = store_signs(group, nic, [way for way, _, _ in opened])
    if unread and not signs:
        raise unread
    if not signs:
        return []
    through = [one for _, _, reach in opened for one in reach.evidence()]
    return [*through, *(entry.evidence for _, entry, _ in opened), *signs]


def _open(group: Resource, nic: Resource) -> Iterator[tuple[WayIn, Entry, Reach]]:
    known = (*held(group, "subnets"), *held(group, "securityGroups"), group)
    for entry in entries(nic, held(group, "loadBalancers")):
        way = WayIn.of(nic, entry.at, known)
        found = way.reach(entry.ports)
        if found.exposure is Exposure.OPEN_INTERNET and group.id in {one.id for one in way.groups}:
            yield way, entry, found


DETECTOR = Detector(
    id="datastore-vm-db-port-open",
    title="Internet may reach database ports of a VM that hosts a data store",
    resource_type=SECURITY_GROUP,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="attachedSubnets",
            type=SUBNET,
            ids=lambda group: [str(one["id"]) for one in group.items("/properties/subnets")],
        ),
        Lookup(
            name="interfaces",
            type=INTERFACE,
            ids=lambda group: interfaces_of(group, *held(group, "attachedSubnets")),
        ),
        Lookup(
            name="loadBalancers",
            type=LOAD_BALANCER,
            ids=lambda group: balancers_of(held(group, "interfaces")),
        ),
        Lookup(name="subnets", type=SUBNET, ids=lambda group: subnets_of(_public(group))),
        Lookup(
            name="securityGroups",
            type=SECURITY_GROUP,
            ids=lambda group: [
                one
                for one in groups_of(*held(group, "subnets"), *_public(group))
                if one.casefold() != group.id.key
            ],
        ),
        *stores_behind(_public),
    ),
    wakes=(
        Wake(INTERFACE, GROUP),
        Wake(INTERFACE, f"{CONFIGURATIONS}/*/properties/subnet/id"),
        Wake(SUBNET, GROUP),
        Wake(VIRTUAL_NETWORK, f"/properties/subnets/*{GROUP}"),
        Wake(
            LOAD_BALANCER,
            "/properties/backendAddressPools/*/properties/backendIPConfigurations/*/id",
        ),
        Wake(LOAD_BALANCER, "/properties/inboundNatRules/*/properties/backendIPConfiguration/id"),
    ),
)
