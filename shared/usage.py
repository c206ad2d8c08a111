"""Which role assignment was used for what: kept from events and activity log entries that say so.

Of assignments wider than a resource group alone: no other is narrowed. One row per assignment,
scope and action, moved on at most once a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.model import USES, Resource, ResourceId
from shared.store import Store

KEPT: timedelta = timedelta(days=90)
"""A use older than this no longer counts."""
_TABLE: Final = "uses"
_BEGUN: Final = "begun"


@dataclass(frozen=True, slots=True)
class Use:
    """One write, delete or action, and the assignment that allowed it."""

    assignment: ResourceId
    scope: ResourceId
    action: str
    at: datetime


class Uses:
    """Rows by assignment."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._today: set[tuple[str, str, str]] = set()
        self._begun: set[str] = set()

    def note(self, use: Use) -> None:
        """Keep it; once a day is enough for any assignment, scope and action."""
        if use.assignment.resource_group is not None:
            return
        if use.scope.subscription not in self._begun:
            self.begin(use.scope.subscription, self._now())
        at = use.at.astimezone(UTC).isoformat()
        key = f"{use.scope.key} {use.action.casefold()}"
        seen = (use.assignment.key, key, at[:10])
        if seen in self._today:
            return
        row = self._store.get(_TABLE, use.assignment.key, key)
        if row is None or row.value["last"] < at:
            value = {"scope": use.scope.text, "action": use.action, "last": at}
            self._store.put(_TABLE, use.assignment.key, key, value)
        if len(self._today) > 10_000:
            self._today.clear()
        self._today.add(seen)

    def begin(self, subscription: str, since: datetime) -> None:
        """Uses of this subscription are known from `since` on, or from earlier already."""
        row = self._store.get(_TABLE, _BEGUN, subscription)
        if row is None or since.isoformat() < row.value["since"]:
            self._store.put(_TABLE, _BEGUN, subscription, {"since": since.isoformat()})
        self._begun.add(subscription)

    def since(self, subscription: str) -> datetime | None:
        """From when on uses of a subscription are known; None where none were ever kept."""
        row = self._store.get(_TABLE, _BEGUN, subscription)
        return datetime.fromisoformat(row.value["since"]) if row else None

    def of(self, assignment: ResourceId) -> list[dict[str, Any]]:
        """The uses that still count, oldest rows included, by scope and action."""
        earliest = (self._now() - KEPT).isoformat()
        rows = self._store.scan(_TABLE, assignment.key)
        return [row.value for row in rows if row.value["last"] >= earliest]

    # --- as documents, for lookups

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        """What is kept of the assignment that an id of `shared.model.usage` names."""
        del api_version
        assignment = ResourceId(resource_id.text.rpartition("/providers/")[0])
        since = self.since(assignment.subscription)
        properties: dict[str, Any] = {
            "uses": self.of(assignment),
            "until": self._now().isoformat(),
        }
        if since is not None:
            properties["since"] = since.isoformat()
        body = {"id": resource_id.text, "name": "kept", "type": USES.name, "properties": properties}
        return Resource(id=resource_id, body=body, read_at=self._now())

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        """Nothing is listed: every assignment is asked for by itself."""
        raise LookupError(f"{collection} ({api_version}) is no collection of our state")
