"""One measured figure a row, and what makes one out of several runs."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. `ours` None: it could not be measured here, and `note` says why.

    `met` is None where there is no goal, or nothing to hold against it. `spread` is the lowest
    and the highest run.
    """

    measure: str
    unit: str
    ours: float | None
    goal: float | None = None
    met: bool | None = None
    spread: tuple[float, float] | None = None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        """The row as it stands in `results.json`; peers are measured elsewhere."""
        return {
            "measure": self.measure,
            "unit": self.unit,
            "ours": self.ours,
            "peer": None,
            "peer_name": None,
            "ratio": None,
            "goal": self.goal,
            "met": self.met,
            "spread": self.spread,
            "note": self.note,
        }


def at_most(
    measure: str,
    unit: str,
    runs: Sequence[float],
    goal: float | None = None,
    *,
    digits: int = 3,
    note: str = "",
) -> Figure:
    """The median of `runs`, which a goal may not be exceeded by."""
    ours = round(statistics.median(runs), digits)
    return Figure(
        measure=measure,
        unit=unit,
        ours=ours,
        goal=goal,
        met=None if goal is None else ours <= goal,
        spread=(round(min(runs), digits), round(max(runs), digits)),
        note=note,
    )


def at_least(
    measure: str, unit: str, runs: Sequence[float], goal: float, *, digits: int = 0, note: str = ""
) -> Figure:
    """The median of `runs`, which must reach a goal."""
    found = at_most(measure, unit, runs, goal, digits=digits, note=note)
    return replace(found, met=found.ours is not None and found.ours >= goal)
