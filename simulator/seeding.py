"""Arranging what exists: documents put in place without anybody asking ARM.

What is loaded was recorded or written by hand, so it is taken as it is; only what would make it
unusable is put right: missing parents, missing type and name, states of operations nobody runs.
"""

from dataclasses import replace
from urllib.parse import unquote

from simulator import types
from simulator.address import GROUP, MANAGEMENT_GROUP, ROOT, SUBSCRIPTION, Address, parse
from simulator.documents import Document, clone, dig, fill, put
from simulator.drafts import describe_embedded, filled_in, stamp
from simulator.state import State
from simulator.types import ResourceType

_LOCATION = "westeurope"
_SETTLED = {"succeeded", "failed", "canceled"}


class Seeder:
    """Puts documents into a state, with what they need around them."""

    def __init__(self, state: State) -> None:
        """Work on `state`."""
        self._state = state
        self.made: list[str] = []

    def load(self, document: Document) -> str:
        """Store one document. Returns its id; raises ValueError without a usable one.

        Ids of parents that had to be made are added to `made`.
        """
        given = document.get("id")
        if not isinstance(given, str) or not given.strip("/"):
            raise ValueError("the document has no id")
        # Some services escape names inside ids; a request's path arrives unescaped.
        address = _whole(parse(unquote(given)), document)
        self._make_parents(address, str(document.get("location") or _LOCATION))
        loaded = clone(document)
        loaded["id"] = "/" + given.strip("/")
        if not loaded.get("type") and address.type != SUBSCRIPTION:
            loaded["type"] = address.type
        loaded.setdefault("name", address.name)
        self._complete(address, loaded)
        self._store(address, loaded)
        return str(loaded["id"])

    def _complete(self, address: Address, document: Document) -> None:
        if address.type == SUBSCRIPTION:
            document.setdefault("subscriptionId", address.subscription)
            document.setdefault("tenantId", self._state.tenant_id)
            document.setdefault("state", "Enabled")
            document.setdefault("displayName", address.subscription)
            document.pop("name", None)
        elif address.type == GROUP:
            document.setdefault("location", _LOCATION)
            fill(document, {"properties": {"provisioningState": "Succeeded"}})
        state = dig(document, "properties.provisioningState")
        if isinstance(state, str) and state.lower() not in _SETTLED:
            put(document, "properties.provisioningState", "Succeeded")

    def _store(self, address: Address, document: Document) -> None:
        row = types.row_of(address.type)
        place = types.embedding(address.type)
        if place is not None:
            parent = self._state.find(address.parent.lower()) or {}
            document.setdefault("etag", parent.get("etag"))
            self._state.save(address, document)
            return
        if row is not None:
            self._keep_children(address, row, document)
            describe_embedded(document, row, row.api_version, keep=True)
            if row.etag and not document.get("etag"):
                stamp(self._state, row, document, "")
            _share_etag(row, document)
        self._state.save(address, document)

    def _keep_children(self, address: Address, row: ResourceType, document: Document) -> None:
        """Embedded children loaded before their parent stay, unless it has its own of that name."""
        before = self._state.at(address) if row.embedded else None
        for embedded in row.embedded if before else ():
            path = f"properties.{embedded.path}"
            held = dig(document, path) or []
            names = {str(item.get("name")).lower() for item in held}
            loose = [
                item
                for item in dig(before, path) or []
                if embedded.addressable and str(item.get("name")).lower() not in names
            ]
            if loose and self._state.is_makeshift(address.key):
                put(document, path, [*held, *clone(loose)])

    def _make_parents(self, address: Address, location: str) -> None:
        missing: list[str] = []
        parent = address.parent
        while parent and parent != ROOT and not self._state.exists(parent.lower()):
            missing.append(parent)
            parent = parse(parent).parent
        for resource_id in reversed(missing):
            self._make(parse(resource_id), location)

    def _make(self, address: Address, location: str) -> None:
        """The least document of a type that can be a parent."""
        document: Document = {"id": address.id, "name": address.name, "type": address.type}
        if address.type not in {SUBSCRIPTION, MANAGEMENT_GROUP}:
            document["location"] = location
        row = types.row_of(address.type)
        if row is not None:
            fill(document, filled_in(row, row.defaults, row.api_version))
        self._complete(address, document)
        self._store(address, document)
        self._state.mark_makeshift(address.key)
        self.made.append(address.id)


def _share_etag(row: ResourceType, document: Document) -> None:
    """Embedded objects have their parent's etag, unless they were recorded with another."""
    for embedded in row.embedded if row.etag else ():
        for item in dig(document, f"properties.{embedded.path}") or []:
            item["etag"] = item.get("etag") or document["etag"]


def _whole(address: Address, document: Document) -> Address:
    """Some documents' ids end in a collection (`.../MSDeploy/status`): that is a resource too."""
    if not address.rest:
        if not address.name:
            raise ValueError(f"{address.id!r} names no resource")
        return address
    own = f"{address.id.rstrip('/')}/{address.rest}"
    return replace(
        address,
        id=own,
        key=own.lower(),
        type=f"{address.type}/{address.rest}",
        name=str(document.get("name") or address.rest),
        parent=address.id,
        rest="",
    )
