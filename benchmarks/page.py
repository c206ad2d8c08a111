"""The tables of `docs/benchmarks.md` and `docs/cost.md`, made from the rows of `results.json`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from benchmarks import cost
from benchmarks.processes import ROOT
from benchmarks.rates import at_once

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SIZES: Final = (1_000, 100_000, 1_000_000)
INSTANCES: Final = {"512 MB": 0.5, "2,048 MB": 2.0}
_MET: Final = {True: "yes", False: "**no**", None: ""}


def write(rows: Sequence[Mapping[str, Any]]) -> None:
    """Put the figures between the marks of both pages.

    Raises:
        ValueError: a page has no marks.
    """
    for name, table in (("benchmarks.md", figures(rows)), ("cost.md", costs(rows))):
        page = ROOT / "docs" / name
        page.write_text(placed(page.read_text(encoding="utf-8"), table), encoding="utf-8")


def placed(text: str, table: str) -> str:
    """`text` with `table` between its marks, in place of what is there.

    Raises:
        ValueError: it has no marks.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no {BEGIN} ... {END}")
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{after}"


def figures(rows: Sequence[Mapping[str, Any]]) -> str:
    """Every measure: ours, what it is to be, and the peer's with our share of it."""
    return _table(
        ("measure", "ours", "lowest - highest", "goal", "met", "peer", "ours to peer's", "note"),
        ([*_shown(row), str(row["note"])] for row in rows),
    )


def _shown(row: Mapping[str, Any]) -> list[str]:
    unit = row["unit"]
    ours = "" if row["ours"] is None else f"{_number(row['ours'])} {unit}"
    goal = "" if row["goal"] is None else _number(row["goal"])
    peer = "" if row["peer"] is None else f"{_number(row['peer'])}, {row['peer_name']}"
    ratio = "" if row["ratio"] is None else _number(row["ratio"])
    return [str(row["measure"]), ours, _spread(row), goal, _MET[row["met"]], peer, ratio]


def _spread(row: Mapping[str, Any]) -> str:
    """The lowest and the highest run; nothing where they are the same."""
    lowest, highest = row["spread"] or (0, 0)
    return f"{_number(lowest)} - {_number(highest)}" if lowest != highest else ""


def costs(rows: Sequence[Mapping[str, Any]]) -> str:
    """A month by the size of the estate and of the instances, by the work that was measured."""
    work = cost.Work().measured(rows)
    return _table(
        ("resources", "instances", "executions", "GB-seconds", "Event Grid operations", "logs",
         "functions", "Event Grid", "Log Analytics", "a month", f"{at_once()} share an instance"),
        (
            _priced(size, name, gb, cost.used(size, work))
            for size in SIZES
            for name, gb in INSTANCES.items()
        ),
    )  # fmt: skip


def _priced(size: int, name: str, gb: float, month: cost.Used) -> list[str]:
    bill, shared = cost.priced(month, gb), cost.priced(month, gb, at_once())
    return [
        f"{size:,}",
        name,
        f"{month.executions:,.0f}",
        f"{bill.gb_seconds:,.0f}",
        f"{month.grid_operations:,.0f}",
        f"{month.log_gb:,.2f} GB",
        *(f"${part:,.2f}" for part in (bill.functions, bill.grid, bill.logs, bill.total)),
        f"${shared.total:,.2f}",
    ]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:g}"


def _table(heads: Sequence[str], rows: Iterator[list[str]]) -> str:
    lines = [list(heads), ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )
