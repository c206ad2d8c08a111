"""What stands behind a public path, and whether it holds data.

A path ends at an IP configuration (of an interface, or of a scale set's instance) or at a
private address. Which resource has it, and what marks that as a data store, is in other
documents: `behind` declares the lookups, `Ends` reads what they found.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from detectors.cards import Card, End, cards_at
from detectors.network import (
    INTERFACE,
    data_store,
    held,
    look,
    store_signs,
    stores_behind,
    tagged,
)
from detectors.network_types import PRIVATE_ENDPOINT, SCALE_SET
from shared.model import Evidence, Lookup, Resource, ResourceId, Undecided

STORES = (
    "microsoft.cache/", "microsoft.dbfor", "microsoft.documentdb/", "microsoft.keyvault/",
    "microsoft.kusto/", "microsoft.search/", "microsoft.sql/", "microsoft.storage/",
    "microsoft.synapse/",
)  # fmt: skip
"""How the types of data stores begin that a private endpoint may lead to."""

HOSTS = (
    ".azuresynapse.net", ".blob.core.windows.net", ".database.azure.com",
    ".database.windows.net", ".dfs.core.windows.net", ".documents.azure.com",
    ".file.core.windows.net", ".kusto.windows.net", ".mongo.cosmos.azure.com",
    ".mongocluster.cosmos.azure.com", ".queue.core.windows.net", ".redis.cache.windows.net",
    ".redis.azure.net", ".search.windows.net", ".table.core.windows.net", ".vault.azure.net",
)  # fmt: skip
"""How the host names of Azure's data stores end."""


@dataclass(frozen=True, slots=True)
class Store:
    """A data store at the end of a path, and what marks it as one.

    `card` is where it is reached; None where nothing that was seen has the address.
    """

    card: Card | None
    signs: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Ends:
    """The ends of all paths of one resource, as far as lookups told about them."""

    resource: Resource
    ends: tuple[End, ...]
    unread: dict[str, Undecided] = field(default_factory=dict)

    @classmethod
    def of(cls, resource: Resource, ends: Iterable[End]) -> "Ends":
        """Look everything up that the ends need.

        Raises:
            NeedsLookup: fetch that lookup, and come again.
        """
        found = cls(resource, tuple(ends))
        for name in dict.fromkeys(end.lookup for end in found.ends):
            found.look(name)
        if any(card.endpoint for card in found.cards()):
            found.look("privateEndpoints")
        return found

    def cards(self) -> list[Card]:
        """Everything that was found at any end."""
        return [card for end in self.ends for card in cards_at(self.resource, end)]

    def look(self, name: str) -> None:
        _, reason = look(self.resource, name)
        if reason:
            self.unread[name] = reason

    def at(self, end: End, *, known: tuple[Evidence, ...] = ()) -> list[Store]:
        """The data stores at this end; an address may stand for one in each of several networks.

        `known` are signs that hold for whatever machine is there.

        Raises:
            Undecided: no sign was seen, and not everything could be.
        """
        if end.lookup in self.unread:
            raise self.unread[end.lookup]
        cards = cards_at(self.resource, end)
        if known and not cards:
            return [Store(None, known)]
        stores = (Store(card, self._signs(card, known)) for card in cards)
        return [store for store in stores if store.signs]

    def _signs(self, card: Card, known: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
        if SCALE_SET.matches(card.resource.id):
            return (*known, *scale_set_signs(card.resource))
        if card.endpoint:
            found, unread = list(self._endpoint_signs(card.endpoint)), "privateEndpoints"
            return _told(found, self.unread.get(unread))
        if not card.machine:
            return ()
        found, reason = store_signs(self.resource, card.resource, ())
        return _told([*known, *found], reason)

    def _endpoint_signs(self, endpoint: str) -> Iterator[Evidence]:
        for one in held(self.resource, "privateEndpoints"):
            if one.id != ResourceId(endpoint):
                continue
            for kind in ("privateLinkServiceConnections", "manualPrivateLinkServiceConnections"):
                for i, _ in enumerate(one.items(f"/properties/{kind}")):
                    pointer = f"/properties/{kind}/{i}/properties/privateLinkServiceId"
                    target = one.text(pointer)
                    if target and ResourceId(target).type.startswith(STORES):
                        yield Evidence(pointer, one.get(pointer), "no data store", one.id)


def _told(signs: list[Evidence], unread: Undecided | None) -> tuple[Evidence, ...]:
    if unread and not signs:
        raise unread
    return tuple(signs)


MODEL = "/properties/virtualMachineProfile"


def scale_set_signs(scale_set: Resource) -> Iterator[Evidence]:
    """What marks a scale set as one of data stores: as for a machine, in its model."""
    extensions = f"{MODEL}/extensionProfile/extensions"
    model = {
        "properties": scale_set.get(MODEL),
        "resources": list(scale_set.items(extensions)),
    }
    for sign in data_store(Resource(id=scale_set.id, body=model)):
        path = sign.path.replace("/properties/storage", f"{MODEL}/storage", 1)
        path = path.replace("/resources", extensions, 1)
        yield Evidence(path, sign.observed, sign.expected, scale_set.id)
    yield from tagged(scale_set)


def behind(ends: Callable[[Resource], Iterable[End]]) -> tuple[Lookup, ...]:
    """The lookups that tell what stands at the ends of a resource's paths."""

    def by_address(resource: Resource) -> list[str]:
        wanted = {
            ResourceId(end.network).subscription or resource.id.subscription
            for end in ends(resource)
            if end.address
        }
        return [f"/subscriptions/{one}/providers/{INTERFACE.name}" for one in sorted(wanted)]

    def machines(resource: Resource) -> list[Resource]:
        found = Ends(resource, tuple(ends(resource))).cards()
        return [card.resource for card in found if card.machine]

    def endpoints(resource: Resource) -> list[str]:
        found = Ends(resource, tuple(ends(resource))).cards()
        return list(dict.fromkeys(card.endpoint for card in found if card.endpoint))

    def holders(of: str) -> Callable[[Resource], list[str]]:
        return lambda resource: list(
            dict.fromkeys(str(end.holder) for end in ends(resource) if end.lookup == of)
        )

    return (
        Lookup(name="interfaces", type=INTERFACE, ids=holders("interfaces")),
        Lookup(name="scaleSets", type=SCALE_SET, ids=holders("scaleSets")),
        Lookup(name="interfacesByAddress", type=INTERFACE, ids=by_address, many=True),
        *stores_behind(machines),
        Lookup(name="privateEndpoints", type=PRIVATE_ENDPOINT, ids=endpoints),
    )
