"""Everything that exists in the tenant, with the indexes that make each question cheap.

Documents here are values: whoever changes one stores a new one. No HTTP, no rules, no time.
"""

import random
import uuid
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from simulator import types
from simulator.address import MANAGEMENT_GROUP, ROOT, SUBSCRIPTION, Address, ancestors, parse
from simulator.call import Call
from simulator.documents import Document, clone, dig, put
from simulator.wire import encode


class Entry:
    """A stored document; `encoded` is its JSON, made on the first read after a change."""

    __slots__ = ("_encoded", "address", "document")

    def __init__(self, address: Address, document: Document) -> None:
        """Hold `document`, which nobody may change any more."""
        self.address = address
        self.document = document
        self._encoded: bytes | None = None

    @property
    def encoded(self) -> bytes:
        if self._encoded is None:
            self._encoded = encode(self.document)
        return self._encoded


class Index:
    """Entries by key, with the keys in order when somebody asks for them."""

    __slots__ = ("_ordered", "entries")

    def __init__(self) -> None:
        """Begin empty."""
        self.entries: dict[str, Entry] = {}
        self._ordered: list[str] | None = None

    def set(self, key: str, entry: Entry) -> None:
        if key not in self.entries:
            self._ordered = None
        self.entries[key] = entry

    def discard(self, key: str) -> None:
        if self.entries.pop(key, None) is not None:
            self._ordered = None

    def after(self, key: str) -> Iterator[Entry]:
        """Entries whose key sorts after `key`, in order."""
        if self._ordered is None:
            self._ordered = sorted(self.entries)
        ordered = self._ordered
        for position in range(bisect_right(ordered, key), len(ordered)):
            yield self.entries[ordered[position]]


_NOTHING = Index()
_DEFINITIONS = "microsoft.authorization/roledefinitions"

Watcher = Callable[[Address, Document | None, Document | None], None]
"""Told of every stored change: address, document before, document after."""


@dataclass(frozen=True)
class Cause:
    """The request that a change follows from, and when it takes effect."""

    call: Call
    at: datetime


class State:
    """The tenant's documents. Not thread-safe: the tenant holds the lock."""

    def __init__(self, tenant_id: str, seed: int) -> None:
        """Begin empty; `seed` makes etags and generated ids repeatable."""
        self.tenant_id = tenant_id
        self.entries: dict[str, Entry] = {}
        self.random = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self.watchers: list[Watcher] = []
        self._by_type: dict[tuple[str, str], Index] = {}
        self._by_parent: dict[str, dict[str, Index]] = {}
        self._counts: Counter[str] = Counter()
        self._numbers = 0
        self._makeshift: set[str] = set()
        self.fresh_principals: set[str] = set()
        self.cause: Cause | None = None

    @contextmanager
    def acting(self, call: Call, at: datetime) -> Iterator[None]:
        """What is stored inside the block follows from a request; else it is the owner's doing."""
        outer, self.cause = self.cause, Cause(call, at)
        try:
            yield
        finally:
            self.cause = outer

    def guid(self) -> str:
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def number(self) -> int:
        """Count up, for etags that are numbers."""
        self._numbers += 1
        return self._numbers

    def find(self, key: str) -> Document | None:
        """The document with this lower-case id, also where it lives inside its parent."""
        entry = self.entries.get(key)
        return entry.document if entry is not None else self.at(parse(key))

    def at(self, address: Address) -> Document | None:
        """The document at an address; the same as `find`, for who has taken the id apart."""
        entry = self.entries.get(address.key)
        if entry is not None:
            return entry.document
        if address.rest or not address.is_child:
            return self._role_definition(address)
        place = types.embedding(address.type)
        if place is not None:
            return _item(self.find(address.parent.lower()), place[1], address.name)
        return self._implicit(address)

    def exists(self, key: str) -> bool:
        return key in self.entries or self.find(key) is not None

    def save(self, address: Address, document: Document) -> None:
        """Store `document`; an embedded child goes into its parent, which must exist."""
        place = types.embedding(address.type)
        if place is not None and self.exists(address.parent.lower()):
            self._embed(address, place[1], document)
            return
        previous = self.entries.get(address.key)
        kept = previous.address if previous else address
        entry = Entry(kept, document)
        self.entries[address.key] = entry
        self._type_index(kept).set(address.key, entry)
        if kept.parent:
            places = self._by_parent.setdefault(kept.parent.lower(), {})
            places.setdefault(kept.type_key, Index()).set(address.key, entry)
        if previous is None:
            self._counts[kept.type_key] += 1
        self._tell(kept, previous.document if previous else None, document)

    def delete(self, address: Address) -> None:
        """Remove a document with everything below it; nothing happens where it is absent."""
        place = types.embedding(address.type)
        if place is not None and address.key not in self.entries:
            self._embed(address, place[1], None)
            return
        for below in list(self.below(address.key)):
            self.delete(below.address)
        entry = self.entries.pop(address.key, None)
        if entry is None:
            return
        self._type_index(entry.address).discard(address.key)
        self._counts[entry.address.type_key] -= 1
        if entry.address.parent:
            places = self._by_parent[entry.address.parent.lower()]
            places[entry.address.type_key].discard(address.key)
        self._tell(entry.address, entry.document, None)

    def mark_makeshift(self, key: str) -> None:
        """Remember that this resource was only made because something needed a parent."""
        self._makeshift.add(key)

    def is_makeshift(self, key: str) -> bool:
        return key in self._makeshift

    def below(self, key: str) -> Iterator[Entry]:
        """Entries directly below a scope or parent, in no particular order."""
        for index in self._by_parent.get(key, {}).values():
            yield from index.entries.values()

    def attached(self, key: str, type_key: str) -> Index:
        """Entries of one type directly below a scope or parent."""
        places = self._by_parent.get(key)
        return (places.get(type_key) if places else None) or _NOTHING

    def has_any(self, type_key: str) -> bool:
        """Whether there is any resource of this type in the tenant."""
        return self._counts[type_key] > 0

    def of_type(self, subscription: str, type_key: str) -> Index:
        """Entries of one type in one subscription; an empty subscription means outside of any."""
        return self._by_type.get((subscription.lower(), type_key)) or _NOTHING

    def kinds(self) -> set[str]:
        """Keys of all types of which there is, or was, a resource."""
        return {kind for _, kind in self._by_type}

    def subscriptions(self) -> list[Entry]:
        """Subscription entries in order of id."""
        keys = sorted(key for key in self._by_type if key[1] == SUBSCRIPTION.lower())
        return [entry for key in keys for entry in self._by_type[key].entries.values()]

    def tenant_of(self, subscription: str) -> str:
        """The tenant that a subscription lives in; ours where it says nothing, or there is none."""
        entry = self.entries.get(f"/subscriptions/{subscription}".lower())
        return str((entry.document if entry else {}).get("tenantId") or self.tenant_id)

    def scopes_above(self, subscription: str) -> list[str]:
        """Keys of the management groups over a subscription, nearest first, then `/`.

        A subscription that was never placed is under its tenant's root management group.
        """
        if (other := self.tenant_of(subscription)) != self.tenant_id:
            return [f"/providers/{MANAGEMENT_GROUP}/{other}".lower(), ROOT]
        suffix = f"/subscriptions/{subscription}".lower()
        placed = (
            entry.address.parent.lower()
            for entry in self.of_type(
                "", f"{MANAGEMENT_GROUP}/subscriptions".lower()
            ).entries.values()
            if entry.address.key.endswith(suffix)
        )
        return self._upwards(next(placed, self._root_group()))

    def scopes(self, address: Address) -> list[str]:
        """Keys of every scope that contains an address, nearest first: from itself to `/`."""
        keys = ancestors(address)
        if address.subscription:
            return keys + self.scopes_above(address.subscription)
        if keys[-1].startswith(f"/providers/{MANAGEMENT_GROUP}/".lower()):
            return keys[:-1] + self._upwards(keys[-1])
        return list(dict.fromkeys([*keys, ROOT]))

    def is_root_group(self, key: str) -> bool:
        """Whether a key is that of the tenant's root management group: there is always one."""
        return key == self._root_group()

    def _root_group(self) -> str:
        return f"/providers/{MANAGEMENT_GROUP}/{self.tenant_id}".lower()

    def _upwards(self, group: str) -> list[str]:
        """A management group's key and those above it, up to `/`."""
        root = self._root_group()
        chain: list[str] = []
        current = group
        while current and current not in chain:
            chain.append(current)
            document = self.find(current) or {}
            current = str(dig(document, "properties.details.parent.id", "")).lower()
        if root not in chain:
            chain.append(root)
        return [*chain, ROOT]

    def _role_definition(self, address: Address) -> Document | None:
        """A role exists at every scope below that where it was made, under that scope's id.

        Built-in ones are made at the root.
        """
        if address.type_key != _DEFINITIONS or address.rest:
            return None
        above = self.scopes(parse(address.scope)) if address.scope else [ROOT]
        keys = (f"{scope.rstrip('/')}/providers/{_DEFINITIONS}/{address.name}" for scope in above)
        entry = next(
            (self.entries[key.lower()] for key in keys if key.lower() in self.entries), None
        )
        return {**entry.document, "id": address.id} if entry else None

    def _implicit(self, address: Address) -> Document | None:
        """Children that exist as long as their parent does, such as `config/web`."""
        row = types.row_of(address.type)
        if row is None or address.name.lower() not in row.implicit:
            return None
        if not self.exists(address.parent.lower()):
            return None
        name = next(name for name in row.implicit if name == address.name.lower())
        return {
            "id": address.id,
            "name": address.name,
            "type": row.name,
            "properties": clone(row.implicit[name]),
        }

    def implicit_children(self, parent: str, type_name: str) -> list[Entry]:
        """Children of an id that exist without having been made, as long as nobody did."""
        row = types.row_of(type_name)
        children = [
            parse(f"{parent}/{type_name.rsplit('/', 1)[-1]}/{name}")
            for name in (row.implicit if row else ())
        ]
        found = [(one, self._implicit(one)) for one in children if one.key not in self.entries]
        return [Entry(address, document) for address, document in found if document is not None]

    def _embed(self, address: Address, embedded: types.Embedded, item: Document | None) -> None:
        """Put, replace or (for None) take out one item of the parent's list."""
        parent_address = parse(address.parent)
        parent = self.find(parent_address.key)
        if parent is None:
            return
        items = list(dig(parent, f"properties.{embedded.path}", None) or [])
        names = [str(other.get("name", "")).lower() for other in items]
        at = names.index(address.name.lower()) if address.name.lower() in names else len(items)
        items[at : at + 1] = [item] if item is not None else []
        changed = dict(parent)
        changed["properties"] = dict(parent.get("properties") or {})
        put(changed, f"properties.{embedded.path}", items)
        self.save(parent_address, changed)

    def _type_index(self, address: Address) -> Index:
        key = (address.subscription.lower(), address.type_key)
        index = self._by_type.get(key)
        if index is None:
            index = self._by_type[key] = Index()
        return index

    def _tell(self, address: Address, before: Document | None, after: Document | None) -> None:
        for watcher in self.watchers:
            watcher(address, before, after)


def _item(parent: Document | None, embedded: types.Embedded, name: str) -> Document | None:
    items: list[dict[str, Any]] = dig(parent, f"properties.{embedded.path}", None) or []
    wanted = name.lower()
    return next((item for item in items if str(item.get("name", "")).lower() == wanted), None)
