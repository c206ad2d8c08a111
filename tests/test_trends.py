"""Trends: each line of the log counts once, on its day, whoever counts and whoever is killed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import trends
from shared.log import Log
from shared.outbox import Outbox
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from shared.trends import Day, Times, Trends, bucket_of, times_of, top
from simulator.clock import VirtualClock
from tests.engine.world import Fragile, Killed

SETTLED = timedelta(seconds=61)
DAY = timedelta(days=1)


class Estate:
    """A log that is written to, and those who count it."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.store: Store = EmbeddedStore(self.clock.now)
        self.told = Counter[tuple[date, str]]()
        self._number = 0
        self._last: tuple[datetime, str, dict[str, Any]] | None = None

    def tell(self, entry: str, **more: Any) -> None:
        self._number += 1
        stream = "findings" if entry.startswith(("opened", "closed")) else "actions"
        field = "Transition" if stream == "findings" else "Entry"
        told = {field: entry, "Controls": ["a"], "Evidence": [1], **more}
        if stream == "findings":
            told.setdefault("OpenedAt", self.clock.now().isoformat())
        self._last = (self.clock.now(), stream, told)
        self._write(stream, told)
        self.told[self.clock.now().date(), entry] += 1

    def tell_again(self) -> None:
        """The last record once more, as after a crash."""
        if self._last is not None and self.clock.now() - self._last[0] <= timedelta(hours=1):
            self._write(*self._last[1:])

    def _write(self, stream: str, told: dict[str, Any]) -> None:
        Outbox(self.store, self.clock.now).add(stream, [self._number], told)

    def trends(self, store: Store | None = None) -> Trends:
        return Trends(store or self.store, Log(store or self.store), self.clock.now)

    def fold(self, minutes: int = 1) -> None:
        for _ in range(minutes):
            self.trends().fold()

    def days(self, count: int) -> list[Day]:
        """After everything had its time."""
        self.clock.advance(SETTLED)
        self.fold(30)
        return self.trends().days(count)


@pytest.fixture
def estate() -> Estate:
    return Estate()


def disturbed(at: int, what: Callable[[], None]) -> Callable[[str], None]:
    """Does `what` at the operation of that number."""
    left = [at]

    def count(_: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            what()

    return count


def killed() -> None:
    raise Killed


STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["opened", "closed-cured", "remediated", "again"]), st.just(0)),
        st.tuples(st.just("pass"), st.sampled_from([1, 59, 600, 40_000, 90_000])),
        st.tuples(st.sampled_from(["fold", "killed", "beside"]), st.integers(1, 60)),
    ),
    max_size=25,
)


@settings(max_examples=150, deadline=None)
@given(STEPS, st.integers(1, 5))
def test_folded_is_what_a_plain_count_gives(steps: list[tuple[str, int]], held: int) -> None:
    """Any order of lines, of workers beside each other, and of workers killed in the middle."""
    estate = Estate()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trends, "_LINES", held)
        for step, number in steps:
            match step:
                case "pass":
                    estate.clock.advance(timedelta(seconds=number))
                case "fold":
                    estate.fold()
                case "killed" | "beside":
                    what = killed if step == "killed" else estate.fold
                    fragile = Fragile(estate.store, disturbed(number, what))
                    try:
                        estate.trends(fragile).fold()
                    except Killed:
                        continue
                case "again":
                    estate.tell_again()
                case _:
                    estate.tell(step)
        found = estate.days(60)
    for day in found:
        counted = (day.opened, day.closed, day.remediated)
        told = [estate.told[day.day, one] for one in ("opened", "closed-cured", "remediated")]
        assert list(counted) == told, day
        assert day.times.number == day.closed
        assert sum(of.get("opened", 0) for of in day.controls.values()) == day.opened
    assert sum(day.opened + day.closed + day.remediated for day in found) == estate.told.total()


def test_who_is_overtaken_takes_nothing_back(estate: Estate) -> None:
    """A slow worker's row is older than what another wrote meanwhile: it is not written over it."""
    estate.tell("remediated")
    estate.days(1)
    estate.tell("remediated")
    estate.clock.advance(SETTLED)

    def interfere(operation: str) -> None:
        if operation == "before replace":
            estate.tell("remediated")
            estate.clock.advance(SETTLED)
            estate.fold()
        elif operation == "after replace":
            killed()

    with suppress(Killed):
        estate.trends(Fragile(estate.store, interfere)).fold()
    assert estate.days(1)[0].remediated == 3


def test_a_line_at_the_mark_is_behind_it(estate: Estate) -> None:
    """What occurred at the very instant up to which was counted is counted the next time."""
    estate.tell("undone")
    estate.clock.advance(timedelta(seconds=1))
    estate.tell("undone")
    estate.clock.advance(timedelta(seconds=60))
    estate.fold()
    assert estate.trends().days(1)[0].undone == 1
    assert estate.days(1)[0].undone == 2


def test_a_long_backlog_is_folded_over_several_minutes(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call reads a bounded number of lines; the next goes on where it ended."""
    monkeypatch.setattr(trends, "_LINES", 10)
    monkeypatch.setattr(trends, "_READS", 12)
    for _ in range(300):
        estate.tell("remediated")
        estate.clock.advance(timedelta(minutes=20))
    seen: list[int] = []
    while not seen or seen[-1] < 300:
        estate.fold()
        seen.append(sum(day.remediated for day in estate.trends().days(10)))
        estate.clock.advance(timedelta(seconds=1))
        assert len(seen) < 60
    assert len(seen) > 3
    assert max(b - a for a, b in pairwise(seen)) <= 12 * 10


def test_lines_of_one_instant_are_counted_however_many(
    estate: Estate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They cannot be read in parts."""
    monkeypatch.setattr(trends, "_LINES", 3)
    for _ in range(20):
        estate.tell("failed")
    assert estate.days(1)[0].failed == 20


def test_the_newest_minute_is_left_for_what_is_under_way(estate: Estate) -> None:
    """A line that arrives a little late is counted with the others."""
    estate.tell("undone")
    estate.clock.advance(timedelta(seconds=59))
    estate.fold()
    assert estate.trends().days(1)[0].undone == 0
    assert estate.days(1)[0].undone == 1


def test_days_have_no_gaps_and_end_today(estate: Estate) -> None:
    """Also where nothing ever happened, and where nobody counted for days."""
    today = estate.clock.now().date()
    assert estate.trends().days(3) == [Day(day=today - n * DAY) for n in (2, 1, 0)]
    estate.tell("remediated")
    estate.clock.advance(3 * DAY)
    estate.tell("not-cured")
    found = estate.days(5)
    assert [day.day for day in found] == [today + n * DAY for n in (-1, 0, 1, 2, 3)]
    assert [(day.remediated, day.not_cured) for day in found] == [
        (0, 0),
        (1, 0),
        (0, 0),
        (0, 0),
        (0, 1),
    ]


def test_old_days_go(estate: Estate) -> None:
    """After 400 days a day is forgotten, and no other is."""
    estate.tell("remediated")
    for _ in range(5):
        estate.clock.advance(100 * DAY)
        estate.tell("undone")
        estate.fold(5)
    rows = [row.key for row in estate.store.scan("trends", "day")]
    oldest = (estate.clock.now() - 400 * DAY).date().isoformat()
    assert rows
    assert all(key > oldest for key in rows)
    assert len(rows) == 3


def test_what_was_never_violated_counts_nowhere(estate: Estate) -> None:
    """A finding that was only unknown neither opened nor took time to cure."""
    estate.tell("closed-gone", Evidence=[])
    estate.tell("closed-vanished")
    (day,) = estate.days(1)
    assert (day.closed, day.times.number) == (1, 0)


def test_the_day_has_the_score_of_its_last_full_sweep(estate: Estate) -> None:
    """Zero is a score; sweeps that tell none leave it as it is."""
    outbox = Outbox(estate.store, estate.clock.now)
    for number, score in enumerate([80.5, 0.0, None]):
        outbox.add("sweeps", [number], {"Summary": "sweep", "Kind": "full", "Score": score})
        estate.clock.advance(timedelta(minutes=1))
    assert [day.score for day in estate.days(2)] == [None, 0.0]


def test_top_controls_of_several_days(estate: Estate) -> None:
    for control, times in (("a", 2), ("b", 3), ("c", 1)):
        for _ in range(times):
            estate.tell("opened", Controls=[control])
            estate.clock.advance(DAY)
    estate.tell("contested", Controls=["c"])
    days = estate.days(10)
    assert top(days, "opened", 2) == [("b", 3), ("a", 2)]
    assert top(days, "contested") == [("c", 1)]
    assert top(days, "remediated") == []


@given(st.lists(st.floats(0, 4e7), min_size=1, max_size=40), st.sampled_from([0.5, 0.95]))
def test_times_are_within_five_percent(seconds: list[float], share: float) -> None:
    """Of the share of all, also when they were counted on several days."""
    parts = [Times({bucket_of(timedelta(seconds=one)): 1}) for one in seconds]
    merged = times_of(Day(day=date(2026, 1, 1), times=part) for part in parts)
    exact = max(1.0, sorted(seconds)[math.ceil(share * len(seconds)) - 1])
    found = merged.within(share)
    assert found is not None
    assert abs(found - exact) <= 0.05 * exact + 1e-6
    assert merged.number == len(seconds)


def test_no_times_have_no_median() -> None:
    assert (Times().median, Times().p95) == (None, None)


def test_how_long_a_cure_took_is_counted_from_the_opening(estate: Estate) -> None:
    """An hour, within five percent."""
    opened = estate.clock.now()
    estate.clock.advance(timedelta(hours=1))
    estate.tell("closed-cured", OpenedAt=opened.isoformat())
    (day,) = estate.days(1)
    assert day.times.median == pytest.approx(3600, rel=0.05)
    assert datetime.fromisoformat(f"{day.day}T00:00:00+00:00") <= opened
