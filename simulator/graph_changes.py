"""`resourcechanges`: what requests changed, one row for each resource and effect, for 14 days.

What the owner arranges silently (`load`) makes no row, nor does a write that changes nothing Graph
shows. An operation that takes time makes one when it begins and one when it ends, as Azure does.
"""

import random
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.address import Address
from simulator.documents import Document
from simulator.graph_rows import CHANGE, held
from simulator.kql_expressions import Row
from simulator.kql_values import shown
from simulator.state import Cause, State

KEPT = timedelta(days=14)
_SHOWN = (
    "location",
    "kind",
    "managedBy",
    "sku",
    "plan",
    "tags",
    "identity",
    "zones",
    "extendedLocation",
    "properties",
)
_SYSTEM = {"properties.provisioningState"}


@dataclass
class Change:
    """One change of one resource; `before` is None where it was made, `after` where deleted."""

    cause: Cause
    address: Address
    before: Document | None
    after: Document | None
    name: str
    snapshots: tuple[str, str]

    @property
    def key(self) -> str:
        return f"{self.address.key}/providers/{CHANGE}/{self.name}"

    def row(self, tenant_id: str) -> Row | None:
        """The row; None where nothing that Graph shows is different."""
        changes = _differences(self.before or {}, self.after or {})
        kind = "Create" if self.before is None else "Update" if self.after else "Delete"
        if kind == "Update" and not changes:
            return None
        properties: Document = {
            "targetResourceId": self.address.id,
            "targetResourceType": self.address.type_key,
            "changeType": kind,
            "changeAttributes": self._attributes(len(changes) if kind == "Update" else 0),
        }
        if kind == "Update":
            properties["changes"] = changes
        return {
            "id": f"{self.address.id}/providers/Microsoft.Resources/changes/{self.name}",
            "name": self.name,
            "type": CHANGE,
            "tenantId": tenant_id,
            **dict.fromkeys(("kind", "location", "managedBy"), ""),
            "resourceGroup": self.address.group.lower(),
            "subscriptionId": self.address.subscription,
            **dict.fromkeys(("sku", "plan", "tags", "identity", "zones", "extendedLocation")),
            "properties": properties,
        }

    def _attributes(self, count: int) -> Document:
        call = self.cause.call
        who = call.identity
        attributes: Document = {
            "timestamp": shown(self.cause.at),
            "correlationId": call.correlation_id,
            "changedBy": who.upn or who.app_id or who.object_id,
            "changedByType": "User" if who.kind == "User" else "Application",
            "clientType": "Unspecified",
            "operation": call.action,
            "changesCount": count,
        }
        if self.before is not None:
            attributes["previousResourceSnapshotId"] = self.snapshots[0]
        if self.after is not None:
            attributes["newResourceSnapshotId"] = self.snapshots[1]
        return attributes


class Changes:
    """The changes of the last 14 days, oldest first."""

    def __init__(self, state: State, seed: int) -> None:
        """Watch `state` from now on; `seed` makes names repeatable."""
        self._state = state
        self._random = random.Random(f"changes {seed}")  # noqa: S311 - repeatable, not secret
        self._changes: deque[Change] = deque()
        self._together: dict[str, Change] = {}
        self._cause: Cause | None = None
        state.watchers.append(self._watch)

    def rows(self, seen: datetime, now: datetime) -> Iterator[tuple[str, Address, Row]]:
        """Key, changed resource and row of the changes up to `seen`, in order of id."""
        while self._changes and self._changes[0].cause.at < now - KEPT:
            self._changes.popleft()
        known = [one for one in self._changes if one.cause.at <= seen]
        for change in sorted(known, key=lambda one: one.key):
            row = change.row(self._state.tenant_of(change.address.subscription))
            if row is not None:
                yield change.key, change.address, row

    def _watch(self, address: Address, before: Document | None, after: Document | None) -> None:
        cause = self._state.cause
        if cause is None or not held("resources", address.type_key):
            return
        if cause is not self._cause:
            self._cause, self._together = cause, {}
        change = self._together.get(address.key)
        if change is not None:
            # Several steps of one effect are one change.
            change.after = after
            return
        snapshots = (self._guid(), self._guid())
        change = Change(cause, address, before, after, self._guid(), snapshots)
        self._together[address.key] = change
        self._changes.append(change)

    def _guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))


def _differences(before: Document, after: Document) -> Document:
    """By dotted path, the values before and after where they differ, as text."""
    old, new = _leaves(before), _leaves(after)
    return {
        path: {
            "previousValue": old.get(path),
            "newValue": new.get(path),
            "changeCategory": "System" if path in _SYSTEM else "User",
            "propertyChangeType": _kind(path in old, path in new),
        }
        for path in sorted(old.keys() | new.keys())
        if old.get(path) != new.get(path)
    }


def _kind(was: bool, comes: bool) -> str:  # noqa: FBT001 - two sides of one question
    return "Update" if was and comes else "Insert" if comes else "Remove"


def _leaves(document: Document) -> dict[str, str]:
    found: dict[str, str] = {}
    waiting: list[tuple[str, Any]] = [(name, document.get(name)) for name in _SHOWN]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{path}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[{at}]", inner) for at, inner in enumerate(value)]
        elif value is not None:
            found[path] = str(value)
    return found
