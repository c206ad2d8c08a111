"""Who gets through the security groups on the way to a network interface.

Inbound traffic meets the subnet's group first and then the interface's; each that is there has
to let it in. In a group the first rule that matches decides, and what none matches is denied.
Destinations are private addresses: groups act after a public one was translated (Microsoft
Learn, "How network security groups filter network traffic", "Network security groups").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice, product
from typing import Final

from shared.model.addresses import EVERY_ADDRESS, MOST, NOWHERE, PRIVATE, Addresses, Ranges
from shared.model.exposure import Exposure
from shared.model.resource import Resource, ResourceId
from shared.model.rules import Evidence
from shared.model.security_rules import CLIENT_PORTS, Protocol, SecurityRule, inbound_rules

OUTSIDE: Final = EVERY_ADDRESS - PRIVATE - Addresses.parse("fc00::/7")
"""Where clients come from over the internet (RFC 1918 and RFC 4193 are left out)."""
AZURE: Final = "azurecloud"
"""The service tag of every public address of Azure; `azurecloud.westeurope` of a region's."""
NETWORK: Final = "virtualnetwork"
_INSIDE: Final = {NETWORK, "azureloadbalancer"}
"""Tags that hold nobody from outside: the network with its neighbours, and health probes.

Where a default route leads elsewhere, VirtualNetwork may hold every address (Microsoft Learn,
"Virtual network service tags"); what routes there are is not looked at.
"""


def _is_azure(tag: str) -> bool:
    return tag == AZURE or tag.startswith(f"{AZURE}.")


@dataclass(frozen=True, slots=True)
class Sources:
    """Sources outside of the virtual network.

    `addresses` are known. Of each service tag in `tags`, some or all that lies within the
    addresses given with it; which those are, no document says.
    """

    addresses: Addresses = NOWHERE
    tags: Mapping[str, Addresses] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.addresses or self.tags)

    def __or__(self, other: Sources) -> Sources:
        both = {**self.tags, **other.tags}
        tags = {t: self.tags.get(t, NOWHERE) | other.tags.get(t, NOWHERE) for t in both}
        return Sources(self.addresses | other.addresses, tags)

    def __and__(self, other: Sources) -> Sources:
        """At least what is in both: of two tags that both have to hold, the narrower is kept."""
        found = Sources(self.addresses & other.addresses)
        for tag, within in self.tags.items():
            found |= _tagged(tag, within & other.addresses)
        for tag, within in other.tags.items():
            found |= _tagged(tag, within & self.addresses)
        for (one, mine), (two, theirs) in product(self.tags.items(), other.tags.items()):
            if not _is_azure(one) or len(one) > len(two):
                found |= _tagged(one, mine & theirs)
            else:
                found |= _tagged(two, mine & theirs)
        return found

    @property
    def unknown_tags(self) -> frozenset[str]:
        """Tags whose addresses may be anybody's or a few, in lower case."""
        return frozenset(tag for tag in self.tags if not _is_azure(tag))

    @property
    def azure(self) -> bool:
        """Whether any customer's resource in Azure, or in one of its regions, gets in."""
        everyone = self.addresses.internet_share > MOST
        return everyone or any(
            _is_azure(tag) and within.internet_share > MOST for tag, within in self.tags.items()
        )

    @property
    def exposure(self) -> Exposure:
        """The grade; `unknown_tags`, being names, count as listed."""
        grades = [Exposure.of(self.addresses)]
        grades.extend(Exposure.LISTED for _ in self.unknown_tags)
        for tag, within in self.tags.items():
            if _is_azure(tag):
                some = Exposure.of(within)
                grades.append(Exposure.OPEN_AZURE if some is Exposure.OPEN_INTERNET else some)
        return Exposure.worst(grades)


def _tagged(tag: str, within: Addresses) -> Sources:
    return Sources(tags={tag: within} if within else {})


@dataclass(frozen=True, slots=True)
class Destination:
    """What traffic is for: an ip configuration, or (addresses of a subnet) something in it.

    `groups` are the ids of its application security groups in lower case.
    """

    addresses: Addresses = EVERY_ADDRESS
    groups: frozenset[str] = frozenset()

    @classmethod
    def of(cls, configuration: Resource) -> Destination:
        """Of an element of `ipConfigurations`; an address that is not there may be any.

        Raises:
            Undecided: it is of another shape.
        """
        address = configuration.get("/properties/privateIPAddress")
        listed = configuration.items("/properties/applicationSecurityGroups")
        groups = frozenset(ResourceId(str(one["id"])).key for one in listed)
        if address is not None:
            return cls(Addresses.parse(str(address)), groups)
        v6 = configuration.text("/properties/privateIPAddressVersion") == "ipv6"
        every = Addresses(v6=EVERY_ADDRESS.v6) if v6 else Addresses(v4=EVERY_ADDRESS.v4)
        return cls(every, groups)

    def pieces(self, rules: Sequence[SecurityRule]) -> Iterator[Addresses]:
        """Its addresses, split so finely that each rule is for all of a piece or for none."""
        walls = [rule.destinations.addresses for rule in rules]
        for piece in self.addresses.v4.pieces(wall.v4 for wall in walls):
            yield Addresses(v4=piece)
        for piece in self.addresses.v6.pieces(wall.v6 for wall in walls):
            yield Addresses(v6=piece)

    def met_by(self, rule: SecurityRule, piece: Addresses) -> bool:
        """Whether the rule is for this piece: by address, by group, or as part of the network."""
        named = rule.destinations.names & (self.groups | {NETWORK})
        return bool(named) or rule.destinations.addresses.covers(piece)


@dataclass(frozen=True, slots=True)
class Closing:
    """What keeps most of the internet out: a rule of the group, or that no rule lets it in."""

    group: ResourceId
    rule: SecurityRule | None

    def __str__(self) -> str:
        if self.rule is None:
            return "closed by DenyAllInBound, priority 65500"
        return f"closed by {self.rule.resource.id.name}, priority {self.rule.priority}"

    @property
    def evidence(self) -> Evidence:
        if self.rule is None:
            return Evidence("/id", self.group.text, str(self), self.group)
        access = "/properties/access"
        observed = self.rule.resource.get(access)
        return Evidence(self.rule.pointer(access), observed, str(self), self.group)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Who gets in, by which Allow rules, and by what the rest is kept out.

    Without any group both are empty: `sources` are everybody (Basic) or nobody (Standard).
    """

    sources: Sources
    opened_by: tuple[SecurityRule, ...] = ()
    closed_by: tuple[Closing, ...] = ()

    @property
    def exposure(self) -> Exposure:
        return self.sources.exposure

    def evidence(self, expected: str = "sources that are known clients") -> Iterator[Evidence]:
        """The rules that let in, or where most is kept out what does that."""
        for rule in self.opened_by:
            tags = sorted(self.sources.unknown_tags & rule.sources.names)
            unknown = f"; what {', '.join(tags)} stands for is not known here" if tags else ""
            for pointer in rule.fields("sourceAddressPrefix"):
                observed = rule.resource.get(pointer)
                yield Evidence(rule.pointer(pointer), observed, expected + unknown, rule.group)
        for closing in self.closed_by:
            yield closing.evidence


def reach(
    groups: Sequence[Resource],
    destination: Destination,
    ports: Ranges,
    protocol: Protocol = "tcp",
    *,
    basic: bool = False,
) -> Reach:
    """Who gets through `groups` (the subnet's, the interface's; those that are there).

    Where no group is there, a Standard public address or load balancer is closed, and one that
    is `basic` is open (Microsoft Learn, "Public IP addresses"). Of `ports` and of the
    destination's addresses, one that is reached is enough. Rules that name tags let in those,
    and a Deny of a tag takes away that tag alone, so that in doubt a way counts as open.

    Raises:
        Undecided: a rule that may matter cannot be read.
    """
    if not groups:
        return Reach(sources=Sources(OUTSIDE & _family(destination.addresses)) if basic else _NONE)
    listed = [inbound_rules(group, ports, protocol) for group in groups]
    sources, opened, closed = _NONE, list[SecurityRule](), list[Closing]()
    for rules, family in _cells(listed, destination, ports):
        walks = [_walk(one, family) for one in rules]
        through = _through(walk.total for walk in walks)
        sources |= through
        opened.extend(rule for walk in walks for rule in walk.opening(through))
        if through.addresses.internet_share <= MOST:
            closed.extend(_closings(groups, walks))
    shut = sources.exposure is not Exposure.OPEN_INTERNET
    return Reach(
        sources=sources,
        opened_by=tuple({rule.resource.id: rule for rule in opened}.values()),
        closed_by=tuple({(one.group, str(one)): one for one in closed}.values()) if shut else (),
    )


_NONE: Final = Sources()


def _cells(
    listed: Sequence[Sequence[SecurityRule]], destination: Destination, ports: Ranges
) -> Iterator[tuple[tuple[tuple[SecurityRule, ...], ...], Addresses]]:
    """Each way in which the groups' rules may apply to a packet.

    Given are the rules that do, of each group, and the packet's family as seen from outside.
    """
    every = [rule for rules in listed for rule in rules]
    destinations = dict.fromkeys(
        (_those(destination.met_by(rule, piece) for rule in every), _family(piece))
        for piece in destination.pieces(every)
    )
    arriving = dict.fromkeys(
        _those(rule.ports.covers(piece) for rule in every)
        for piece in ports.pieces(rule.ports for rule in every)
    )
    leaving = dict.fromkeys(
        _those(rule.source_ports.covers(piece) for rule in every)
        for piece in CLIENT_PORTS.pieces(rule.source_ports for rule in every)
    )
    kinds = dict.fromkeys(
        (met & at & by, family)
        for (met, family), at, by in product(destinations, arriving, leaving)
    )
    for applying, family in kinds:
        numbered = iter(enumerate(every))
        rules = tuple(
            tuple(rule for i, rule in islice(numbered, len(one)) if i in applying) for one in listed
        )
        yield rules, OUTSIDE & family


def _those(which: Iterable[bool]) -> frozenset[int]:
    """The places of what is true."""
    return frozenset(i for i, true in enumerate(which) if true)


def _family(addresses: Addresses) -> Addresses:
    """Every address of the families that are in these: both ends of a packet are of one."""
    return Addresses(
        EVERY_ADDRESS.v4 if addresses.v4 else Ranges(),
        EVERY_ADDRESS.v6 if addresses.v6 else Ranges(),
    )


@dataclass(frozen=True, slots=True)
class _Walk:
    """What a group's rules do with one kind of packet."""

    opened: tuple[tuple[SecurityRule, Sources], ...]
    closing: SecurityRule | None

    @property
    def total(self) -> Sources:
        total = _NONE
        for _, sources in self.opened:
            total |= sources
        return total

    def opening(self, through: Sources) -> Iterator[SecurityRule]:
        """The rules that let in some of those who get through every group."""
        return (rule for rule, sources in self.opened if sources & through)


def _walk(rules: Iterable[SecurityRule], family: Addresses) -> _Walk:
    left, names = family, frozenset[str]()
    opened: list[tuple[SecurityRule, Sources]] = []
    closing: SecurityRule | None = None
    for rule in rules:
        if not rule.allows:
            left -= rule.sources.addresses
            names |= rule.sources.names
            if closing is None and left.internet_share <= MOST:
                closing = rule
        elif sources := _let_in(rule, left, names):
            opened.append((rule, sources))
    return _Walk(tuple(opened), closing)


def _let_in(rule: SecurityRule, left: Addresses, denied: frozenset[str]) -> Sources:
    tags = {
        name: left
        for name in rule.sources.names
        if left and not name.startswith("/") and name not in _INSIDE | denied
        if not (_is_azure(name) and AZURE in denied)
    }
    return Sources(rule.sources.addresses & left, tags)


def _through(totals: Iterable[Sources]) -> Sources:
    every, *more = totals
    for one in more:
        every &= one
    return every


def _closings(groups: Sequence[Resource], walks: Sequence[_Walk]) -> Iterator[Closing]:
    """What stops most of the internet first: one group by itself, or all of them together."""
    pairs = list(zip(groups, walks, strict=True))
    alone = [pair for pair in pairs if pair[1].total.addresses.internet_share <= MOST]
    for group, walk in alone[:1] or pairs:
        yield Closing(group.id, walk.closing)
