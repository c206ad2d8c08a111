"""Public paths to data stores: each listed with who gets through it, the closed ones too."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from detectors.cards import Card, End
from detectors.network import SECURITY_GROUP, SUBNET, held
from detectors.stores import HOSTS, Ends, Store, behind
from shared.model import (
    DATABASE_PORTS,
    Destination,
    Evidence,
    Exposure,
    Json,
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

    `port` is where the traffic arrives, `port_said` what stands for it at `port_at`. `because`
    is what opens it, where that is not a security group. Groups see the traffic at `inside`,
    where that is another port, and for the frontend's address instead of the end's own where it
    is `floating`.
    """

    pointer: str
    said: str
    ends: tuple[End, ...]
    port: int
    port_at: str
    port_said: Json
    protocol: Protocol = "tcp"
    because: tuple[Evidence, ...] = ()
    inside: int | None = None
    floating: bool = False
    resource: ResourceId | None = None

    @property
    def key(self) -> tuple[ResourceId | None, str]:
        """Its name among the paths of one resource."""
        return self.resource, self.pointer

    def signs(self, end: End) -> Iterator[Evidence]:
        """That it leads to the port of a database, or to a host of one of Azure's."""
        if self.port in DATABASE_PORTS:
            yield Evidence(self.port_at, self.port_said, "no port of a database", self.resource)
        if end.at and end.address.casefold().endswith(HOSTS):
            yield Evidence(end.at, end.address, "no host of a data store", self.resource)


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
        yield Evidence(self.path.pointer, said, CLIENTS, self.path.resource)
        yield from self.store.signs
        if self.open:
            yield from self.path.because
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
                stores = ends.at(end, known=tuple(path.signs(end)))
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


def through_groups(resource: Resource, path: Path, store: Store, *, basic: bool) -> Reach:
    """Who gets through the groups of the subnet and of the card, as they see the client itself.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: a group or subnet cannot be read, or nothing is known to be there.
    """
    card = store.card
    if card is None:
        raise Undecided(f"what has {', '.join(map(str, path.ends))} cannot be seen")
    groups = groups_of(resource, card.subnet, card.group)
    port = path.port if path.inside is None else path.inside
    destination = Destination.of(card.element)
    if path.floating:
        destination = Destination(groups=destination.groups)
    ports = Ranges(((port, port),))
    return reach(groups, destination, ports, path.protocol, basic=basic)


def groups_of(resource: Resource, subnet: str, card: str = "") -> list[Resource]:
    """The security groups of a subnet and of a card in it, those that are there.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: one of them cannot be read.
    """
    found: list[Resource] = []
    # Asked for in any case: which groups there are to look up is told by the subnets.
    subnets = resource.related("subnets")
    if subnet:
        group = _one(subnets, subnet).get("/properties/networkSecurityGroup/id")
        if group:
            found.append(_one(resource.related("securityGroups"), str(group)))
    if card:
        found.append(_one(resource.related("securityGroups"), card))
    return found


def _one(found: Iterable[Resource], wanted: str) -> Resource:
    rid = ResourceId(wanted)
    for one in found:
        if one.id == rid:
            return one
    raise Undecided(f"{rid.name} on the way is not there")


def through(ends: Callable[[Resource], Iterable[End]]) -> tuple[Lookup, ...]:
    """The lookups of `behind`, and those of the security groups before the ends."""

    def cards(resource: Resource) -> list[Card]:
        return Ends(resource, tuple(ends(resource))).cards()

    return (
        *behind(ends),
        *groups_before(
            lambda resource: [card.subnet for card in cards(resource)],
            lambda resource: [card.group for card in cards(resource)],
        ),
    )


def groups_before(
    subnets: Callable[[Resource], Iterable[str]], groups: Callable[[Resource], Iterable[str]]
) -> tuple[Lookup, ...]:
    """The lookups of subnets and security groups, those of the subnets among them."""

    def all_groups(resource: Resource) -> list[str]:
        wanted = {ResourceId(one) for one in subnets(resource) if one}
        known = [one for one in held(resource, "subnets") if one.id in wanted]
        found = [str(one.get("/properties/networkSecurityGroup/id") or "") for one in known]
        return _distinct([*groups(resource), *found])

    return (
        Lookup(name="subnets", type=SUBNET, ids=lambda resource: _distinct(subnets(resource))),
        Lookup(name="securityGroups", type=SECURITY_GROUP, ids=all_groups),
    )


def _distinct(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text))
