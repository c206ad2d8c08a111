"""The charts of the estate, as SVG, and what they show as tables.

Each is readable without colour: a shape, a dash, a direction or a word tells the same. Each says
in its `desc` what somebody who does not see it would want to know; a table has the rest.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from console.drawing import (
    TEXT,
    WIDTH,
    Frame,
    bar,
    brief,
    day_of,
    diamond,
    dot,
    drawing,
    joined,
    label,
    line,
    nothing,
    percent,
    round_up,
    took,
)
from shared.score import MARKS
from shared.trends import Day, times_of

_TOP: Final = 34
_BOTTOM: Final = 188
_HEIGHT: Final = 220
_FEW: Final = 31
_ROW: Final = 46
_NAME: Final = 50
"""As many characters of a control's id as there is room for."""
_STEPS: Final = (1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 30 * 86_400, 365 * 86_400)
_DASHES: Final = dict(zip(MARKS, ("2 4", "8 4"), strict=True))


@dataclass(frozen=True, slots=True)
class Table:
    """What a chart shows, in words; newest first where it is by day."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def _span(days: Sequence[Day]) -> str:
    if not days:
        return "No days."
    if len(days) == 1:
        return f"{day_of(days[0].day)}."
    return f"{day_of(days[0].day)} to {day_of(days[-1].day)}, {len(days)} days."


# --- the score


def _scored(days: Sequence[Day], now: float | None) -> list[Day]:
    """With the score as it stands now for the last day's."""
    known = list(days)
    if known and now is not None:
        known[-1] = replace(known[-1], score=now)
    return known


def score_chart(days: Sequence[Day], now: float | None = None) -> str:
    """The score day by day, beside the marks; `now` is today's, where it is known."""
    known = _scored(days, now)
    frame = Frame(count=len(known), least=0, most=100, left=52, top=_TOP, bottom=_BOTTOM)
    ticks = [frame.tick(value, f"{value} %") for value in (0, 100)]
    marks = [frame.tick(mark, f"{mark} %", "mark", dashes) for mark, dashes in _DASHES.items()]
    dates = frame.dates([one.day for one in known])
    parts = [*ticks, *marks, *dates, *_line(known, frame), *_at_last(known, now, frame)]
    return drawing("score", "Score", _score_words(known), _HEIGHT, parts)


def _line(days: Sequence[Day], frame: Frame) -> Iterator[str]:
    points = [
        (frame.x(at), frame.y(day.score)) if day.score is not None else None
        for at, day in enumerate(days)
    ]
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    runs = [run for run in runs if run]
    if not runs:
        yield nothing(frame.top, frame.bottom, "no score yet")
        return
    for run in runs:
        yield joined("score-line", run)
        shown = run if len(days) <= _FEW or len(run) == 1 else run[-1:]
        yield from (dot("score-dot", x, y, 3) for x, y in shown)


def _at_last(days: Sequence[Day], now: float | None, frame: Frame) -> Iterator[str]:
    """The newest score, above the lines where nothing crosses it."""
    found = next((day for day in reversed(days) if day.score is not None), None)
    if found is not None and found.score is not None:
        when = "now" if now is not None else day_of(found.day)
        yield dot("score-dot", frame.left + 5, 12, 4)
        yield label(f"{when} {percent(found.score)}", frame.left + 14, 17, kind="value")


def _score_words(days: Sequence[Day]) -> str:
    scores = [day.score for day in days if day.score is not None]
    if not scores:
        return f"{_span(days)} There is no score yet."
    ends = f"lowest {percent(min(scores))}, highest {percent(max(scores))}"
    return f"{_span(days)} {percent(scores[-1])} at last; {ends}."


def score_table(days: Sequence[Day], now: float | None = None) -> Table:
    rows = (
        (day.day.isoformat(), percent(day.score) if day.score is not None else "-")
        for day in reversed(_scored(days, now))
    )
    return Table("Score by day", ("day", "score"), tuple(rows))


# --- findings


def findings_chart(days: Sequence[Day]) -> str:
    """What opened, upward, and what closed, downward, day by day."""
    most = round_up(max((n for day in days for n in (day.opened, day.closed)), default=0) or 1)
    frame = Frame(count=len(days), least=-most, most=most, left=52, top=_TOP, bottom=_BOTTOM - 20)
    opened, closed = sum(day.opened for day in days), sum(day.closed for day in days)
    ticks = [frame.tick(at, brief(abs(at))) for at in (most, 0, -most)]
    words = [
        label(f"↑ opened {brief(opened)}", frame.left, 16, kind="opened-label"),
        label(f"↓ closed {brief(closed)}", frame.left, frame.bottom + 18, kind="closed-label"),
    ]
    below = replace(frame, bottom=frame.bottom + 20)
    bars = list(_bars(days, frame)) or [nothing(frame.top, frame.bottom - 24, "nothing yet")]
    parts = [*ticks, *words, *below.dates([day.day for day in days]), *bars]
    told = f"{_span(days)} {opened} findings opened, {closed} closed."
    return drawing("findings", "Findings opened and closed", told, _HEIGHT, parts)


def _bars(days: Sequence[Day], frame: Frame) -> Iterator[str]:
    width, middle = min(24.0, frame.step * 0.7), frame.y(0)
    for at, day in enumerate(days):
        x = frame.x(at) - width / 2
        # What happened is seen, however little it is beside the rest.
        if day.opened:
            height = max(1.5, middle - frame.y(day.opened))
            yield bar("opened", x, middle - height, width, height)
        if day.closed:
            yield bar("closed", x, middle, width, max(1.5, frame.y(-day.closed) - middle))


def findings_table(days: Sequence[Day]) -> Table:
    head = ("day", "opened", "closed", "remediated", "not cured", "failed", "undone")
    rows = (
        (
            day.day.isoformat(),
            *map(str, (day.opened, day.closed, day.remediated)),
            *map(str, (day.not_cured, day.failed, day.undone)),
        )
        for day in reversed(days)
    )
    return Table("Findings and actions by day", head, tuple(rows))


# --- how long it took


def times_chart(days: Sequence[Day]) -> str:
    """Median and 95th percentile of the time to remediate, day by day, on a logarithmic scale."""
    told = [
        (at, median, p95)
        for at, day in enumerate(days)
        if (median := day.times.median) is not None and (p95 := day.times.p95) is not None
    ]
    shown = _shown([seconds for _, median, p95 in told for seconds in (median, p95)])
    frame = Frame(
        count=len(days),
        least=math.log(shown[0]),
        most=math.log(shown[-1]),
        left=62,
        top=_TOP,
        bottom=_BOTTOM,
    )
    parts = list(frame.dates([day.day for day in days]))
    if told:
        parts += [frame.tick(math.log(at), took(at)) for at in shown]
        parts += [*_ranges(told, frame), *_legend(days, frame)]
    else:
        parts.append(nothing(_TOP, _BOTTOM, "nothing was cured yet"))
    return drawing("times", "Time to remediate", _times_words(days), _HEIGHT, parts)


def _shown(seconds: Sequence[float]) -> list[int]:
    """The steps on the axis: those around all of these, five at most."""
    low = max((one for one in _STEPS if one <= min(seconds, default=60)), default=_STEPS[0])
    high = min((one for one in _STEPS if one >= max(seconds, default=3_600)), default=_STEPS[-1])
    if low == high:
        high = _STEPS[min(_STEPS.index(low) + 1, len(_STEPS) - 1)]
        low = low if low < high else _STEPS[-2]
    inside = [one for one in _STEPS if low <= one <= high]
    every = math.ceil(len(inside) / 5)
    return sorted({*inside[::every], high}) if every == 1 else [*inside[:-1:every], high]


def _ranges(told: Sequence[tuple[int, float, float]], frame: Frame) -> Iterator[str]:
    size = min(4.5, max(2.0, frame.step * 0.4))
    for at, median, p95 in told:
        x, lower, upper = frame.x(at), frame.y(math.log(median)), frame.y(math.log(p95))
        if lower - upper > 2 * size:
            yield line("times-range", x, lower - size, x, upper + size)
        yield diamond("times-p95", x, upper, size)
        yield dot("times-median", x, lower, max(2.0, size * 0.8))


def _legend(days: Sequence[Day], frame: Frame) -> Iterator[str]:
    times = times_of(days)
    yield dot("times-median", frame.left + 5, 12, 4)
    yield label(f"median {took(times.median or 0)}", frame.left + 14, 17)
    yield diamond("times-p95", frame.left + 155, 12, 5)
    yield label(f"95 % within {took(times.p95 or 0)}", frame.left + 166, 17)


def _times_words(days: Sequence[Day]) -> str:
    times = times_of(days)
    if times.median is None or times.p95 is None:
        return f"{_span(days)} Nothing was cured yet."
    ends = f"half within {took(times.median)}, 95 % within {took(times.p95)}"
    return f"{_span(days)} {times.number} findings ended: {ends}."


def times_table(days: Sequence[Day]) -> Table:
    rows = (
        (
            day.day.isoformat(),
            str(day.times.number),
            took(day.times.median) if day.times.median is not None else "-",
            took(day.times.p95) if day.times.p95 is not None else "-",
        )
        for day in reversed(days)
    )
    head = ("day", "findings that ended", "median", "95th percentile")
    return Table("Time to remediate by day", head, tuple(rows))


# --- controls


def controls_chart(name: str, title: str, controls: Sequence[tuple[str, int]]) -> str:
    """A bar a control, the longest first; `name` is in the ids of the picture."""
    most = max((often for _, often in controls), default=0) or 1
    parts: list[str] = []
    for at, (control, often) in enumerate(controls):
        y = at * _ROW + TEXT + 4
        shown = control if len(control) <= _NAME else f"{control[: _NAME - 1]}…"
        width = max(2.0, (WIDTH - 64) * often / most) if often else 0.0
        parts += [label(shown, 0, y), bar("control", 0, y + 6, width, 14)]
        parts.append(label(brief(often), width + 8, y + 18, kind="value"))
    height = max(1, len(controls)) * _ROW
    if not controls:
        parts.append(nothing(0, height, "nothing yet"))
    listed = ", ".join(f"{control} {often}" for control, often in controls) or "None"
    return drawing(name, title, f"{listed}.", height, parts)


def controls_table(title: str, controls: Sequence[tuple[str, int]]) -> Table:
    return Table(title, ("control", "times"), tuple((name, str(often)) for name, often in controls))
