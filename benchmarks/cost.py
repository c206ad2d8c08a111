"""What a month costs, by the size of the estate: list prices, measured work, named assumptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

MINUTES: Final = 43_800
"""Of a month: a twelfth of 365 days."""
TIMERS_A_MINUTE: Final = 3.2
"""`ship` twice, `due` once, `sweep` every five minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US list prices in dollars, and what is free each month; `docs/cost.md` names the sources."""

    gb_second: float = 0.000026
    execution: float = 0.40 / 1e6
    free_gb_seconds: float = 100_000
    free_executions: float = 250_000
    grid_operation: float = 0.60 / 1e6
    free_grid_operations: float = 100_000
    log_gb: float = 2.30
    free_log_gb: float = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What happens to an estate in a month, and how long the app is at it.

    `events` are those of a resource that the filters let through, `opening` is the share of them
    that opens a finding, `looked` the share of resources that a sweep has looked at. `sweeps` are
    full ones; an `incremental` one has what changed looked at once more, told or not. Times are
    seconds; an execution is never charged less than `least`.
    """

    events: float = 10
    opening: float = 0.01
    sweeps: float = 30
    incremental: float = 2_920
    incremental_seconds: float = 6.0
    looked: float = 0.1
    note: float = 0.05
    look: float = 0.5
    page: float = 1.0
    timer: float = 0.2
    least: float = 1.0
    rows_a_page: int = 1_000
    grid_operations_an_event: float = 3
    records_a_finding: float = 6
    record_bytes: float = 2_000

    def measured(self, rows: Sequence[Mapping[str, Any]]) -> Work:
        """The same, with what `results.json` knows better."""
        known = {row["measure"]: row["ours"] for row in rows if row["ours"] is not None}
        looked = next((v for k, v in known.items() if k.endswith(": looks noted")), self.looked)
        each = known.get("sweep of 1,000,000 resources: CPU of a resource", 0.0)
        return replace(self, looked=looked, page=self.page + each / 1e6 * self.rows_a_page)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A month's consumption; `seconds` are those that the timers and that all else are charged."""

    executions: float
    timer_seconds: float
    busy_seconds: float
    grid_operations: float
    log_gb: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """A month in dollars."""

    gb_seconds: float
    functions: float
    grid: float
    logs: float

    @property
    def total(self) -> float:
        return self.functions + self.grid + self.logs


def used(resources: int, work: Work) -> Used:
    """What an estate of this size consumes.

    An event is three executions, one that notes it, one that looks, and one that looks because of
    the next incremental sweep; a full sweep is one for each page and one for each look that it asks
    for; a finding is an order to the hand as well.
    """
    events = resources * work.events
    found = events * work.opening
    looks = 2 * events + resources * work.looked * work.sweeps + found
    pages = work.sweeps * (resources / work.rows_a_page)
    timers = float(MINUTES * TIMERS_A_MINUTE)
    busy = (
        events * max(work.note, work.least)
        + looks * max(work.look, work.least)
        + pages * max(work.page, work.least)
        + work.incremental * max(work.incremental_seconds, work.least)
    )
    return Used(
        executions=events + looks + pages + work.incremental + timers,
        timer_seconds=timers * max(work.timer, work.least),
        busy_seconds=busy,
        grid_operations=events * work.grid_operations_an_event,
        log_gb=found * work.records_a_finding * work.record_bytes / 1e9,
    )


def priced(month: Used, gb: float, together: float = 1, prices: Prices | None = None) -> Bill:
    """What a month costs with instances of `gb`, when so many executions share one while busy."""
    price = prices or Prices()
    gb_seconds = (month.timer_seconds + month.busy_seconds / together) * gb
    functions = (
        max(0.0, gb_seconds - price.free_gb_seconds) * price.gb_second
        + max(0.0, month.executions - price.free_executions) * price.execution
    )
    grid = max(0.0, month.grid_operations - price.free_grid_operations) * price.grid_operation
    logs = max(0.0, month.log_gb - price.free_log_gb) * price.log_gb
    return Bill(gb_seconds=gb_seconds, functions=functions, grid=grid, logs=logs)
