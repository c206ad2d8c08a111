"""How many writes may still be made: counted in the store, the most restrictive limit wins.

A limit's row holds the actions of its sliding window, so the same action counts once, and a
window has no edge at which twice the writes fit. What cannot be counted is not written.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING

from shared.decision import words
from shared.errors import Exists, Moved
from shared.model import Plan, Severity
from shared.store import Row, Store

if TYPE_CHECKING:
    from shared.policy import Policy
    from shared.policy_parts import Limit


@dataclass(frozen=True, slots=True)
class Full:
    """A limit with no room: which one, how it stands, and when room comes (None: never)."""

    source: str
    words: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """How many writes a limit's window holds, and how many it allows: `per` what, and `of` which.

    `window` is in words.
    """

    per: str
    of: str
    window: str
    used: int
    allowed: int


@dataclass(frozen=True, slots=True)
class _Count:
    name: str
    partition: str
    source: str
    limit: Limit
    room: int


class Limits:
    """The counters of policy's limits."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def take(
        self, policy: Policy, plan: Plan, severity: Severity, action: str, run: str
    ) -> Full | None:
        """Count one write of `action` against every limit, or say which is full.

        Raises:
            StoreUnavailable: it cannot be counted, so it may not be written.
        """
        counts = list(self._counts(policy, plan, severity, run or action))
        if not counts:
            return Full("policy.yaml $.limits", "no limit is set: nothing may be written", None)
        rows = [self._store.get("limits", count.partition, count.name) for count in counts]
        for count, row in zip(counts, rows, strict=True):
            if (full := self._full(count, self._inside(count.limit, row), action)) is not None:
                return full
        for count, row in zip(counts, rows, strict=True):
            if (full := self._add(count, row, action)) is not None:
                return full
        return None

    def used(self, policy: Policy) -> list[tuple[str, int, int]]:
        """(name, writes in the window, writes allowed) of every counter that was used."""
        shown = []
        for limit in _strictest(policy).values():
            for row in self._store.scan("limits", _name(limit)):
                inside = self._inside(limit, row)
                shown.append((f"per {limit.per} {row.key}", len(inside), limit.writes))
        return shown

    def fullest(self, policy: Policy, count: int, most: int) -> list[Used]:
        """The `count` counters with the least room, that of runs left out; empty ones too.

        Looks at no more than `most` counters of each limit.
        """
        found = [
            Used(
                per=limit.per,
                of=row.key,
                window=words(limit.window),
                used=len(self._inside(limit, row)),
                allowed=limit.writes,
            )
            for limit in _strictest(policy).values()
            if limit.per != "run"
            for row in islice(self._store.scan("limits", _name(limit)), most)
        ]
        return sorted(found, key=lambda one: (_room(one), one.per, one.of))[:count]

    def _counts(self, policy: Policy, plan: Plan, severity: Severity, run: str) -> Iterator[_Count]:
        for i, limit in _strictest(policy).items():
            keys = {
                "estate": ["estate"],
                "subscription": [plan.resource.subscription or "tenant"],
                "control": list(plan.controls),
                "run": [run],
            }[limit.per]
            room = limit.writes
            if severity is not Severity.CRITICAL:
                room -= math.ceil(limit.writes * policy.critical_share)
            for key in keys:
                yield _Count(key, _name(limit), policy.source(f"$.limits[{i}]"), limit, room)

    def _inside(self, limit: Limit, row: Row | None) -> dict[str, float]:
        # By way of an instant: floats alone would not add up to `until` exactly.
        start = (self._now() - limit.window).timestamp()
        counted = row.value.items() if row is not None else ()
        return {action: at for action, at in counted if at > start}

    def _full(self, count: _Count, inside: dict[str, float], action: str) -> Full | None:
        if action in inside or len(inside) < count.room:
            return None
        said = (
            f"{len(inside)} of {count.room} writes per {count.limit.per} ({count.name})"
            f" in {words(count.limit.window)} are used"
        )
        if count.room < count.limit.writes:
            said += f"; {count.limit.writes - count.room} are kept for critical findings"
        if count.room <= 0:
            return Full(count.source, said, None)
        freed = sorted(inside.values())[len(inside) - count.room]
        until = datetime.fromtimestamp(freed, tz=self._now().tzinfo) + count.limit.window
        return Full(count.source, said, until)

    def _add(self, count: _Count, row: Row | None, action: str) -> Full | None:
        """Count on what was read; read again where somebody counted meanwhile."""
        while True:
            inside = self._inside(count.limit, row)
            if (full := self._full(count, inside, action)) is not None:
                return full
            inside.setdefault(action, self._now().timestamp())
            with suppress(Exists, Moved):
                if row is None:
                    self._store.insert("limits", count.partition, count.name, inside)
                else:
                    self._store.replace("limits", count.partition, count.name, inside, row.etag)
                return None
            row = self._store.get("limits", count.partition, count.name)


def _room(one: Used) -> float:
    """The share of a limit that is left."""
    return 1 - one.used / one.allowed if one.allowed else 0


def _strictest(policy: Policy) -> dict[int, Limit]:
    """The limits that count by themselves: of several alike in all but `writes`, the least."""
    found: dict[str, int] = {}
    for i, limit in enumerate(policy.limits):
        name = _name(limit)
        if name not in found or limit.writes < policy.limits[found[name]].writes:
            found[name] = i
    return {i: policy.limits[i] for i in found.values()}


def _name(limit: Limit) -> str:
    """By what it counts, not by its place: an edit of the policy starts no count anew."""
    return f"{limit.per} {limit.window}"
