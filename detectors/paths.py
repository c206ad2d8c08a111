"""Public paths to data stores: each listed with who gets through it, the closed ones too."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from detectors.cards import Card, End, held
from detectors.network import SECURITY_GROUP
from detectors.network_types import SUBNET
from detectors.stores import Ends, Store, behind
from shared.model import (
    DATABASE_PORTS,
    Destination,
    Evidence,
    Exposure,
    Lookup,
    NeedsLookup,
    Protocol,
    Ranges,
    Reach,
    Resource,
    ResourceId,
    Undecided,
    reach,
)

CLIENTS = "no way in but for known clients"


@dataclass(frozen=True, slots=True)
class Path:
    """One way from a public frontend to its ends; `pointer` leads to the rule that makes it.

    `port` is where the traffic arrives, as the rule says at `port_at`.
    """

    pointer: str
    said: str
    ends: tuple[End, ...]
    port: int
    port_at: str
    protocol: Protocol = "tcp"
    resource: Resource | None = None

    @property
    def signs(self) -> tuple[Evidence, ...]:
        """That it leads to the port of a database."""
        if self.port not in DATABASE_PORTS:
            return ()
        rid = self.resource.id if self.resource else None
        return (Evidence(self.port_at, self.port, "no port of a database", rid),)


@dataclass(frozen=True, slots=True)
class Way:
    """A path to one data store, and who gets through (or why that cannot be said)."""

    path: Path
    end: End
    store: Store
    reach: Reach | Undecided

    @property
    def open(self) -> bool:
        """Whether more than known clients get in."""
        if isinstance(self.reach, Undecided):
            return False
        return self.reach.exposure.rank > Exposure.LISTED.rank

    def evidence(self) -> Iterator[Evidence]:
        grade = "unknown" if isinstance(self.reach, Undecided) else self.reach.exposure.value
        said = f"{self.path.said} -> {self.end}: {'closed' if grade == 'private' else grade}"
        rid = self.path.resource.id if self.path.resource else None
        yield Evidence(self.path.pointer, said, CLIENTS, rid)
        yield from self.store.signs
        if not isinstance(self.reach, Undecided):
            yield from self.reach.evidence()


Judge = Callable[[Path, Store], Reach]


def ways(resource: Resource, paths: Sequence[Path], judge: Judge) -> list[Way]:
    """Every path to a data store.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: no way is open, and of some that cannot be said.
    """
    ends = Ends.of(resource, (end for path in paths for end in path.ends))
    found: list[Way] = []
    unsaid: list[Undecided] = []
    for path, end, store in _stores(ends, paths, unsaid):
        try:
            found.append(Way(path, end, store, judge(path, store)))
        except NeedsLookup:
            raise
        except Undecided as reason:
            unsaid.append(reason)
            found.append(Way(path, end, store, reason))
    if unsaid and not any(way.open for way in found):
        raise unsaid[0]
    return found


def _stores(
    ends: Ends, paths: Sequence[Path], unsaid: list[Undecided]
) -> Iterator[tuple[Path, End, Store]]:
    for path in paths:
        for end in path.ends:
            try:
                stores = ends.at(end, known=path.signs)
            except Undecided as reason:
                unsaid.append(reason)
                continue
            for store in stores:
                yield path, end, store


def exposed(found: Sequence[Way]) -> Iterator[Evidence]:
    """All ways as evidence, the open ones first, where any is open."""
    if not any(way.open for way in found):
        return
    seen: set[tuple[ResourceId | None, str, str]] = set()
    for way in sorted(found, key=lambda way: not way.open):
        for one in way.evidence():
            key = (one.resource, one.path, str(one.observed))
            if key not in seen:
                seen.add(key)
                yield one


# --- through the security groups of the end itself


def through_groups(resource: Resource, path: Path, card: Card, *, basic: bool) -> Reach:
    """Who gets through the groups of the subnet and of the card, as they see the client itself.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: a group or subnet cannot be read.
    """
    groups: list[Resource] = []
    # Asked for in any case: which groups there are to look up is told by the subnets.
    subnets = resource.related("subnets")
    if card.subnet:
        subnet = _one(subnets, card.subnet)
        if wanted := subnet.get("/properties/networkSecurityGroup/id"):
            groups.append(_one(resource.related("securityGroups"), str(wanted)))
    if card.group:
        groups.append(_one(resource.related("securityGroups"), card.group))
    ports = Ranges(((path.port, path.port),))
    destination = Destination.of(card.element)
    return reach(groups, destination, ports, path.protocol, basic=basic)


def _one(found: Iterable[Resource], wanted: str) -> Resource:
    rid = ResourceId(wanted)
    for one in found:
        if one.id == rid:
            return one
    raise Undecided(f"{rid.name} on the way is not there")


def through(ends: Callable[[Resource], Iterable[End]]) -> tuple[Lookup, ...]:
    """The lookups of `behind`, and those of the security groups before the ends."""

    def subnets(resource: Resource) -> list[str]:
        cards = Ends(resource, tuple(ends(resource))).cards()
        return list(dict.fromkeys(card.subnet for card in cards if card.subnet))

    def groups(resource: Resource) -> list[str]:
        cards = Ends(resource, tuple(ends(resource))).cards()
        found = [card.group for card in cards if card.group]
        wanted = {ResourceId(card.subnet) for card in cards if card.subnet}
        for subnet in held(resource, "subnets"):
            group = subnet.get("/properties/networkSecurityGroup/id")
            if group and subnet.id in wanted:
                found.append(str(group))
        return list(dict.fromkeys(found))

    return (
        *behind(ends),
        Lookup(name="subnets", type=SUBNET, ids=subnets),
        Lookup(name="securityGroups", type=SECURITY_GROUP, ids=groups),
    )
