"""How far a data store can be reached from outside: one judgement for every type of store.

A store's public switch decides first; while it is off, its firewall counts for nothing. Behind
it stand the ways in, each graded; a store is as exposed as its widest way in.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from detectors import NETWORK_ACLS, PUBLIC_ACCESS, seen
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    WIDE_IPV6,
    Addresses,
    Evidence,
    Exposure,
    Json,
    Lookup,
    NeedsLookup,
    OpenPath,
    RangeRules,
    Resource,
    ResourceType,
    Undecided,
    fitting,
)

Ways = Callable[[Resource], Iterable[OpenPath]]
Entry = tuple[Addresses, Evidence]

ON: Final = ("enabled", "true", "notspecified")
OFF: Final = ("disabled", "false")
PERIMETER: Final = "securedbyperimeter"
PERIMETERS: Final = "networkSecurityPerimeterConfigurations"


def everybody(_: Resource) -> Iterator[OpenPath]:
    """No firewall of its own: whoever reaches the endpoint gets through."""
    yield OpenPath(Exposure.OPEN_INTERNET, Evidence("", "no firewall of its own", "none needed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One type of data store: its public switches, and the ways in while one of them is on.

    A switch that is absent is as `unset` says (each provider's REST reference: the default is
    Enabled); a type with none is always on. `off` is what its provider calls off. With one of the
    `inside` pointers filled in, the store lies in a virtual network and has no public endpoint.
    `lookups` are what `ways` reads beyond the document, `perimeters` the api-version by which its
    security perimeters are read: empty where its type shows none.
    """

    type: ResourceType
    ways: Ways = everybody
    switches: tuple[str, ...] = (PUBLIC_ACCESS,)
    off: Json = "Disabled"
    unset: Callable[[Resource], str] = lambda _: ON[0]
    inside: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    perimeters: str = ""

    @property
    def reads(self) -> tuple[Lookup, ...]:
        """What `paths` needs: `lookups`, and its security perimeters with their inbound rules."""
        if not self.perimeters:
            return self.lookups
        perimeter = Lookup(
            name=PERIMETERS,
            type=ResourceType(f"{self.type.name}/{PERIMETERS}", self.perimeters),
            ids=lambda store: [f"{store.id}/{PERIMETERS}"],
            many=True,
        )
        return (*self.lookups, perimeter)

    def turned_on(self, store: Resource) -> list[str]:
        """The switches that are not off; of these any but `PERIMETER` lets its firewall decide.

        Raises:
            Undecided: one holds a word nobody knows, or the document shows no properties.
        """
        return [one for one in self.switches if self._word(seen(store), one) not in OFF]

    def _word(self, store: Resource, switch: str) -> str:
        found = store.get(switch)
        word = self.unset(store) if found in (None, "") else str(found).casefold()
        if word not in (*ON, *OFF, PERIMETER):
            raise Undecided(f"{switch} is {found!r}")
        return word

    def secured(self, store: Resource) -> bool:
        """Whether a security perimeter decides.

        In every mode: without an association all is denied (Microsoft Learn, "Transition to a
        network security perimeter", impact on public network access).
        """
        return any(self._word(seen(store), one) == PERIMETER for one in self.switches)

    def public(self, store: Resource) -> bool:
        """Whether its own firewall is what stands between it and the internet.

        Raises:
            Undecided: as `turned_on`.
        """
        on = self.turned_on(store) or not self.switches
        return bool(on) and not (self.secured(store) or any(store.get(one) for one in self.inside))

    def paths(self, store: Resource) -> list[OpenPath]:
        """Every way in; none where it is private.

        Raises:
            NeedsLookup, Undecided: as `ways`, or a security perimeter cannot be read.
        """
        if self.secured(seen(store)):
            if not self.perimeters:
                raise Undecided("its security perimeter cannot be read by this api-version")
            return list(through_perimeter(store))
        return list(self.ways(store)) if self.public(store) else []


def public_endpoint(store: Store) -> Callable[[Resource], Iterator[Evidence]]:
    """The check of a control that wants a store's public endpoint off; what is behind is graded."""

    def check(resource: Resource) -> Iterator[Evidence]:
        if store.public(resource):
            for switch in store.turned_on(resource):
                yield Evidence(switch, resource.get(switch), store.off)
            yield from graded(lambda: list(store.ways(resource)))

    return check


def exposed(store: Store, resource: Resource) -> list[OpenPath]:
    """Every way in, where the widest lets in more than known clients; else none.

    Raises:
        NeedsLookup, Undecided: as `Store.paths`.
    """
    paths = store.paths(resource)
    worst = Exposure.worst(path.exposure for path in paths)
    return paths if worst.rank >= Exposure.WIDE.rank else []


def graded(find: Callable[[], Sequence[OpenPath]]) -> Iterator[Evidence]:
    """The grade of what is found, and the evidence of each path; unknown where it is unreadable."""
    try:
        paths = find()
    except NeedsLookup:
        raise
    except Undecided as reason:
        yield Evidence("", f"exposure unknown: {reason}", "private")
        return
    # With the switch on and nobody let in, what is listed is nobody.
    worst = Exposure.worst((Exposure.LISTED, *(path.exposure for path in paths)))
    yield Evidence("", f"exposure {worst}", "private")
    yield from (path.evidence for path in paths)


def listed(entries: Sequence[Entry]) -> Iterator[OpenPath]:
    """The ways in by address rules, judged on the union of their ranges.

    The few widest that make it more than a list of known clients carry the grade of the whole;
    the others are listed. The rule 0.0.0.0 alone lets in all of Azure.
    """
    v4 = [Addresses(v4=addresses.v4) - AZURE_SERVICES for addresses, _ in entries]
    v6 = [Addresses(v6=addresses.v6) for addresses, _ in entries]
    for sets, limit in ((v4, WIDE), (v6, WIDE_IPV6)):
        whole = Exposure.of(Addresses.union(sets))
        stay = fitting(sets, limit=limit)
        for i, addresses in enumerate(sets):
            if addresses:
                yield OpenPath(Exposure.LISTED if i in stay else whole, entries[i][1])
    for addresses, evidence in entries:
        if addresses == AZURE_SERVICES:
            yield OpenPath(Exposure.OPEN_AZURE, evidence)


def by_ranges(*rules: RangeRules) -> Ways:
    """The ways in through child rules, each from a first address to a last one."""

    def ways(store: Resource) -> Iterator[OpenPath]:
        entries = [
            (
                addresses,
                Evidence(f"/properties/{one.first}", one.shown(rule), "no such rule", rule.id),
            )
            for one in rules
            for rule, addresses in one.of(store)
        ]
        return listed(entries)

    return ways


def by_list(pointer: str, key: str = "") -> Ways:
    """The ways in by a list of address texts, or of objects that hold one under `key`."""

    def ways(store: Resource) -> Iterator[OpenPath]:
        return listed(listed_entries(store, pointer, key))

    return ways


def listed_entries(store: Resource, pointer: str, key: str = "") -> list[Entry]:
    """The entries of such a list, each with where it stands.

    Raises:
        Undecided: it is no list, or an entry no range.
    """
    found = store.get(pointer)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Undecided(f"{pointer} is not a list")
    entries: list[Entry] = []
    for i, item in enumerate(found):
        text = item.get(key) if isinstance(item, Mapping) and key else item
        if not isinstance(text, str):
            raise Undecided(f"{pointer}/{i} holds no address range")
        where = f"{pointer}/{i}/{key}" if key else f"{pointer}/{i}"
        entries.append((Addresses.parse(text), Evidence(where, text, "no such entry")))
    return entries


def unless_listed(ways: Ways, pointer: str, *others: str) -> Ways:
    """`ways`, where an empty list (with each of `others` empty too) lets everybody in."""

    def either(store: Resource) -> Iterator[OpenPath]:
        if any(store.get(one) for one in (pointer, *others)):
            yield from ways(store)
        else:
            evidence = Evidence(pointer, store.get(pointer), "the ranges of known clients")
            yield OpenPath(Exposure.OPEN_INTERNET, evidence)

    return either


def by_network_acls(absent: str = "allow") -> Ways:
    """The ways in through `networkAcls`; `absent` is what an absent default action means."""

    def ways(store: Resource) -> Iterator[OpenPath]:
        acls = store.get(NETWORK_ACLS)
        if acls is not None and not isinstance(acls, Mapping):
            raise Undecided(f"{NETWORK_ACLS} is not an object")
        pointer = f"{NETWORK_ACLS}/defaultAction"
        action = store.text(pointer) or absent
        if action not in ("allow", "deny"):
            raise Undecided(f"{pointer} is {action!r}")
        if action == "allow":
            evidence = Evidence(pointer, store.get(pointer), "Deny")
            yield OpenPath(Exposure.OPEN_INTERNET, evidence)
            return
        for rules in ("ipRules", "ipv6Rules"):
            yield from listed(listed_entries(store, f"{NETWORK_ACLS}/{rules}", "value"))
        yield from named(store, f"{NETWORK_ACLS}/virtualNetworkRules", "id")
        yield from named(store, f"{NETWORK_ACLS}/resourceAccessRules", "resourceId")
        bypass = store.text(f"{NETWORK_ACLS}/bypass") or "azureservices"
        if "azureservices" in bypass:
            trusted = Evidence(
                f"{NETWORK_ACLS}/bypass", store.get(f"{NETWORK_ACLS}/bypass"), "None"
            )
            yield OpenPath(Exposure.LISTED, trusted)

    return ways


def named(store: Resource, pointer: str, key: str) -> Iterator[OpenPath]:
    """Subnets and resources that are let in by name."""
    for i, rule in enumerate(store.items(pointer)):
        evidence = Evidence(f"{pointer}/{i}/{key}", rule.get(key), "no such entry")
        yield OpenPath(Exposure.LISTED, evidence)


def through_perimeter(store: Resource) -> Iterator[OpenPath]:
    """What the inbound rules of the store's security perimeters let in.

    Raises:
        NeedsLookup, Undecided: they are not known.
    """
    for found in store.related(PERIMETERS):
        pointer = "/properties/profile/accessRules"
        entries: list[Entry] = []
        for i, rule in enumerate(found.items(pointer)):
            at = f"{pointer}/{i}/properties"
            if found.text(f"{at}/direction") != "inbound":
                continue
            for addresses, evidence in listed_entries(found, f"{at}/addressPrefixes"):
                entries.append(
                    (
                        addresses,
                        Evidence(evidence.path, evidence.observed, "no such entry", found.id),
                    )
                )
            if found.get(f"{at}/subscriptions"):
                named = Evidence(f"{at}/subscriptions", rule.get("name"), "no such rule", found.id)
                yield OpenPath(Exposure.LISTED, named)
        yield from listed(entries)
