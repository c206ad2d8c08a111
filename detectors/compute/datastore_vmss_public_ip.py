"""Scale set of a data store gives instances public IPs.

Why it matters: every instance that is added answers from an address of its own; one rule too
many in a security group, and the databases answer the internet. What the groups let in to
database ports is said with the finding.
Limits: a data store is known by signs, each of them reported: its image, the SQL Server
extension, the tag `data-store` on the scale set, its resource group or subscription. Judged is
the model; instances that still run a former one are not seen, nor are ways through load
balancers. Of a scale set in flexible orchestration the interfaces that are there are judged by
datastore-vm-nic-public-ip. A tag on a group or subscription is noticed by the sweep.
Source: Microsoft Learn, "Networking for Azure Virtual Machine Scale Sets" (public IPv4 per
virtual machine), "Public IP addresses" (without a security group a Standard address is closed, a
Basic one open).
"""

from collections.abc import Iterator

from detectors import SUBSCRIPTION, seen
from detectors.cards import Card, cards_of
from detectors.network import RESOURCE_GROUP, SECURITY_GROUP, SUBNET, look, tagged
from detectors.network_types import SCALE_SET
from detectors.paths import groups_before, groups_of
from detectors.stores import scale_set_signs
from shared.model import (
    DATABASE_PORTS,
    Destination,
    Detector,
    Evidence,
    Exposure,
    Lookup,
    NeedsLookup,
    Resource,
    Severity,
    Undecided,
    Wake,
    reach,
)

PUBLIC = "properties/publicIPAddressConfiguration"


def check(scale_set: Resource) -> Iterator[Evidence]:
    public = [one for one in cards_of(seen(scale_set)) if one.element.get(f"/{PUBLIC}")]
    if not public:
        return
    signs, unread = _signs(scale_set)
    if unread and not signs:
        raise unread
    if not signs:
        return
    through: list[Evidence] = []
    grades: list[Exposure] = []
    try:
        for card in public:
            grade, evidence = _through(scale_set, card)
            grades.append(grade)
            through.extend(one for one in evidence if one not in through)
        said = Exposure.worst(grades).value
    except NeedsLookup:
        raise
    except Undecided:
        said = "unknown"
    yield Evidence("", f"exposure {said}", "exposure private, and no public IP")
    for card in public:
        pointer = f"{card.configuration}/{PUBLIC}"
        yield Evidence(pointer, scale_set.get(pointer), "no public IP")
    yield from through
    yield from signs


def _signs(scale_set: Resource) -> tuple[list[Evidence], Undecided | None]:
    found, unread = list(scale_set_signs(scale_set)), None
    for name in ("resourceGroups", "subscriptions"):
        scopes, reason = look(scale_set, name)
        unread = unread or reason
        found += [sign for scope in scopes for sign in tagged(scope)]
    return found, unread


def _through(scale_set: Resource, card: Card) -> tuple[Exposure, list[Evidence]]:
    basic = card.element.text(f"/{PUBLIC}/sku/name") in ("", "basic")
    groups = groups_of(scale_set, card.subnet, card.group)
    found = reach(groups, Destination.of(card.element), DATABASE_PORTS, basic=basic)
    return found.exposure, list(found.evidence())


DETECTOR = Detector(
    id="datastore-vmss-public-ip",
    title="Scale set of a data store gives instances public IPs",
    resource_type=SCALE_SET,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="resourceGroups",
            type=RESOURCE_GROUP,
            ids=lambda scale_set: [str(scale_set.id.resource_group)],
        ),
        Lookup(
            name="subscriptions",
            type=SUBSCRIPTION,
            ids=lambda scale_set: [f"/subscriptions/{scale_set.id.subscription}"],
        ),
        *groups_before(
            lambda scale_set: [card.subnet for card in cards_of(scale_set)],
            lambda scale_set: [card.group for card in cards_of(scale_set)],
        ),
    ),
    wakes=(
        Wake(SUBNET, "/properties/ipConfigurations/*/id"),
        Wake(SECURITY_GROUP, "/properties/subnets/*/id"),
        Wake(SECURITY_GROUP, "/properties/networkInterfaces/*/id"),
    ),
)
