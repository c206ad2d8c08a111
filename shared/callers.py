"""Who called a data store lately, told to the person who decides on a cure that may cut them off.

It decides nothing: a plan is the same plan, with the same id, whatever the logs tell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from shared.model import Detector, Plan, ResourceId

FAMILY = "datastore-exposure"
DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """One address. A private one came through a private or a service endpoint, or inside Azure."""

    address: str
    calls: int
    last: datetime
    private: bool

    def __str__(self) -> str:
        of = "private, " if self.private else ""
        return f"{self.address} ({of}{self.calls}, last {self.last:%Y-%m-%d})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers:
    """What the logs of the last `DAYS` days tell.

    `found` are those who called most, `more` whether there are others; `incomplete` says what the
    logs leave out. `unknown` is the reason where nothing is known, and then nothing else counts.
    """

    found: tuple[Caller, ...] = ()
    more: bool = False
    incomplete: str = ""
    unknown: str = ""

    def __str__(self) -> str:
        if self.unknown:
            return f"Recent callers are not known: {self.unknown}."
        named = ", ".join(map(str, self.found)) or "none in the logs"
        others = " and others" if self.more else ""
        left_out = f" Left out: {self.incomplete}." if self.incomplete else ""
        return f"Callers of the last {DAYS} days: {named}{others}.{left_out}"


Ask = Callable[[ResourceId], Callers]
"""Never raises: what went wrong is the reason why callers are unknown."""


def told(ask: Ask | None, plan: Plan, detectors: Iterable[Detector]) -> Plan:
    """The plan, with the recent callers of its store among its caveats.

    As it is where nobody can be asked, or none of the detectors is about a store's exposure.
    """
    if ask is None or all(one.family != FAMILY for one in detectors):
        return plan
    return replace(plan, caveats=(*plan.caveats, str(ask(plan.resource))))
