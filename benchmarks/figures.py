"""One measured figure a row, and what makes one out of several runs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row. `ours` None: it could not be measured here, and `note` says why.

    `peer` is the same of whoever `peer_name` is. `met` is None where there is no goal, or nothing
    to hold against it. `spread` is the lowest and the highest run.
    """

    measure: str
    unit: str
    ours: float | None
    goal: float | None = None
    met: bool | None = None
    spread: tuple[float, float] | None = None
    note: str = ""
    peer: float | None = None
    peer_name: str | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the peer's."""
        if self.ours is None or not self.peer:
            return None
        return float(f"{self.ours / self.peer:.3g}")

    def noted(self, note: str) -> Figure:
        """The row with a note."""
        return replace(self, note=note)

    def to_json(self) -> dict[str, Any]:
        """The row as it stands in `results.json`; `peer` is null where none was measured."""
        return {
            "measure": self.measure,
            "unit": self.unit,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "ratio": self.ratio,
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


def beside(
    measure: str,
    unit: str,
    ours: Sequence[float],
    theirs: tuple[str, Sequence[float]],
    goal: Callable[[float], float] | None = None,
    *,
    digits: int = 3,
) -> Figure:
    """The medians of ours and of a named peer's runs; the goal may follow from the peer's."""
    name, runs = theirs
    peer = round(statistics.median(runs), digits)
    wanted = None if goal is None else round(goal(peer), 3)
    row = at_most(measure, unit, ours, wanted, digits=digits)
    return replace(row, peer=peer, peer_name=name)


def at_least(
    measure: str,
    unit: str,
    runs: Sequence[float],
    goal: float | None,
    *,
    digits: int = 0,
    note: str = "",
) -> Figure:
    """The median of `runs`, which must reach a goal."""
    found = at_most(measure, unit, runs, goal, digits=digits, note=note)
    if goal is None or found.ours is None:
        return found
    return replace(found, met=found.ours >= goal)
