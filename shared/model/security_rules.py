"""What the inbound rules of a network security group let in, and how to let in less.

Rules are tried in the order of their priority and the first that matches decides (Microsoft
Learn, "How network security groups filter network traffic"); what no rule matches is denied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final, Literal

from shared.model.addresses import EVERY_ADDRESS, MOST, NOWHERE, WIDE, Addresses, Ranges
from shared.model.document import ABSENT, Json, Path, pointer_to
from shared.model.plan import Edit
from shared.model.resource import Resource, ResourceId, Undecided

ALL_PORTS: Final = Ranges(((0, 65535),))
CLIENT_PORTS: Final = Ranges(((1, 65535),))
"""Where packets come from: no TCP client sends from port 0."""
SMALL: Final = Fraction(WIDE, 2**32)
"""The share of the internet that a rule may name and still be a list of known clients."""

_ANY: Final = {"*", "any"}
_PROTOCOLS: Final = {"tcp", "udp", "icmp", "icmpv6", "esp", "ah"}

Protocol = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True)
class Peers:
    """One side of a rule: addresses, and names (service tags, application security groups).

    What a name stands for cannot be seen in the document, so a name covers itself alone.
    """

    addresses: Addresses = NOWHERE
    names: frozenset[str] = frozenset()

    def covers(self, other: Peers) -> bool:
        if self.addresses.covers(EVERY_ADDRESS):
            return True
        return other.names <= self.names and self.addresses.covers(other.addresses)


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityRule:
    """An inbound rule; `resource` is its own document, `path` leads to it in the group's."""

    path: Path
    resource: Resource
    priority: int
    allows: bool
    sources: Peers
    destinations: Peers
    source_ports: Ranges
    ports: Ranges

    @property
    def editable(self) -> bool:
        """Azure's own default rules are not, nor is one that does not say its name."""
        named = self.resource.get("/id") or self.resource.get("/name")
        return self.path[1] == "securityRules" and isinstance(named, str)

    @property
    def group(self) -> ResourceId:
        """The security group that it belongs to."""
        return self.resource.id.scope

    def fields(self, singular: str) -> Iterator[str]:
        """Pointers, inside the rule, of the two forms of a field that hold something."""
        for pointer in _forms(singular):
            if self.resource.get(pointer):
                yield pointer

    @property
    def known_clients(self) -> list[str]:
        """The small ranges that it lists as sources."""
        return [text for text in texts(self.resource, "sourceAddressPrefix") if _is_small(text)]

    @property
    def listed_ports(self) -> Iterator[tuple[str, Ranges]]:
        """Each port or range as it is listed: its pointer in the group's document, and it."""
        for pointer in self.fields("destinationPortRange"):
            found = self.resource.get(pointer)
            for i, text in enumerate(found) if isinstance(found, list) else [(None, found)]:
                at = pointer if i is None else f"{pointer}/{i}"
                yield self.pointer(at), Ranges.of([_span(text)])

    def pointer(self, field: str) -> str:
        """Where a field of the rule stands in the group's document."""
        return pointer_to(self.path) + field


@dataclass(frozen=True, slots=True)
class Opening:
    """A rule that lets `sources` through to `ports`, after the Denys before it."""

    rule: SecurityRule
    sources: Addresses
    ports: Ranges


@cache
def _forms(singular: str) -> tuple[str, str]:
    """Where a field's two forms stand in a rule: the one for one value, and that for many."""
    plural = singular + ("es" if singular.endswith("x") else "s")
    return f"/properties/{singular}", f"/properties/{plural}"


def texts(rule: Resource, singular: str) -> list[str]:
    """What both forms of a field hold; Azure fills one, and leaves the other `""`, `[]` or out.

    Raises:
        Undecided: either form holds something else than strings.
    """
    found, listed = map(rule.get, _forms(singular))
    both = [*([found] if found else []), *(listed if isinstance(listed, list) else [])]
    odd = listed is not None and not isinstance(listed, list)
    if odd or not all(isinstance(text, str) for text in both):
        raise Undecided(f"{singular} of the rule {rule.id.name!r} is not made of strings")
    return both


def _ports(rule: Resource, singular: str) -> Ranges:
    return _ranges(tuple(texts(rule, singular)))


@lru_cache(maxsize=4096)
def _ranges(listed: tuple[str, ...]) -> Ranges:
    """What lists of ports mean, which are few: groups name the same ones again and again."""
    return Ranges.of(map(_span, listed))


def _span(text: str) -> tuple[int, int]:
    if text.strip().casefold() in _ANY:
        return ALL_PORTS.spans[0]
    first, _, last = text.partition("-")
    try:
        return int(first), int(last or first)
    except ValueError:
        raise Undecided(f"{text!r} is not a port or a range of ports") from None


def _peers(rule: Resource, side: str) -> Peers:
    addresses, names = NOWHERE, set[str]()
    for text in texts(rule, f"{side}AddressPrefix"):
        word = text.strip().casefold()
        # Seen from outside, the tag Internet is everyone; as a destination it is only a name.
        if word in _ANY or (word, side) == ("internet", "source"):
            addresses |= EVERY_ADDRESS
        elif _is_name(word):
            names.add(word)
        else:
            addresses |= Addresses.parse(text)
    for group in rule.items(f"/properties/{side}ApplicationSecurityGroups"):
        names.add(str(group["id"]).casefold())
    if not (addresses or names):
        raise Undecided(f"the rule {rule.id.name!r} names no {side} that this document shows")
    return Peers(addresses, frozenset(names))


def _matches(rule: Resource, protocol: Protocol) -> bool:
    found = rule.text("/properties/protocol")
    if found in _ANY or found == protocol:
        return True
    if found in _PROTOCOLS:
        return False
    raise Undecided(f"the rule {rule.id.name!r} has the protocol {found!r}")


def _word(rule: Resource, name: str, *, yes: str, no: str) -> bool:
    found = rule.text(f"/properties/{name}")
    if found not in (yes, no):
        raise Undecided(f"{name} of the rule {rule.id.name!r} is {found!r}")
    return found == yes


def inbound_rules(group: Resource, ports: Ranges, protocol: Protocol = "tcp") -> list[SecurityRule]:
    """The inbound rules, Azure's defaults among them, that decide over some of `ports`, in order.

    Raises:
        Undecided: a rule that may matter cannot be read.
    """
    found: list[SecurityRule] = []
    for kind in ("securityRules", "defaultSecurityRules"):
        for i, document in enumerate(group.items(f"/properties/{kind}")):
            rule = Resource(id=group.id.child(f"{kind}/{_name(document, i)}"), body=document)
            if read := _read(rule, ("properties", kind, i), ports, protocol):
                found.append(read)
    return sorted(found, key=lambda rule: rule.priority)


def _name(document: Mapping[str, Json], i: int) -> str:
    """From the id where there is one: bodies may say otherwise."""
    if document.get("id"):
        return str(document["id"]).strip().rstrip("/").rsplit("/", 1)[-1]
    return str(document.get("name", i))


def _read(rule: Resource, path: Path, wanted: Ranges, protocol: Protocol) -> SecurityRule | None:
    inbound = _word(rule, "direction", yes="inbound", no="outbound")
    if not inbound or not _matches(rule, protocol):
        return None
    ports = _ports(rule, "destinationPortRange")
    if not ports:
        raise Undecided(f"the rule {rule.id.name!r} names no port that this document shows")
    if not ports.meets(wanted):
        return None
    priority = rule.get("/properties/priority")
    if not isinstance(priority, int) or isinstance(priority, bool):
        raise Undecided(f"the rule {rule.id.name!r} has the priority {priority!r}")
    return SecurityRule(
        path=path,
        resource=rule,
        priority=priority,
        allows=_word(rule, "access", yes="allow", no="deny"),
        sources=_peers(rule, "source"),
        destinations=_peers(rule, "destination"),
        source_ports=(_ports(rule, "sourcePortRange") or ALL_PORTS) & CLIENT_PORTS,
        ports=ports,
    )


def openings(group: Resource, ports: Ranges) -> list[Opening]:
    """Every rule that lets internet addresses through to one of the TCP `ports` of anything.

    Denys take away exactly what they cover: addresses by addresses, also for a part of the
    destinations or source ports. A name (service tag, application security group) is taken to
    cover no address and to be covered by none but `*`, so that in doubt a rule counts as open.
    An Allow is not hidden by another: it would show as soon as that one went.

    Raises:
        Undecided: a rule that may matter cannot be read.
    """
    return _together(one for alike in _by_port(group, ports) for one in alike)


def _by_port(group: Resource, ports: Ranges) -> Iterator[list[Opening]]:
    """The openings of each part of `ports` that the rules do not tell apart."""
    rules = inbound_rules(group, ports)
    if not any(rule.allows for rule in rules):
        return
    alike: dict[tuple[Path, ...], list[Ranges]] = {}
    for piece in ports.pieces(rule.ports for rule in rules):
        key = tuple(rule.path for rule in rules if rule.ports.covers(piece))
        alike.setdefault(key, []).append(piece)
    for key, pieces in alike.items():
        some = Ranges.of(span for piece in pieces for span in piece.spans)
        yield list(_openings([rule for rule in rules if rule.path in key], some))


def _openings(rules: Iterable[SecurityRule], ports: Ranges) -> Iterator[Opening]:
    denys: list[SecurityRule] = []
    for rule in rules:
        if not rule.allows:
            denys.append(rule)
        elif sources := _reaching(rule, denys):
            yield Opening(rule, sources, ports)


def _together(found: Iterable[Opening]) -> list[Opening]:
    """One opening a rule, in the order of their priority."""
    rules: dict[Path, Opening] = {}
    for one in found:
        known = rules.get(one.rule.path, Opening(one.rule, NOWHERE, Ranges()))
        both = Opening(one.rule, known.sources | one.sources, known.ports | one.ports)
        rules[one.rule.path] = both
    return sorted(rules.values(), key=lambda one: one.rule.priority)


def _reaching(rule: SecurityRule, denys: Sequence[SecurityRule]) -> Addresses:
    """The sources that reach at least one destination from at least one source port."""
    reaching, seen = NOWHERE, set[tuple[frozenset[int], bool, bool]]()
    ports = rule.source_ports.pieces(deny.source_ports for deny in denys)
    for peer in _pieces(rule.destinations, denys):
        v4, v6 = not peer.addresses.v6, not peer.addresses.v4
        over = [i for i, deny in enumerate(denys) if deny.destinations.covers(peer)]
        for some in ports:
            covering = frozenset(i for i in over if denys[i].source_ports.covers(some))
            if (covering, v4, v6) not in seen:
                seen.add((covering, v4, v6))
                gone = Addresses.union(denys[i].sources.addresses for i in covering)
                left = rule.sources.addresses - gone
                # A packet's two ends are of one family.
                reaching |= Addresses(left.v4 if v4 else Ranges(), left.v6 if v6 else Ranges())
    return reaching


def _pieces(peers: Peers, denys: Sequence[SecurityRule]) -> Iterator[Peers]:
    """`peers` split so finely that a Deny covers a piece wholly or not at all."""
    walls = [deny.destinations.addresses for deny in denys]
    for piece in peers.addresses.v4.pieces(wall.v4 for wall in walls):
        yield Peers(Addresses(v4=piece))
    for piece in peers.addresses.v6.pieces(wall.v6 for wall in walls):
        yield Peers(Addresses(v6=piece))
    for name in sorted(peers.names):
        yield Peers(names=frozenset({name}))


def open_to_internet(group: Resource, ports: Ranges) -> list[Opening]:
    """The rules that let most of the internet in to one of the TCP `ports`; empty if none do.

    Named are those to be narrowed: each that lets in more than a /8 does, and then the widest
    of the others until what is left lets in no more than half of IPv4 and of routed IPv6.

    Raises:
        Undecided: a rule that may matter cannot be read.
    """
    return _together(one for alike in _by_port(group, ports) for one in _wide(alike))


def _wide(found: list[Opening]) -> list[Opening]:
    if _share(found) <= MOST:
        return []
    widest = sorted(found, key=lambda one: one.sources.internet_share, reverse=True)
    count = sum(one.sources.internet_share > Fraction(1, 256) for one in found)
    while _share(widest[count:]) > MOST:
        count += 1
    return widest[:count]


def _share(found: Iterable[Opening]) -> Fraction:
    return Addresses.union(one.sources for one in found).internet_share


def closing_edits(opening: Opening, ports: Ranges, allowed: Sequence[str]) -> tuple[Edit, ...]:
    """The edits, inside the rule, after which it opens `ports` to no more than known clients.

    Of a rule that serves other ports too, the opened ones are cut out and nothing else changes.
    A rule for none but `ports` keeps the small ranges it lists, and gets `allowed` for the rest.

    Raises:
        Undecided: `allowed` is not what one rule can hold.
    """
    rule = opening.rule
    if not ports.covers(rule.ports):
        return _without_ports(rule.resource, opening.ports)
    return _rewritten(rule.resource, "sourceAddressPrefix", _sources(rule, allowed))


def _without_ports(rule: Resource, ports: Ranges) -> tuple[Edit, ...]:
    kept: list[str] = []
    for text in texts(rule, "destinationPortRange"):
        whole = Ranges.of([_span(text)])
        left = [str(a) if a == b else f"{a}-{b}" for a, b in (whole - ports).spans]
        kept.extend(left if whole & ports else [text])
    return _rewritten(rule, "destinationPortRange", kept)


def _rewritten(rule: Resource, singular: str, values: Sequence[str]) -> tuple[Edit, ...]:
    """The field in the form it has; a lone value fits the singular, many only the plural.

    A service tag fits the singular alone (Microsoft Learn, "Network security groups").
    """
    one, many = _forms(singular)
    wanted: dict[str, Json] = {one: ABSENT, many: list(values)}
    if len(values) == 1 and (rule.get(one) or _is_name(values[0])):
        wanted = {one: values[0], many: []}
    # The form that is not in use comes as absent, "" or []: it stays as it came.
    edits = (
        Edit.of(rule.body, pointer, after)
        for pointer, after in wanted.items()
        if rule.get(pointer) or after not in (ABSENT, [])
    )
    return tuple(edit for edit in edits if edit.changes)


def _sources(rule: SecurityRule, allowed: Sequence[str]) -> list[str]:
    small = rule.known_clients
    listed = Addresses.union(map(Addresses.parse, small))
    names = [text for text in allowed if _is_name(text)]
    if names and len(allowed) > 1:
        raise Undecided("a rule takes one service tag or only addresses: not this allowed_sources")
    more = [t for t in allowed if not (_is_name(t) or listed.covers(Addresses.parse(t)))]
    wanted = small + more or names
    if not all(map(_is_small, more)) or {"internet", "any"} & {t.casefold() for t in wanted}:
        raise Undecided("allowed_sources is too wide to be a list of known clients")
    families = [Addresses.parse(text) for text in wanted if not _is_name(text)]
    if rule.destinations.addresses != EVERY_ADDRESS:
        families.append(rule.destinations.addresses)
    together = Addresses.union(families)
    if together.v4 and together.v6:
        raise Undecided("a rule takes no mix of IPv4 and IPv6: not this allowed_sources")
    return wanted


def _is_name(text: str) -> bool:
    """Whether it is a service tag: addresses begin with a digit, or have a colon."""
    return text[:1].isalpha() and ":" not in text


def _is_small(text: str) -> bool:
    """Whether it is a range of known clients, and not a name or `*`."""
    return text[:1] != "*" and not _is_name(text) and Addresses.parse(text).internet_share <= SMALL
