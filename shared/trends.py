"""What happened day by day: counted once, forward from the log, and kept as a row a day (UTC).

`Trends.fold` counts each line of the log once, whoever runs it beside, and wherever one is killed:
a day's row moves by compare-and-swap together with the mark up to which it is counted. Two lines
of one record count once, where they are no more than an hour, or 2,000 lines of their stream,
apart. The newest minute is left for lines that are under way: one that arrives later still, with
an instant before the mark, is missed.

How long a remedy took is kept as a histogram whose buckets grow by a tenth: what is read from it
is within 5 % of the truth, and less than a second counts as one.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any, Final, Literal

from shared.errors import Exists, Moved
from shared.log import Line, Log, instant_of
from shared.store import Row, Store

KEPT: Final = timedelta(days=400)
"""How long a day is kept."""
_STREAMS: Final = ("findings", "actions", "sweeps")
_UNDER_WAY: Final = timedelta(seconds=60)
_DOUBLED: Final = timedelta(hours=1)
_REMEMBERED: Final = 2_000
_LINES: Final = 2_000
"""As many lines are held at once."""
_READS: Final = 40
"""As often one call reads so many: a backlog is folded over several minutes."""
_TICK: Final = timedelta(microseconds=1)
_RATIO: Final = 1.1
_ENDED: Final = frozenset({"closed-cured", "closed-gone"})
_COUNTED: Final = frozenset({"opened", "remediated", "failed", "not-cured", "undone"})
_OF_CONTROLS: Final = frozenset({"opened", "remediated", "contested"})
Told = Literal["opened", "remediated", "contested"]
_Said = tuple[datetime, Line]


@dataclass(frozen=True, slots=True)
class Times:
    """How long something took, many times: a histogram that can be added to another."""

    counts: Mapping[int, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return sum(self.counts.values())

    def __add__(self, other: Times) -> Times:
        return Times(Counter(self.counts) + Counter(other.counts))

    def within(self, share: float) -> float | None:
        """So many seconds, or less, took this share of them; None where there is none.

        Within 5 % of the truth.
        """
        rank, passed = max(1, math.ceil(share * self.number)), 0
        for bucket in sorted(self.counts):
            passed += self.counts[bucket]
            if passed >= rank:
                return float(_RATIO ** (bucket + 0.5))
        return None

    @property
    def median(self) -> float | None:
        return self.within(0.5)

    @property
    def p95(self) -> float | None:
        return self.within(0.95)


def bucket_of(took: timedelta) -> int:
    """Where a duration is counted."""
    return max(0, math.floor(math.log(max(1.0, took.total_seconds()), _RATIO)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One day. `opened` and `closed` are findings, the next four are ends of actions.

    `times` are from a finding's opening to its end as cured, or as gone by somebody else's hand.
    `score` is that of the day's last full sweep, None where none told one. `controls` has what
    was `opened`, `remediated` and `contested`, by control. Findings that were unknown, and never
    violated, are not counted.
    """

    day: date
    opened: int = 0
    closed: int = 0
    remediated: int = 0
    failed: int = 0
    not_cured: int = 0
    undone: int = 0
    score: float | None = None
    times: Times = field(default_factory=Times)
    controls: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Times in seconds."""
        return {
            "day": self.day.isoformat(),
            "opened": self.opened,
            "closed": self.closed,
            "remediated": self.remediated,
            "failed": self.failed,
            "not_cured": self.not_cured,
            "undone": self.undone,
            "score": self.score,
            "ended": self.times.number,
            "median_seconds": self.times.median,
            "p95_seconds": self.times.p95,
            "controls": {name: dict(of) for name, of in self.controls.items()},
        }


def times_of(days: Iterable[Day]) -> Times:
    """How long remedies took on all of these days."""
    return sum((one.times for one in days), Times())


def top(days: Iterable[Day], told: Told, count: int = 10) -> list[tuple[str, int]]:
    """The controls most often `told` on these days, and how often."""
    found = Counter[str]()
    for one in days:
        found.update({name: of.get(told, 0) for name, of in one.controls.items()})
    order = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
    return [(name, often) for name, often in order if often][:count]


class Trends:
    """The days, and their counting."""

    def __init__(self, store: Store, log: Log, now: Callable[[], datetime]) -> None:
        self._store = store
        self._log = log
        self._now = now

    def days(self, count: int) -> list[Day]:
        """The last `count` days, oldest first and today last; on some nothing happened."""
        today = self._now().astimezone(UTC).date()
        wanted = [today - timedelta(days=back) for back in reversed(range(count))]
        before = (today - timedelta(days=count)).isoformat()
        rows = {row.key: row.value for row in self._store.scan("trends", "day", after=before)}
        return [_day(one, rows.get(one.isoformat(), {})) for one in wanted]

    def fold(self) -> None:
        """Count what the log told since the last time, or some of it where that is much.

        Raises:
            StoreUnavailable: what is not counted is counted the next time.
        """
        end = self._now() - _UNDER_WAY
        began = at = self._mark(end)
        width = end - at
        for _ in range(_READS):
            if at >= end:
                break
            upto = min(end, at + width)
            told = self._read(at, upto, whole=upto - at <= _TICK)
            if told is None:
                width = max(_TICK, (upto - at) / 8)
                continue
            self._count(told, at, upto)
            at, width = upto, width * 2
        if at > began:
            self._store.put("trends", "place", "mark", {"at": at.isoformat()})
        if at.date() > began.date():
            self._forget(end)

    def _mark(self, end: datetime) -> datetime:
        """Everything before it is counted; as far as somebody knew."""
        row = self._store.get("trends", "place", "mark")
        return datetime.fromisoformat(row.value["at"]) if row else end - KEPT

    def _read(self, start: datetime, upto: datetime, *, whole: bool) -> list[_Said] | None:
        """The lines from `start` to before `upto`, oldest first.

        None where they are too many, unless the `whole` is asked for.
        """
        told: list[_Said] = []
        for stream in _STREAMS:
            rows = self._log.scan(stream, since=start, until=upto - _TICK)
            told.extend(map(_said, rows if whole else islice(rows, _LINES + 1 - len(told))))
            if len(told) > _LINES and not whole:
                return None
        return sorted(told, key=itemgetter(0))

    def _count(self, told: Sequence[_Said], start: datetime, upto: datetime) -> None:
        seen, fresh = self._before(start) if told else set(), list[_Said]()
        for at, line in told:
            if line["EventId"] not in seen:
                seen.add(line["EventId"])
                fresh.append((at, line))
        for day, of_day in groupby(fresh, key=lambda said: said[0].date()):
            self._add(day, list(of_day), upto)

    def _before(self, start: datetime) -> set[str]:
        """The records of lines shortly before."""
        found = set[str]()
        for stream in _STREAMS:
            rows = self._log.scan(stream, since=start - _DOUBLED, until=start - _TICK)
            found |= {str(row.value["EventId"]) for row in islice(rows, _REMEMBERED)}
        return found

    def _add(self, day: date, told: Sequence[_Said], upto: datetime) -> None:
        """Count lines of a day that are not before its mark, and move the mark with them."""
        key = day.isoformat()
        while True:
            row = self._store.get("trends", "day", key)
            mark = datetime.fromisoformat(row.value["mark"]) if row else None
            fresh = [said for said in told if mark is None or said[0] >= mark]
            if not fresh:
                return
            value = _counted(row.value if row else {}, fresh)
            value["mark"] = upto.isoformat()
            with suppress(Exists, Moved):
                if row is None:
                    self._store.insert("trends", "day", key, value)
                else:
                    self._store.replace("trends", "day", key, value, row.etag)
                return

    def _forget(self, end: datetime) -> None:
        oldest = (end - KEPT).date().isoformat()
        for row in list(self._store.scan("trends", "day", upto=oldest)):
            self._store.delete("trends", "day", row.key)


def _said(row: Row) -> _Said:
    return datetime.fromisoformat(instant_of(row.key)), row.value


def _counted(known: Mapping[str, Any], told: Iterable[_Said]) -> dict[str, Any]:
    """The value of a day's row with these lines."""
    counts = Counter[str](known.get("counts", {}))
    times = Counter[str](known.get("times", {}))
    controls = {name: Counter[str](of) for name, of in known.get("controls", {}).items()}
    score = known.get("score")
    for at, line in told:
        entry = line["Entry"]
        if entry in _COUNTED:
            counts[entry] += 1
        elif entry.startswith("closed-") and not line.get("Unjudged"):
            counts["closed"] += 1
            if entry in _ENDED:
                took = at - datetime.fromisoformat(line["OpenedAt"])
                times[str(bucket_of(took))] += 1
        if entry in _OF_CONTROLS:
            for control in line.get("Controls", ()):
                controls.setdefault(control, Counter())[entry] += 1
        score = line.get("Score", score)
    return {"counts": counts, "times": times, "controls": controls, "score": score}


def _day(day: date, value: Mapping[str, Any]) -> Day:
    counts: Mapping[str, int] = value.get("counts", {})
    return Day(
        day=day,
        opened=counts.get("opened", 0),
        closed=counts.get("closed", 0),
        remediated=counts.get("remediated", 0),
        failed=counts.get("failed", 0),
        not_cured=counts.get("not-cured", 0),
        undone=counts.get("undone", 0),
        score=value.get("score"),
        times=Times({int(one): often for one, often in value.get("times", {}).items()}),
        controls=value.get("controls", {}),
    )
