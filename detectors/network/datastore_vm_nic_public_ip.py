"""VM that hosts a data store has a NIC with a public IP.

Why it matters: one rule too many in a security group, and the database answers the internet.
What the groups on the way let in to database ports is said with the finding; a way that they
close is one rule away from open, and is reported as well.
Limits: a data store is known by signs, each of them reported: its image, the SQL Server
extension or registration, a rule that lets somebody in to the port of a database by name, the
tag `data-store` on the machine, the interface, the resource group or the subscription. A tag on
a group or subscription is seen by the next sweep, not by its event. Security admin rules of a
network manager are not seen, nor default routes, by which the tag VirtualNetwork may hold
everybody. Ways through load balancers, gateways and firewalls are not looked at.
Source: Microsoft Learn, "Associate a public IP address to a virtual machine", "Public IP
addresses" (without a security group a Standard address is closed, a Basic one open).
"""

from collections.abc import Iterable, Iterator

from detectors import seen
from detectors.network import (
    CONFIGURATIONS,
    INTERFACE,
    MACHINE,
    PUBLIC,
    PUBLIC_IP,
    SECURITY_GROUP,
    SQL_VIRTUAL_MACHINE,
    SUBNET,
    VIRTUAL_MACHINE,
    WayIn,
    groups_of,
    held,
    look,
    store_signs,
    stores_behind,
    subnets_of,
)
from shared.model import (
    Detector,
    Evidence,
    Exposure,
    Lookup,
    Resource,
    ResourceId,
    Severity,
    Undecided,
    Wake,
)


def check(nic: Resource) -> Iterator[Evidence]:
    public = [i for i, _ in enumerate(seen(nic).items(CONFIGURATIONS)) if nic.get(PUBLIC.format(i))]
    if not public or not nic.get(MACHINE):
        return
    ways = _ways(nic, public)
    unseen = ways if isinstance(ways, Undecided) else None
    signs, unread = store_signs(nic, nic, [] if isinstance(ways, Undecided) else ways)
    if not signs and (reason := unread or unseen):
        raise reason
    if signs:
        addresses, _ = look(nic, "publicIPs")
        yield from _judged(nic, public, ways, addresses)
        yield from signs


def _ways(nic: Resource, public: Iterable[int]) -> list[WayIn] | Undecided:
    # In this order: which groups there are is told by the subnets.
    subnets, unread = look(nic, "subnets")
    groups, unread_too = look(nic, "securityGroups")
    try:
        return [WayIn.of(nic, i, (*subnets, *groups)) for i in public]
    except Undecided as missing:
        return unread or unread_too or missing


def _judged(
    nic: Resource,
    public: list[int],
    ways: list[WayIn] | Undecided,
    addresses: tuple[Resource, ...],
) -> Iterator[Evidence]:
    grades: list[Exposure] = []
    found: dict[tuple[str, ResourceId | None], Evidence] = {}
    try:
        if isinstance(ways, Undecided):
            raise ways
        for way in ways:
            grade, evidence = _through(way, addresses)
            grades.append(grade)
            found |= {(one.path, one.resource): one for one in evidence}
        said = Exposure.worst(grades).value
    except Undecided as reason:
        said = f"unknown: {reason}"
    yield Evidence("", f"exposure {said}", "private, and no public IP")
    for i in public:
        yield Evidence(PUBLIC.format(i), nic.get(PUBLIC.format(i)), expected="no public IP")
    yield from found.values()


def _through(way: WayIn, addresses: tuple[Resource, ...]) -> tuple[Exposure, list[Evidence]]:
    """How far the databases behind one address are open, and what decides that."""
    if way.groups:
        found = way.reach()
        return found.exposure, list(found.evidence())
    wanted = ResourceId(str(way.nic.get(PUBLIC.format(way.at))))
    for address in addresses:
        if address.id == wanted:
            basic = address.text("/sku/name") in ("", "basic")
            said = "a security group" if basic else "closed: Standard, and no security group"
            evidence = Evidence("/sku/name", address.get("/sku/name"), said, wanted)
            return way.reach(basic=basic).exposure, [evidence]
    raise Undecided(f"{wanted.name} could not be read")


DETECTOR = Detector(
    id="datastore-vm-nic-public-ip",
    title="VM that hosts a data store has a NIC with a public IP",
    resource_type=INTERFACE,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(
        *stores_behind(lambda nic: [nic]),
        Lookup(name="subnets", type=SUBNET, ids=lambda nic: subnets_of([nic])),
        Lookup(
            name="securityGroups",
            type=SECURITY_GROUP,
            ids=lambda nic: groups_of(*held(nic, "subnets"), nic),
        ),
        Lookup(
            name="publicIPs",
            type=PUBLIC_IP,
            ids=lambda nic: [
                str(nic.get(PUBLIC.format(i)))
                for i, _ in enumerate(nic.items(CONFIGURATIONS))
                if nic.get(PUBLIC.format(i))
            ],
        ),
    ),
    wakes=(
        Wake(PUBLIC_IP, "/properties/ipConfiguration/id"),
        Wake(VIRTUAL_MACHINE, "/properties/networkProfile/networkInterfaces/*/id"),
        Wake(SQL_VIRTUAL_MACHINE, "/properties/virtualMachineResourceId"),
    ),
)
