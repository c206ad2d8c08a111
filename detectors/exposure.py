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

ON: Final = ("", "enabled", "true")
OFF: Final = ("disabled", "false")
PERIMETER: Final = "securedbyperimeter"
PERIMETERS: Final = "networkSecurityPerimeterConfigurations"


def everybody(_: Resource) -> Iterator[OpenPath]:
    """No firewall of its own: whoever reaches the endpoint gets through."""
    yield OpenPath(Exposure.OPEN_INTERNET, Evidence("", "no firewall of its own", "none needed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """One type of data store: its public switch, and the ways in while that is on.

    Absent means on (each provider's REST reference: the default is Enabled); of an `automatic`
    one, on until it has a private endpoint. `more` are switches of further endpoints. With one of
    the `inside` pointers filled in, the store lies in a virtual network and has no public endpoint.
    `lookups` are what `ways` reads beyond the document. `perimeters` is the api-version that shows
    its security perimeters: empty is its own, None that no version is known to.
    """

    type: ResourceType
    ways: Ways = everybody
    switch: str = PUBLIC_ACCESS
    more: tuple[str, ...] = ()
    automatic: bool = False
    inside: tuple[str, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    perimeters: str | None = ""

    @property
    def perimeter(self) -> tuple[Lookup, ...]:
        """The security perimeters it is associated with, their inbound rules included."""
        if self.perimeters is None:
            return ()
        version = self.perimeters or self.type.api_version
        lookup = Lookup(
            name=PERIMETERS,
            type=ResourceType(f"{self.type.name}/{PERIMETERS}", version),
            ids=lambda store: [f"{store.id}/{PERIMETERS}"],
            many=True,
        )
        return (lookup,)

    def access(self, store: Resource, switch: str) -> str:
        """A switch in lower case: one of `ON`, of `OFF`, or `PERIMETER`.

        Raises:
            Undecided: it is none of them, or the document shows no properties.
        """
        found = seen(store).get(switch)
        word = "" if found is None else str(found).casefold()
        if word not in (*ON, *OFF, PERIMETER):
            raise Undecided(f"{switch} is {found!r}")
        return "disabled" if self.automatic and not word and _connected(store) else word

    def on(self, store: Resource) -> list[str]:
        """The switches behind which its own firewall is what keeps the internet out.

        None while a perimeter secures it: then the perimeter's rules decide in every mode, and
        without an association all is denied (Microsoft Learn, "Transition to a network security
        perimeter", impact on public network access).
        """
        switches = [one for one in (self.switch, *self.more) if self.access(store, one) in ON]
        return [] if any(store.get(one) for one in self.inside) else switches

    def secured(self, store: Resource) -> bool:
        """Whether a perimeter keeps the internet out, of one endpoint at least."""
        return any(self.access(store, one) == PERIMETER for one in (self.switch, *self.more))

    def paths(self, store: Resource) -> list[OpenPath]:
        """Every way in; none where it is private.

        Raises:
            NeedsLookup, Undecided: as `ways`.
        """
        found = list(self.ways(store)) if self.on(store) else []
        if self.secured(store):
            if self.perimeters is None:
                raise Undecided("the rules of its security perimeter cannot be read")
            found += through_perimeter(store)
        return found


def _connected(store: Resource) -> bool:
    """Whether it has an approved private endpoint."""
    pointer = "/properties/privateEndpointConnections"
    status = "properties/privateLinkServiceConnectionState/status"
    listed = range(len(store.items(pointer)))
    return any(store.text(f"{pointer}/{i}/{status}") == "approved" for i in listed)


def public_endpoint(store: Store) -> Callable[[Resource], Iterator[Evidence]]:
    """The check of a control that wants a store's public endpoint off; what is behind is graded."""

    def check(resource: Resource) -> Iterator[Evidence]:
        switches = store.on(resource)
        for switch in switches:
            yield Evidence(switch, resource.get(switch), "Disabled")
        if switches:
            yield from graded(lambda: list(store.ways(resource)))

    return check


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


def by_network_acls(absent: str = "allow", trusted: str = "azureservices") -> Ways:
    """The ways in through `networkAcls`.

    `absent` is what an absent default action means, `trusted` what an absent `bypass` does.
    """

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
        yield from _named(store, f"{NETWORK_ACLS}/virtualNetworkRules", "id")
        yield from _named(store, f"{NETWORK_ACLS}/resourceAccessRules", "resourceId")
        bypass = f"{NETWORK_ACLS}/bypass"
        if "azureservices" in (store.text(bypass) or trusted):
            evidence = Evidence(bypass, store.get(bypass), "None")
            yield OpenPath(Exposure.LISTED, evidence)

    return ways


def _named(store: Resource, pointer: str, key: str) -> Iterator[OpenPath]:
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
