"""`python -m benchmarks [NAME...]`: measures, prints a table, writes `results.json`.

With names only these parts are measured, and their rows replace those of the last time. `--page`
measures nothing: it writes the figures of `results.json` into the pages that show them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import alone, deployed, page, peers, scale
from benchmarks.figures import Figure
from benchmarks.processes import Failed

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Part:
    """Some figures that are measured together; `steps` is how often it moves the bar."""

    figures: Callable[[alone.Step], Iterator[Figure]]
    steps: int = 1


_COLD = (alone.RUNS + 1) * (1 + len(alone.APPS) * len(alone.COLD_GOALS)) + 1
PARTS: Mapping[str, Part] = {
    "warm": Part(alone.warm, alone.RUNS + 1),
    "azurite": Part(alone.on_azurite),
    "events": Part(peers.events, alone.RUNS),
    "cold": Part(alone.cold, _COLD),
    "cold-events": Part(peers.cold_events),
    "package": Part(deployed.package),
    "sweep": Part(peers.sweep),
    "prowler": Part(peers.prowler),
    "estate": Part(peers.estate),
    "memory": Part(scale.memory, len(scale.SIZES)),
    "rates": Part(peers.rates, 2),
    "floor": Part(scale.floor),
    "judging": Part(alone.judging, alone.JUDGINGS),
    "stores": Part(alone.sweeping),
    "proposals": Part(alone.proposing),
    "simulator": Part(alone.simulated),
    "console": Part(alone.console),
}


def table_of(rows: list[dict[str, Any]]) -> Table:
    """The rows of `results.json` for the terminal."""
    table = Table(title="Portcullis, measured", header_style="bold", row_styles=["", "on grey7"])
    for column in ("measure", "ours", "unit", "lowest - highest", "goal", "met", "peer", "note"):
        table.add_column(column, justify="right" if column in ("ours", "goal") else "left")
    words = {True: "[green]yes[/]", False: "[bold red]NO[/]", None: ""}
    for one in rows:
        spread = f"{one['spread'][0]:g} - {one['spread'][1]:g}" if one["spread"] else ""
        ours = "" if one["ours"] is None else f"{one['ours']:g}"
        goal = "" if one["goal"] is None else f"{one['goal']:g}"
        peer = "" if one["peer"] is None else f"{one['peer']:g}, {one['peer_name']}"
        met, note = words[one["met"]], escape(one["note"])
        table.add_row(one["measure"], ours, one["unit"], spread, goal, met, peer, note)
    return table


def measure(chosen: list[str]) -> list[dict[str, Any]]:
    """The rows of these parts, each with its part's name, while a bar shows how far it is."""
    rows: list[dict[str, Any]] = []
    columns = (TextColumn("{task.description:<32}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=sum(PARTS[name].steps for name in chosen))

        def step(description: str) -> None:
            bar.update(task, description=description, advance=1)

        for name in chosen:
            rows.extend({"part": name, **one.to_json()} for one in PARTS[name].figures(step))
    return rows


def kept(chosen: list[str]) -> list[dict[str, Any]]:
    """The rows of the last time that are of other parts."""
    if not RESULTS.exists():
        return []
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return [row for row in rows if row.get("part") in PARTS and row["part"] not in chosen]


def main() -> int:
    """Measure, show, write; or write the pages."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("parts", nargs="*", metavar="NAME", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--page", action="store_true", help="write the pages of docs instead")
    given = parser.parse_args()
    if given.page and not RESULTS.exists():
        parser.error(f"no {RESULTS.name} to take figures from: measure first")
    if given.page:
        page.write(json.loads(RESULTS.read_text(encoding="utf-8")))
        return 0
    if unknown := [name for name in given.parts if name not in PARTS]:
        parser.error(f"{', '.join(unknown)}: not one of {', '.join(PARTS)}")
    chosen = [name for name in PARTS if not given.parts or name in given.parts]
    measured = measure(chosen)
    Console().print(table_of(measured))
    order = list(PARTS)
    rows = sorted([*kept(chosen), *measured], key=lambda row: order.index(row["part"]))
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        sys.exit(str(failed))
