"""Owners on their way out: each removal is announced before the others are counted.

Of two workers that remove the last two owners at once, at least one sees the other's
announcement, whatever scopes they write to and however late Azure's lists are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.model import ResourceId
from shared.store import Store

LISTED_AFTER = timedelta(hours=1)
"""How long a removed assignment may still be listed, with room to spare."""


class Departures:
    """Announcements of role assignments that are about to be deleted, or just were."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def announce(self, assignment: ResourceId) -> None:
        value = {"at": self._now().isoformat(), "assignment": assignment.text}
        self._store.put("departures", "owners", assignment.key, value)

    def withdraw(self, assignment: ResourceId) -> None:
        self._store.delete("departures", "owners", assignment.key)

    def others(self, assignment: ResourceId) -> set[ResourceId]:
        """The assignments that others announced and that may still be listed."""
        earliest = (self._now() - LISTED_AFTER).isoformat()
        rows = self._store.scan("departures", "owners")
        announced = {ResourceId(r.value["assignment"]) for r in rows if r.value["at"] > earliest}
        return announced - {assignment}
