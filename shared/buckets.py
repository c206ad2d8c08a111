"""The request limits that Azure publishes, and the arithmetic of staying inside them; no I/O.

Azure Resource Manager keeps token buckets
(https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling),
Storage (https://learn.microsoft.com/azure/storage/common/scalability-targets-resource-provider)
and Network count what came in the last minutes (their 429s name an observation window). A bucket
here is one such count, as a JSON object that every instance reads and writes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LEASE = 5.0
"""Seconds that leased requests may wait to be sent; afterwards they are void."""
_SPARE = 0.4
"""Seconds of refill that are never used: clocks of instances differ, and requests travel."""
_SLICES = 100
_ROUNDING = 1e-3
_ENDLESS = 1_000_000


@dataclass(frozen=True, slots=True)
class Limit:
    """`size` requests at once, `refill` more each second; or `size` in any `window` seconds."""

    size: int
    refill: float
    window: float = 0

    @classmethod
    def within(cls, size: int, seconds: float) -> Limit:
        return cls(size, size / seconds, seconds)

    @property
    def usable(self) -> int:
        return self.size - max(1, math.ceil(self.refill * _SPARE))

    @property
    def half(self) -> int:
        """What background work leaves."""
        return math.ceil(self.size / 2)


ARM = "arm"
LIMITS: Mapping[tuple[str, str], Limit] = {
    (ARM, "reads"): Limit(250, 25),
    (ARM, "writes"): Limit(200, 10),
    (ARM, "deletes"): Limit(200, 10),
    ("microsoft.storage", "reads"): Limit.within(800, 300),
    ("microsoft.storage", "lists"): Limit.within(100, 300),
    ("microsoft.storage", "writes"): Limit.within(1200, 3600),
    ("microsoft.network", "reads"): Limit.within(10_000, 300),
    ("microsoft.network", "writes"): Limit.within(1000, 300),
}
"""By who counts (ARM for each principal, a provider for all) and what; providers count deletes as
writes, and lists as reads but where they have a limit of their own."""
_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}


@dataclass(frozen=True, slots=True)
class Need:
    """The buckets that a request is counted in: where they are kept, and their names."""

    place: str
    buckets: tuple[str, ...]


def need_of(method: str, path: str, principal: str) -> Need:
    """Where a request to ARM is counted: ARM's bucket first, then its provider's if it has one."""
    segments = path.casefold().strip("/").split("/")
    inside = in_subscription(path)
    kind = _KINDS.get(method, "writes")
    counted = [f"{ARM} {kind} {principal}"]
    if inside and "providers" in segments[:-1]:
        at = len(segments) - 1 - segments[::-1].index("providers")
        namespace, below = segments[at + 1], segments[at + 2 :]
        counted.append(f"{namespace} {_of_provider(namespace, kind, listing=len(below) % 2 == 1)}")
    return Need(segments[1] if inside else "tenant", tuple(counted))


def in_subscription(path: str) -> bool:
    """Whether a path lies in a subscription; what does not is counted for the tenant."""
    segments = path.casefold().strip("/").split("/")
    return segments[0] == "subscriptions" and len(segments) > 1


def _of_provider(namespace: str, kind: str, *, listing: bool) -> str:
    if kind == "reads":
        return "lists" if listing and (namespace, "lists") in LIMITS else "reads"
    return "writes"


class Bucket(ABC):
    """One count at an instant (seconds since 1970): `value` is what `to_json` gave last.

    What is taken may be sent until its lease ends. `room` and `at` are for who leaves `keep`.
    """

    def __init__(self, limit: Limit, value: Mapping[str, Any], now: float) -> None:
        self.limit = limit
        self.now = now
        self.closed: float = value.get("closed", 0)
        self._lines: dict[str, float] = dict(value.get("lines", {}))

    @property
    def bounded(self) -> bool:
        """Whether its limit is known."""
        return self.limit.size < _ENDLESS

    @abstractmethod
    def free(self) -> int:
        """How many requests there is room for."""

    @abstractmethod
    def take(self, count: int, until: float) -> None:
        """Lease `count` requests, to be sent before `until`."""

    @abstractmethod
    def back(self, until: float, sent: int, unsent: int) -> None:
        """End a lease that was to end at `until`: what was sent of it, and what never will be."""

    @abstractmethod
    def refills(self, count: int) -> float:
        """When `count` requests have room, if nobody else asks."""

    @abstractmethod
    def lower(self, remaining: float, at: float) -> None:
        """Azure says that so many remained then; what says more than we know changes nothing."""

    def room(self, keep: int = 0) -> int:
        return 0 if self.closed > self.now else self.free() - keep

    def chunk(self, keep: int = 0) -> int:
        """How many to lease at once: never more than a quarter of what is left."""
        soon = math.ceil(self.limit.refill * LEASE)
        return max(0, min(20, soon, self.room(keep) // 4))

    def turn(self, count: int, keep: int = 0) -> float:
        """When it is the turn of who is turned away now: after all who were before."""
        line = self._lines.get(_line(keep), 0) + count / self.limit.refill
        return max(self.refills(count + keep), self.closed, line)

    def queue(self, count: int, keep: int = 0) -> float:
        """Take that turn."""
        self._lines[_line(keep)] = turn = self.turn(count, keep)
        return turn

    def close(self, until: float) -> None:
        """Azure lets nobody through before `until`."""
        self.closed = max(self.closed, until)
        self.lower(0, self.now)

    def to_json(self) -> dict[str, Any]:
        value: dict[str, Any] = {}
        if self.closed > self.now:
            value["closed"] = self.closed
        if lines := {name: at for name, at in self._lines.items() if at > self.now}:
            value["lines"] = lines
        return value


def _line(keep: int) -> str:
    return "background" if keep else "first"


class _Tokens(Bucket):
    """A bucket that fills up. What is leased keeps its place in it until it is sent or void."""

    def __init__(self, limit: Limit, value: Mapping[str, Any], now: float) -> None:
        super().__init__(limit, value, now)
        self._level: float = value.get("level", limit.usable)
        self._leased = {int(end): int(n) for end, n in value.get("leased", {}).items()}
        self._at: float = value.get("at", now)
        for end in sorted(self._leased):
            if end <= now:
                self._fill(end)
                del self._leased[end]
        self._fill(now)

    def _fill(self, to: float) -> None:
        if to > self._at:
            most = self.limit.usable - sum(self._leased.values())
            self._level = min(most, self._level + (to - self._at) * self.limit.refill)
            self._at = to

    def free(self) -> int:
        return math.floor(self._level + _ROUNDING)

    def take(self, count: int, until: float) -> None:
        self._level -= count
        end = math.ceil(until)
        self._leased[end] = self._leased.get(end, 0) + count

    def back(self, until: float, sent: int, unsent: int) -> None:
        end = math.ceil(until)
        if end in self._leased:
            self._leased[end] -= sent + unsent
            self._level += unsent

    def refills(self, count: int) -> float:
        return self.now + max(0.0, count - self._level) / self.limit.refill

    def lower(self, remaining: float, at: float) -> None:
        since = max(0.0, self.now - at) * self.limit.refill
        self._level = min(self._level, remaining + since)

    def to_json(self) -> dict[str, Any]:
        leased = {str(end): n for end, n in self._leased.items() if n}
        return {**super().to_json(), "level": self._level, "at": self._at, "leased": leased}


class _Window(Bucket):
    """What was sent lately, in slices; a lease counts as sent at its end until it is told."""

    def __init__(self, limit: Limit, value: Mapping[str, Any], now: float) -> None:
        super().__init__(limit, value, now)
        self._slice = limit.window / _SLICES
        counted = {int(one): int(n) for one, n in value.get("sent", {}).items()}
        self._sent = {one: n for one, n in counted.items() if n and self._leaves(one) > now}

    def _leaves(self, one: int) -> float:
        return (one + 1) * self._slice + self.limit.window

    def free(self) -> int:
        return self.limit.usable - sum(self._sent.values())

    def take(self, count: int, until: float) -> None:
        one = int(until // self._slice)
        self._sent[one] = self._sent.get(one, 0) + count

    def back(self, until: float, sent: int, unsent: int) -> None:  # noqa: ARG002  both count alike
        one = int(until // self._slice)
        if one in self._sent:
            self._sent[one] -= unsent

    def refills(self, count: int) -> float:
        free, at = self.free(), self.now
        for one in sorted(self._sent):
            if free >= count:
                break
            free, at = free + self._sent[one], self._leaves(one)
        return at

    def lower(self, remaining: float, at: float) -> None:
        """No provider tells what remains."""

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), "sent": {str(one): n for one, n in self._sent.items() if n}}


class _Unknown(Bucket):
    """A provider whose limits are not published: only a 429 closes it."""

    def free(self) -> int:
        return _ENDLESS

    def take(self, count: int, until: float) -> None:
        """Nothing is counted."""

    def back(self, until: float, sent: int, unsent: int) -> None:
        """Nothing is counted."""

    def refills(self, count: int) -> float:  # noqa: ARG002  there is room for any
        return self.now

    def lower(self, remaining: float, at: float) -> None:
        """Nothing is counted."""


def bucket(name: str, value: Mapping[str, Any], now: float) -> Bucket:
    """The bucket of a `Need`'s name, as it stands now."""
    who, kind = name.split(" ")[:2]
    limit = LIMITS.get((who, kind))
    if limit is None:
        return _Unknown(Limit(_ENDLESS, 10), value, now)
    return (_Window if limit.window else _Tokens)(limit, value, now)
