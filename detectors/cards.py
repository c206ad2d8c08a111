"""Where a path ends: a network card's IP configuration, found by its id or by its address."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass

from detectors.network import INTERFACE, held
from detectors.network_types import SCALE_SET
from shared.model import Resource, ResourceId

MODEL = "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations"


@dataclass(frozen=True, slots=True)
class End:
    """Where a path ends: the id of an IP configuration, or a private address.

    An address may say in which virtual network, or subnet of one, it lies; it may be a host's
    name too. `at` is where it stands, where that may mark it as a data store's.
    """

    configuration: str = ""
    address: str = ""
    network: str = ""
    at: str = ""

    @property
    def holder(self) -> ResourceId:
        """The interface, or the scale set of the instance, that has the configuration."""
        rid = ResourceId(self.configuration)
        return rid.write_target if SCALE_SET.matches(rid.write_target) else rid.parent or rid

    @property
    def lookup(self) -> str:
        """The name of the lookup that tells what is there."""
        if self.address:
            return "interfacesByAddress"
        return "scaleSets" if SCALE_SET.matches(self.holder) else "interfaces"

    def __str__(self) -> str:
        return self.address or "/".join(self.configuration.split("/")[-3:])


@dataclass(frozen=True, slots=True)
class Card:
    """One IP configuration of an interface, or of those that a scale set's model describes.

    `at` leads to the card in the document of `resource`, `configuration` to the element of its
    `ipConfigurations`.
    """

    resource: Resource
    at: str
    configuration: str

    @property
    def machine(self) -> str:
        return self._text("/properties/virtualMachine/id")

    @property
    def endpoint(self) -> str:
        """The private endpoint whose card it is."""
        return self._text("/properties/privateEndpoint/id")

    @property
    def group(self) -> str:
        return self._text(f"{self.at}/properties/networkSecurityGroup/id")

    @property
    def subnet(self) -> str:
        return self._text(f"{self.configuration}/properties/subnet/id")

    @property
    def whole(self) -> Resource:
        """The card by itself."""
        body = self.resource.get(self.at) if self.at else self.resource.body
        return Resource(id=self.resource.id, body=body)

    @property
    def element(self) -> Resource:
        """The element of `ipConfigurations` by itself."""
        return Resource(id=self.resource.id, body=self.resource.get(self.configuration))

    def _text(self, pointer: str) -> str:
        return str(self.resource.get(pointer) or "")


def cards_at(resource: Resource, end: End) -> list[Card]:
    """What the lookups found at an end.

    Of several cards with one address those in the end's network are meant, where any is.
    """
    known = held(resource, end.lookup)
    if end.address:
        cards = [card for one in known for card in cards_of(one) if _has(card, end.address)]
        near = [card for card in cards if end.network and _within(card, end.network)]
        return near or cards
    holder, name = end.holder, ResourceId(end.configuration).name
    cards = [card for one in known if one.id == holder for card in cards_of(one)]
    found = [card for card in cards if _named(card.element, name)]
    if SCALE_SET.matches(holder):
        instance = ResourceId(end.configuration).parent or holder
        return [card for card in found if _named(card.whole, instance.name)]
    return found


def cards_of(holder: Resource) -> Iterator[Card]:
    """Every IP configuration of an interface, or of a scale set's model."""
    if INTERFACE.matches(holder.id):
        yield from _configurations(holder, "")
    for i, _ in enumerate(holder.items(MODEL)):
        yield from _configurations(holder, f"{MODEL}/{i}")


def _configurations(holder: Resource, at: str) -> Iterator[Card]:
    for i, _ in enumerate(holder.items(f"{at}/properties/ipConfigurations")):
        yield Card(holder, at, f"{at}/properties/ipConfigurations/{i}")


def _named(element: Resource, name: str) -> bool:
    own = element.get("/name") or ResourceId(str(element.get("/id"))).name
    return str(own).casefold() == name.casefold()


def _has(card: Card, address: str) -> bool:
    own = card.element.get("/properties/privateIPAddress")
    return isinstance(own, str) and same_address(own, address)


def same_address(one: str, other: str) -> bool:
    """Whether two texts are one IP address; IPv6 has several ways to write one."""
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False


def _within(card: Card, network: str) -> bool:
    return bool(card.subnet) and ResourceId(card.subnet).within(ResourceId(network))
