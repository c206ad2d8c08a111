"""The stop: a flag in the store that every write reads immediately before it is sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from shared.store import Store


@dataclass(frozen=True, slots=True)
class Stop:
    """Who stopped all writes, when, and why."""

    by: str
    at: str
    reason: str


class Suspension:
    """Set and read the flag."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def stopped(self) -> Stop | None:
        """The stop that holds, or None. Raises StoreUnavailable: then nothing may be written."""
        row = self._store.get("control", "control", "suspend")
        if row is None:
            return None
        return Stop(row.value["by"], row.value["at"], row.value["reason"])

    def suspend(self, by: str, reason: str) -> None:
        value = {"by": by, "at": self._now().isoformat(), "reason": reason}
        self._store.put("control", "control", "suspend", value)

    def resume(self) -> Stop | None:
        """Lift the stop; the one that held."""
        held = self.stopped()
        self._store.delete("control", "control", "suspend")
        return held
