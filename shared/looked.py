"""When a sweep last had a resource looked at: so that no sweep asks for the same look twice.

A look reads everything that its controls look up. What was looked up so lately that policy and
the lookup itself still let it count need not be read again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from shared.model import ResourceId, digest
from shared.store import Store

_FORGOTTEN = timedelta(days=30)
_TABLE: Final = "looked"


class Looked:
    """The looks that sweeps caused, by subscription."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def note(self, resource: ResourceId, run: str) -> None:
        """It was looked at, because the sweep `run` asked for it."""
        value = {"at": self._now().isoformat(), "run": run}
        self._store.put(_TABLE, _place(resource), _key(resource), value)

    def by(self, resource: ResourceId, run: str) -> bool:
        """Whether the look that `run` asked for was had."""
        row = self._store.get(_TABLE, _place(resource), _key(resource))
        return row is not None and row.value["run"] == run

    def within(self, subscription: str) -> Ages:
        """What was looked at in a subscription; empty: what is in none."""
        now, found = self._now(), dict[str, timedelta]()
        for row in self._store.scan(_TABLE, subscription or _TENANT):
            age = now - datetime.fromisoformat(row.value["at"])
            found[row.key] = age
            if age > _FORGOTTEN:
                self._store.delete(_TABLE, row.partition, row.key)
        return Ages(found)


class Ages:
    """How long ago the resources of one subscription were looked at."""

    def __init__(self, ages: Mapping[str, timedelta]) -> None:
        self._ages = ages

    def of(self, resource: ResourceId) -> timedelta:
        """The age of its last look; `timedelta.max` where there was none."""
        return self._ages.get(_key(resource), timedelta.max)


_TENANT = "tenant"


def _place(resource: ResourceId) -> str:
    return resource.subscription or _TENANT


def _key(resource: ResourceId) -> str:
    return digest(resource.key)


class Remembered:
    """When resources were looked at, of one subscription at a time."""

    def __init__(self, looked: Looked) -> None:
        self._looked = looked
        self._of: tuple[str, Ages] | None = None

    def of(self, resource: ResourceId) -> timedelta:
        """As `Ages.of`."""
        subscription = resource.subscription
        if self._of is None or self._of[0] != subscription:
            self._of = (subscription, self._looked.within(subscription))
        return self._of[1].of(resource)
