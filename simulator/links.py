"""References between network resources, seen from the other end.

A network interface names its public address; the address shows that as `ipConfiguration`. ARM
keeps the two in step when the interface's operation has succeeded, and so does this watcher.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simulator import types
from simulator.address import Address, parse
from simulator.documents import Document, clone, dig, drop, put
from simulator.drafts import stamp
from simulator.network import public_address
from simulator.state import State


@dataclass(frozen=True)
class Link:
    """`source` (an id) refers to `target`, where it shows at the dotted path `place`.

    `many` places hold a list of `{"id"}`, the others one object.
    """

    source: str
    target: str
    place: str
    many: bool


class Links:
    """Keeps back-references in step with the documents that hold the references."""

    def __init__(self, state: State) -> None:
        """Watch `state` from now on."""
        self._state = state
        self._outgoing: dict[str, frozenset[Link]] = {}
        self._incoming: dict[str, set[Link]] = {}
        state.watchers.append(self._watch)

    def _watch(self, address: Address, _: Document | None, after: Document | None) -> None:
        state = dig(after, "properties.provisioningState", "Succeeded")
        if state not in {"Updating", "Deleting", "Failed"}:
            self._follow(address, frozenset(_links(address, after)) if after else frozenset())
        if after is not None and address.key in self._incoming:
            self._restore(address, after)

    def _follow(self, address: Address, now: frozenset[Link]) -> None:
        before = self._outgoing.get(address.key, frozenset())
        if before == now:
            return
        if now:
            self._outgoing[address.key] = now
        else:
            self._outgoing.pop(address.key, None)
        for link in before - now:
            self._incoming.get(_holder(link.target), set()).discard(link)
            self._show(link, present=False)
        for link in now - before:
            self._incoming.setdefault(_holder(link.target), set()).add(link)
            self._show(link, present=True)

    def _restore(self, address: Address, document: Document) -> None:
        """A target that is loaded or replaced after its references shows them nevertheless."""
        for link in sorted(self._incoming[address.key], key=lambda link: link.source.lower()):
            shown = self._state.find(parse(link.target).key) if link.target else document
            if shown is not None and not _shows(shown, link):
                self._show(link, present=True)

    def _show(self, link: Link, *, present: bool) -> None:
        address = parse(link.target)
        found = self._state.find(address.key)
        if found is None:
            self._show_inside(link, address, present=present)
            return
        if _shows(found, link) == present:
            return
        document = clone(found)
        self._mark(document, link, present=present)
        self._follow_address(document)
        row = types.row_of(address.type)
        if row is not None and types.embedding(address.type) is None:
            stamp(self._state, row, document, "")
        self._state.save(address, document)

    def _show_inside(self, link: Link, address: Address, *, present: bool) -> None:
        """A part without an address of its own (a gateway's pool) shows it in the whole."""
        holder = parse(_holder(link.target))
        found = self._state.find(holder.key)
        row = types.row_of(holder.type)
        if found is None or row is None or holder.key == address.key:
            return
        document = clone(found)
        for item in dig(document, f"properties.{_collection(address)}") or []:
            if str(item.get("name")).lower() == address.name.lower():
                if _shows(item, link) != present:
                    self._mark(item, link, present=present)
        stamp(self._state, row, document, "")
        self._state.save(holder, document)

    def _mark(self, document: Document, link: Link, *, present: bool) -> None:
        if link.many:
            held = [one for one in dig(document, link.place) or [] if not _is(one, link.source)]
            if present:
                held.append({"id": link.source})
            put(document, link.place, held) if held else drop(document, link.place)
        elif present:
            put(document, link.place, {"id": link.source})
        else:
            drop(document, link.place)

    def _follow_address(self, document: Document) -> None:
        """A dynamic public address exists only while it is attached."""
        if dig(document, "properties.publicIPAllocationMethod") != "Dynamic":
            return
        attached = dig(document, "properties.ipConfiguration") is not None
        if attached and not dig(document, "properties.ipAddress"):
            put(document, "properties.ipAddress", public_address(self._state.random))
        elif not attached:
            drop(document, "properties.ipAddress")


def _links(address: Address, document: Document) -> Iterator[Link]:
    find = _FINDERS.get(address.type_key)
    return find(address, document) if find else iter(())


def _balancer_links(address: Address, document: Document) -> Iterator[Link]:
    for one in dig(document, "properties.frontendIPConfigurations") or []:
        source = f"{address.id}/frontendIPConfigurations/{one.get('name')}"
        yield from _link(one, "publicIPAddress", source, "properties.ipConfiguration")


def _network_links(address: Address, document: Document) -> Iterator[Link]:
    for one in dig(document, "properties.subnets") or []:
        source = f"{address.id}/subnets/{one.get('name')}"
        yield from _link(one, "networkSecurityGroup", source, "properties.subnets", many=True)


def _machine_links(address: Address, document: Document) -> Iterator[Link]:
    for one in dig(document, "properties.networkProfile.networkInterfaces") or []:
        if one.get("id"):
            yield Link(address.id, str(one["id"]), "properties.virtualMachine", many=False)


def _interface_links(address: Address, document: Document) -> Iterator[Link]:
    yield from _link(
        document, "networkSecurityGroup", address.id, "properties.networkInterfaces", many=True
    )
    for one in dig(document, "properties.ipConfigurations") or []:
        source = f"{address.id}/ipConfigurations/{one.get('name')}"
        yield from _link(one, "publicIPAddress", source, "properties.ipConfiguration")
        yield from _link(one, "subnet", source, "properties.ipConfigurations", many=True)
        for name, place in _JOINED.items():
            many = place.endswith("s")
            for joined in dig(one, f"properties.{name}") or []:
                if str(joined.get("id")).startswith("/"):
                    yield Link(source, str(joined["id"]), f"properties.{place}", many)


def _link(
    holder: Document, name: str, source: str, place: str, *, many: bool = False
) -> Iterator[Link]:
    target = dig(holder, f"properties.{name}.id")
    if isinstance(target, str) and target.startswith("/"):
        yield Link(source, target, place, many)


_JOINED = {
    "loadBalancerInboundNatRules": "backendIPConfiguration",
    "loadBalancerBackendAddressPools": "backendIPConfigurations",
    "applicationGatewayBackendAddressPools": "backendIPConfigurations",
}
"""What an interface's configuration joins, and where that shows who joined."""


_FINDERS: dict[str, Callable[[Address, Document], Iterator[Link]]] = {
    "microsoft.network/networkinterfaces": _interface_links,
    "microsoft.network/loadbalancers": _balancer_links,
    "microsoft.network/virtualnetworks": _network_links,
    "microsoft.compute/virtualmachines": _machine_links,
}


def _holder(target: str) -> str:
    """The key of the stored document that contains a target: a subnet is in its network."""
    address = parse(target)
    row = types.row_of(address.type.rsplit("/", 1)[0])
    inside = row is not None and any(
        one.path.lower() == _collection(address).lower() for one in row.embedded
    )
    return address.parent.lower() if inside else address.key


def _collection(address: Address) -> str:
    return address.type.rsplit("/", 1)[-1]


def _is(one: Document, source: str) -> bool:
    return str(one.get("id", "")).lower() == source.lower()


def _shows(document: Document, link: Link) -> bool:
    held = dig(document, link.place)
    if link.many:
        return any(_is(one, link.source) for one in held or [])
    return isinstance(held, dict) and _is(held, link.source)
