"""What people ask of the log and the findings: one meaning of each word, wherever it is asked."""

from __future__ import annotations

import enum
import heapq
import re
from base64 import b64decode, urlsafe_b64encode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any, Final

from shared.errors import Unusable
from shared.findings import Standing, finding_fields
from shared.log import Line
from shared.model import ResourceId, Severity

_FIRST: Final = datetime(2000, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2200, 1, 1, tzinfo=UTC)
_AGO: Final = re.compile(r"(\d{1,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def in_range(at: datetime) -> datetime:
    """In UTC where no zone is said, and no further away than anything here can be."""
    told = at.replace(tzinfo=at.tzinfo or UTC)
    return min(max(told, _FIRST), _LAST)


def instant(text: str, now: datetime) -> datetime:
    """An instant as people type it: ISO 8601, in UTC where no zone is said, or how long ago: `24h`.

    Raises:
        Unusable: it is neither.
    """
    if ago := _AGO.fullmatch(text):
        return in_range(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    try:
        return in_range(datetime.fromisoformat(text))
    except ValueError as error:
        raise Unusable(f"{text} is no time: 24h, 7d or 2026-03-02T03:00") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuestion:
    """Which lines of the log are wanted; what is empty asks nothing. All of it must hold.

    Words are compared without case. `actor` is a part of a name, of who caused it or who ordered
    it; `resource` is the id of a resource or of a scope that it lies in, or a part of an id.
    """

    subscription: str = ""
    group: str = ""
    control: str = ""
    severity: str = ""
    actor: str = ""
    result: str = ""
    resource: str = ""
    owner: str = ""

    def __call__(self, line: Line) -> bool:
        if line.get("Entry") == "intent":
            return self.result == "intent" and self.holds(line)
        return self.holds(line)

    def holds(self, line: Line) -> bool:
        """Whether a line is wanted, be it an intent or what came of it."""
        return (
            _same(self.result, str(line.get("Entry", "")))
            and _same(self.severity, str(line.get("Severity", "")))
            and _same(self.owner, str(line.get("Owner", "")))
            and (not self.control or self.control in line.get("Controls", ()))
            and _placed(self, str(line.get("ResourceId", "")))
            and self._by(line)
        )

    def _by(self, line: Line) -> bool:
        names = (*line.get("Actors", ()), line.get("Person", ""))
        wanted = self.actor.casefold()
        return not wanted or any(wanted in str(name).casefold() for name in names)


class Stands(enum.StrEnum):
    """How a finding stands, as people sort them; `waiting` for a person's word, or for a time."""

    OPEN = "open"
    WAITING = "waiting"
    EXEMPT = "exempt"
    CONTESTED = "contested"
    UNKNOWN = "unknown"
    CLOSED = "closed"


def stands(value: Mapping[str, Any]) -> Stands:
    """How a stored finding stands, by what was decided when it was last looked at."""
    if not value["Open"]:
        return Stands.CLOSED
    if value["State"] == "unknown":
        return Stands.UNKNOWN
    decision = value.get("Decision") or {}
    if decision.get("do") == "exempt":
        return Stands.EXEMPT
    if str(decision.get("reason", "")).startswith("contested"):
        return Stands.CONTESTED
    return Stands.WAITING if decision.get("do") in ("ask", "wait") else Stands.OPEN


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingQuestion:
    """Which findings are wanted; what is empty asks nothing, and closed ones are then left out."""

    stands: str = ""
    subscription: str = ""
    group: str = ""
    control: str = ""
    severity: str = ""
    owner: str = ""
    resource: str = ""

    def __call__(self, value: Mapping[str, Any]) -> bool:
        how = stands(value)
        return (
            (how == self.stands if self.stands else how is not Stands.CLOSED)
            and _same(self.severity, value["Severity"])
            and _same(self.control, value["Control"])
            and _same(self.owner, str(value.get("Owner") or ""))
            and _placed(self, value["ResourceId"])
        )


@dataclass(slots=True, kw_only=True)
class Found:
    """A page of findings, the gravest first and of those the oldest.

    `next` is where to go on, empty at the end; `total` counts all that are wanted, and the
    counters count these by control, subscription and owner.
    """

    items: list[dict[str, Any]] = field(default_factory=list)
    next: str = ""
    total: int = 0
    controls: Counter[str] = field(default_factory=Counter)
    subscriptions: Counter[str] = field(default_factory=Counter)
    owners: Counter[str] = field(default_factory=Counter)


def found(
    standings: Iterable[Standing], asked: FindingQuestion, *, after: str = "", limit: int = 50
) -> Found:
    """One page. Goes through all findings, and holds no more of them than the page."""
    page = Found()
    rest = heapq.nsmallest(
        limit + 1, _wanted(standings, asked, _read(after), page), key=itemgetter(0)
    )
    page.items = [_shown(value) for _, value in rest[:limit]]
    page.next = urlsafe_b64encode(rest[limit - 1][0].encode()).decode() if rest[limit:] else ""
    return page


def _read(cursor: str) -> str:
    """The place that a page's `next` names.

    Raises:
        Unusable: it is no page's.
    """
    try:
        return b64decode(cursor.encode(), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise Unusable("no such page: begin again without a cursor") from error


def each(standings: Iterable[Standing], asked: FindingQuestion) -> Iterator[dict[str, Any]]:
    """Every finding that is wanted, in no order, one at a time."""
    return (_shown(standing.value) for standing in standings if asked(standing.value))


def _wanted(
    standings: Iterable[Standing], asked: FindingQuestion, after: str, page: Found
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for standing in standings:
        value = standing.value
        if not asked(value):
            continue
        page.total += 1
        page.controls[value["Control"]] += 1
        page.subscriptions[standing.resource.subscription or "/"] += 1
        page.owners[str(value.get("Owner") or "")] += 1
        place = _order(value)
        if place > after:
            yield place, value


def _order(value: Mapping[str, Any]) -> str:
    gravity = 9 - Severity(value["Severity"]).rank
    resource = ResourceId(value["ResourceId"]).key
    return f"{gravity} {value['OpenedAt']} {value['Control']} {resource}"


def _shown(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**finding_fields(value), "Stands": stands(value).value}


def _same(wanted: str, told: str) -> bool:
    return not wanted or wanted.casefold() == told.casefold()


def _placed(asked: LogQuestion | FindingQuestion, resource: str) -> bool:
    """Whether a resource lies where it is asked for."""
    if not (asked.subscription or asked.group or asked.resource):
        return True
    place = ResourceId(resource)
    group = place.resource_group
    if asked.resource and not _lies(place, asked.resource):
        return False
    return _same(asked.subscription, place.subscription) and _same(
        asked.group, group.name if group else ""
    )


def _lies(place: ResourceId, where: str) -> bool:
    """At an id or below it; what does not begin as one is a name, or a part of one."""
    if where.startswith("/"):
        return place.within(ResourceId(where))
    return where.casefold() in place.key


def age(then: str, now: datetime) -> str:
    """How long ago an instant was, in two words at most: `3 min ago`."""
    seconds = int((now - datetime.fromisoformat(then)).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit} ago"
    return f"{max(seconds, 0)} s ago"
