"""The score: the share of what is judged that holds, where the grave weighs more; no I/O.

A pair of control and resource is judged where the resource is watched and the control judges its
type. How many resources of a type are watched, the last full sweep counted; what is violated,
the findings tell. So a finding that closes raises the score at once, while resources that come
and go, and scopes that policy takes in or leaves out, show with the next full sweep.

Pairs that are unknown or exempt count neither way. A pair that holds counts as holding, also
where an exemption covers it. Unknown pairs in a subscription that no sweep can see are taken off
what was counted elsewhere: in doubt the score is too low, never too high.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.decision import Do
from shared.findings import Standing
from shared.model import Control, Severity, State

WEIGHTS: Final[Mapping[Severity, int]] = {
    Severity.CRITICAL: 8,
    Severity.HIGH: 4,
    Severity.MEDIUM: 2,
    Severity.LOW: 1,
}
MARKS: Final = (65, 80)
"""Percent: below the first much is open, from the second on little is."""
_Place = tuple[str, Severity]


@dataclass(frozen=True, slots=True)
class Part:
    """Pairs of one severity: how many are judged, and how many of them hold."""

    judged: int
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The score in percent, two digits behind the point; None where nothing is judged.

    `judged` and `held` are pairs, `by_severity` the same, gravest first, without those that
    have none. `counted_at` is the end of the sweep that counted; while that was the `first` of
    all, looks may still be under way that find what was violated before.
    """

    value: float | None
    by_severity: Mapping[Severity, Part]
    counted_at: datetime | None = None
    first: bool = False

    @property
    def judged(self) -> int:
        return sum(part.judged for part in self.by_severity.values())

    @property
    def held(self) -> int:
        return sum(part.held for part in self.by_severity.values())

    def to_json(self) -> dict[str, Any]:
        return {
            "score": self.value,
            "marks": list(MARKS),
            "judged": self.judged,
            "held": self.held,
            "by_severity": severities_json(self),
            "counted_at": self.counted_at.isoformat() if self.counted_at else None,
            "first": self.first,
        }


def severities_json(score: Score) -> dict[str, dict[str, int]]:
    """By severity, its pairs."""
    return {
        severity.value: {"judged": part.judged, "held": part.held}
        for severity, part in score.by_severity.items()
    }


def weigh(
    counted: Mapping[str, int],
    by_type: Mapping[str, Sequence[Control]],
    findings: Iterable[Standing],
    now: datetime,
) -> Score:
    """The score of `counted` resources by type, with these findings (closed ones do not count).

    `by_type` are the controls that judge a type; types are in lower case. Memory does not grow
    with the number of findings.
    """
    violated, aside = _tallied(by_type, findings, now)
    counts = Counter[_Place]()
    for kind, controls in by_type.items():
        for control in controls:
            counts[kind, control.detector.severity] += counted.get(kind, 0)
    held, judged = Counter[Severity](), Counter[Severity]()
    for place in {*counts, *violated}:
        # What opened since the sweep counted is not among what it counted.
        holds = max(0, counts[place] - violated[place] - aside[place])
        held[place[1]] += holds
        judged[place[1]] += holds + violated[place]
    parts = {one: Part(judged[one], held[one]) for one in WEIGHTS if judged[one]}
    return Score(value=_percent(parts), by_severity=parts)


def _tallied(
    by_type: Mapping[str, Sequence[Control]], findings: Iterable[Standing], now: datetime
) -> tuple[Counter[_Place], Counter[_Place]]:
    """How many pairs are violated, and how many count neither way."""
    severities = {
        control.id: control.detector.severity for kind in by_type.values() for control in kind
    }
    violated, aside = Counter[_Place](), Counter[_Place]()
    for standing in findings:
        severity = severities.get(standing.control)
        if standing.open and severity is not None:
            counts = aside if _counts_not(standing, now) else violated
            counts[standing.resource.type.casefold(), severity] += 1
    return violated, aside


def _counts_not(standing: Standing, now: datetime) -> bool:
    if standing.value["State"] == State.UNKNOWN:
        return True
    undone = standing.undone_until
    if undone is not None and now < undone:
        return True
    decision = standing.value.get("Decision")
    if not decision or decision["do"] != Do.EXEMPT:
        return False
    until = decision.get("until")
    return until is None or now < datetime.fromisoformat(until)


def _percent(parts: Mapping[Severity, Part]) -> float | None:
    whole = sum(WEIGHTS[one] * part.judged for one, part in parts.items())
    holds = sum(WEIGHTS[one] * part.held for one, part in parts.items())
    if not whole:
        return None
    # Down: what is not whole never reads as whole.
    return holds * 10_000 // whole / 100
