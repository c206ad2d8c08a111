"""What lies below a management group, as ARM lists it. Resource Graph is never asked.

The list is remembered in the process for ten minutes: a subscription that is moved is known where
it was for so long. That a group cannot be listed is remembered for one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shared.cloud import Reader
from shared.errors import Refused, Why
from shared.model import ResourceId
from shared.policy_scopes import MANAGEMENT_GROUPS, Below, group_of, unlisted

_API_VERSION = "2020-05-01"
_LISTED = timedelta(minutes=10)
_UNLISTED = timedelta(minutes=1)


class Hierarchy:
    """The management groups that policy names, each listed by itself."""

    def __init__(self, reader: Reader, now: Callable[[], datetime]) -> None:
        self._reader = reader
        self._now = now
        self._known: dict[str, tuple[datetime, Below | Refused]] = {}

    def below(self, name: str) -> Below:
        """Every group and subscription below the group of that name.

        Raises:
            Refused: it cannot be listed, or there is no such group. Transient: come again.
        """
        key, now = name.casefold(), self._now()
        known = self._known.get(key)
        if known is None or now >= known[0]:
            known = self._listed(name, now)
            self._known[key] = known
        if isinstance(known[1], Refused):
            # A new one each time: one that is raised again grows by where it came through.
            raise Refused(str(known[1]), known[1].why, known[1].code)
        return known[1]

    def _listed(self, name: str, now: datetime) -> tuple[datetime, Below | Refused]:
        try:
            return now + _LISTED, self._list(name)
        except Refused as refused:
            why = Refused(f"{unlisted(name)}: {refused}", refused.why, refused.code)
            return now + _UNLISTED, why

    def _list(self, name: str) -> Below:
        group = ResourceId(f"{MANAGEMENT_GROUPS}/{name}")
        found = [one.id for one in self._reader.list(f"{group}/descendants", _API_VERSION)]
        # A list of nothing may be that of a group that is none.
        if not found and self._reader.get(group, _API_VERSION) is None:
            raise Refused("there is no such management group", Why.NOT_FOUND)
        subscriptions = frozenset(_subscription(one) for one in found)
        groups = frozenset(group_of(one) for one in found if not _subscription(one))
        if "" in groups:
            raise Refused("its list holds what is no group and no subscription", Why.INVALID)
        return Below(subscriptions - {""}, groups)


def _subscription(listed: ResourceId) -> str:
    """The subscription that an item names, also as the member of a group; else empty."""
    if listed.subscription:
        return listed.subscription
    parts = listed.key.split("/")
    return parts[-1] if group_of(listed) and parts[-2] == "subscriptions" else ""
