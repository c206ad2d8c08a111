"""One writer a target: who may write to a resource now, and what is under way on it.

The claim is looked at *before* the resource is observed, and taken only if it has not moved
since: whoever wrote in between moved it, and the observation is stale then.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.errors import Exists, Moved
from shared.model import ResourceId
from shared.store import Row, Store

LIFE = timedelta(minutes=20)
"""Longer than any function may run (`functionTimeout` in host.json)."""


@dataclass(frozen=True, slots=True)
class Held:
    """A claim in our hands; `etag` proves it still is."""

    target: ResourceId
    action: str
    etag: str


class Claims:
    """Claims by write target."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def look(self, target: ResourceId) -> Row | None:
        """The claim as it stands; pass it to `take` after observing."""
        return self._store.get("claims", target.key, "claim")

    def action_of(self, row: Row | None) -> str:
        """The action that holds the claim, dead workers' too; empty where it is free."""
        return str(row.value["action"]) if row is not None else ""

    def alive(self, row: Row | None) -> bool:
        """Whether somebody holds it, and can still be at work."""
        if row is None or not row.value["action"]:
            return False
        return self._now() < datetime.fromisoformat(row.value["expires"])

    def take(self, target: ResourceId, seen: Row | None, action: str) -> Held | None:
        """The claim for `action`, or None where it moved since it was `seen`, or is alive."""
        if self.alive(seen):
            return None
        try:
            if seen is None:
                etag = self._store.insert("claims", target.key, "claim", self._value(action))
            else:
                etag = self._store.replace(
                    "claims", target.key, "claim", self._value(action), seen.etag
                )
        except (Exists, Moved):
            return None
        return Held(target, action, etag)

    def mine(self, held: Held) -> bool:
        """Whether the claim is still this worker's: asked immediately before sending."""
        row = self.look(held.target)
        return row is not None and row.etag == held.etag and self.alive(row)

    def renew(self, held: Held, life: timedelta = LIFE) -> Held:
        """Hold on for another `life`.

        Raises:
            Moved: somebody inherited it meanwhile.
        """
        etag = self._store.replace(
            "claims", held.target.key, "claim", self._value(held.action, life), held.etag
        )
        return Held(held.target, held.action, etag)

    def free(self, held: Held) -> None:
        """Let go; the row stays, so that stale observations of others lose."""
        try:
            self._store.replace("claims", held.target.key, "claim", self._value(""), held.etag)
        except Moved:
            return

    def _value(self, action: str, life: timedelta = LIFE) -> dict[str, Any]:
        expires = (self._now() + life).isoformat()
        return {"action": action, "expires": expires, "worker": uuid.uuid4().hex}
