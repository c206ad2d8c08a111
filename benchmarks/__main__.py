"""`python -m benchmarks`: measures everything, prints a table, writes `results.json`."""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks import installed
from benchmarks.estate import account, security_group
from benchmarks.figures import Figure, at_least, at_most, beside
from benchmarks.processes import ROOT, Failed, compile_all, measured, tenant_process

RESULTS = Path(__file__).parent / "results.json"
CUSTODIAN = ROOT / ".compat" / "custodian"
RUNS = 7
JUDGINGS, _SLOWEST = 3, 3
_PEER = "Cloud Custodian"
_APPS = ("gate", "hand", "all")
_COLD_GOALS = {"storage": (0.46, 80), "network": (0.60, 100)}
_DEPLOYED = "interpreter to judged; byte code compiled before, deployed dependencies alone"
_OURS = "interpreter to judged; byte code compiled before, environment of development"

Step = Callable[[str], None]
_COMPARED: tuple[tuple[str, str, str, Callable[[float], float] | None], ...] = (
    ("CPU", "cpu_ms", "ms", lambda peer: peer / 4),
    ("new connections", "connections", "connections", lambda _: 0),
    ("requests, Entra's too", "requests", "requests", None),
    ("wall time", "wall_ms", "ms", None),
)
"""What is held against a peer: the goal follows from the peer's figure."""


def _of(runs: list[dict[str, Any]], name: str) -> list[float]:
    return [float(run[name]) for run in runs]


def warm(step: Step) -> Iterator[Figure]:
    """One warm event to a remediated storage account."""
    runs: list[dict[str, Any]] = []
    for _ in range(RUNS + 1):
        step("warm events")
        runs.append(measured("warm"))
    runs = runs[1:]
    what = "warm event to remediated account"
    asked = runs[-1]["requests"]
    exact = all(run["requests"] == {"GET account": 1, "PATCH account": 1} for run in runs)
    yield Figure(
        measure=f"{what}: ARM requests",
        unit="requests",
        ours=sum(asked.values()),
        goal=2,
        met=exact,
        note=", ".join(f"{count:g} {name}" for name, count in sorted(asked.items())),
    )
    yield at_most(f"{what}: new TLS connections", "connections", _of(runs, "connections"), 0)
    yield at_most(f"{what}: CPU of our process", "ms", _of(runs, "cpu_ms"), 5, digits=2)
    yield at_most(f"{what}: wall time", "ms", _of(runs, "wall_ms"), digits=2)
    detail = ", ".join(f"{count} {name}" for name, count in sorted(runs[-1]["state"].items()))
    yield at_most(f"{what}: state reads", "operations", _of(runs, "state_reads"), note=detail)
    yield at_most(f"{what}: state writes", "operations", _of(runs, "state_writes"))


def on_azurite(step: Step) -> Iterator[Figure]:
    """The same event with state in Azure's own services, as the emulator plays them."""
    what = "warm event to remediated account, state on Azurite"
    step("on Azurite")
    run = measured("azurite")
    if why := run.get("missing"):
        note = f"not measured: {why}"
        yield Figure(measure=f"{what}: CPU of our process", unit="ms", ours=None, note=note)
        return
    yield at_most(f"{what}: CPU of our process", "ms", [run["cpu_ms"]], digits=2)
    yield at_most(f"{what}: wall time", "ms", [run["wall_ms"]], digits=2)
    yield at_most(f"{what}: new TLS connections", "connections", [run["connections"]], 0)


def against_custodian(step: Step) -> Iterator[Figure]:
    """The same event to us and to Cloud Custodian, over TLS on the same tenant."""
    what = "warm event to remediated over TLS"
    if not (CUSTODIAN / "complete").exists():
        why = f"not measured: no {_PEER} in .compat; `make compat TOOLS=custodian` installs it"
        yield Figure(measure=f"{what}: CPU", unit="ms", ours=None, note=why)
        return
    runs: list[dict[str, Any]] = []
    for _ in range(RUNS):
        step("against Custodian")
        runs.append(measured("against", [str(CUSTODIAN / "bin" / "python")]))
    ours, theirs = ([run[side] for run in runs] for side in ("ours", "theirs"))
    for name, key, unit, goal in _COMPARED:
        peers = (_PEER, _of(theirs, key))
        yield beside(f"{what}: {name}", unit, _of(ours, key), peers, goal)


def cold(step: Step) -> Iterator[Figure]:
    """The size of what is deployed, and cold starts of each app in it."""
    step("installing")
    deployed = installed.environment()
    yield installed.figure(deployed)
    python = installed.python_of(deployed) if deployed else sys.executable
    note = _DEPLOYED if deployed else _OURS
    compile_all()
    alone: list[dict[str, Any]] = []
    for _ in range(RUNS + 1):
        step("imports alone")
        alone.append(measured("imports", python=python))
    least = "azure-functions, -identity, -core and -mgmt-core: what no cold start can do without"
    yield at_most("imports of Azure's packages alone: CPU", "s", _of(alone[1:], "cpu"), note=least)
    with tenant_process() as tenant:
        ids = tenant.ask("load", documents=[account(0), security_group(0)])["ids"]
        for (kind, goals), resource_id in zip(_COLD_GOALS.items(), ids, strict=True):
            for app in _APPS:
                environment = {**tenant.environment, "PORTCULLIS_APP": app}
                runs: list[dict[str, Any]] = []
                for _ in range(RUNS + 1):
                    step(f"cold starts: {app}, {kind}")
                    runs.append(measured("cold", [resource_id], environment, python))
                what = f"cold {app} to first {kind} read"
                cpu, mib = _of(runs[1:], "cpu"), _of(runs[1:], "mib")
                yield at_most(f"{what}: CPU", "s", cpu, goals[0], note=note)
                yield at_most(f"{what}: peak memory", "MiB", mib, goals[1], digits=1)


def judging(step: Step) -> Iterator[Figure]:
    """Documents a second through `portcullis check`."""
    runs: list[dict[str, Any]] = []
    for _ in range(JUDGINGS):
        step("judging")
        runs.append(measured("judging"))
    rates = [run["judged"] / run["cpu"] for run in runs]
    note = f"{runs[-1]['judged']} made-up documents of every type judged, read from files"
    unit = "documents per second and core"
    yield at_most("check", unit, rates, digits=0, note=note)
    by_type = {kind: [run["types"][kind][1] for run in runs] for kind in runs[-1]["types"]}
    for kind in sorted(by_type, key=lambda one: statistics.median(by_type[one]))[:_SLOWEST]:
        note = f"by its {runs[-1]['types'][kind][0]} controls, what they look up at hand"
        measure = f"judging one of the slowest types: {kind}"
        yield at_most(measure, unit, by_type[kind], digits=0, note=note)


def sweeping(step: Step) -> Iterator[Figure]:
    """A sweep over data stores, few of them public, and the looks that it causes."""
    step("sweeping")
    run = measured("sweeping")
    asked, public = run["asked"], run["public"]
    what = f"sweep of {run['stores']:,} data stores with its looks"
    private = asked.get("private", 0)
    yield at_most(f"{what}: ARM reads of private stores", "reads", [private], 0)
    note = f"{public:,} are public at the switch, of twenty-five types"
    reads = [asked["public"] / public]
    yield at_most(f"{what}: ARM reads of a public store", "reads", reads, digits=2, note=note)
    note = "the subscriptions' owners, roles, classic administrators, PIM settings"
    yield at_most(f"{what}: ARM reads of what is no store", "reads", [asked["other"]], note=note)
    yield at_most(f"{what}: calls of Resource Graph", "calls", [asked["index"]])
    yield at_most(f"{what}: CPU of the sweep", "s", [run["sweep_cpu"]], digits=2)
    note = f"{run['looks']:,} looks, each over TLS"
    yield at_most(f"{what}: CPU of the looks", "s", [run["looks_cpu"]], digits=2, note=note)


def proposing(step: Step) -> Iterator[Figure]:
    """Narrower grants in place of wide ones, and the review that shows them."""
    step("proposing")
    run = measured("proposing")
    what = f"{run['grants']:,} wide grants"
    note = f"by what they were seen used for in 90 days, among {run['roles']} built-in roles"
    yield at_most(f"proposals for {what}: CPU", "s", [run["planned_cpu"]], 5, digits=2, note=note)
    note = f"{run['engine_requests']:,} requests over TLS, every control of assignments judged"
    engine = [run["engine_cpu"]]
    yield at_most(f"plans of {what} by the engine: CPU", "s", engine, digits=1, note=note)
    note = f"{run['review_requests']:,} requests over TLS"
    review = [run["review_cpu"]]
    yield at_most(f"access review of {what}: CPU", "s", review, digits=1, note=note)


def simulated(step: Step) -> Iterator[Figure]:
    """The simulated tenant with a large estate."""
    step("the simulated tenant")
    run = measured("simulator")
    what = f"simulated tenant, {run['resources']:,} resources"
    page = "CPU of one answer of Resource Graph, JSON included"
    yield at_most(f"{what}: page of 1,000, first sweep", "ms", run["first"], 50, note=page)
    yield at_most(f"{what}: page of 1,000, next sweep", "ms", run["next"], 50, note=page)
    note = "documents of four types, 1.5 KiB each on the average, with both sweeps"
    yield at_most(f"{what}: peak memory", "MiB", [run["mib"]], 2048, digits=0, note=note)
    note = "over TLS, the client in another process; CPU of the server"
    yield at_least(f"{what}: GETs by id", "per second and core", run["reads"], 300, note=note)


_PARTS = (
    warm, on_azurite, against_custodian, cold, judging, sweeping, proposing, simulated,
)  # fmt: skip


def table_of(figures: list[Figure]) -> Table:
    table = Table(title="Portcullis, measured", header_style="bold", row_styles=["", "on grey7"])
    for column in ("measure", "ours", "unit", "lowest - highest", "goal", "met", "peer", "note"):
        table.add_column(column, justify="right" if column in ("ours", "goal") else "left")
    words = {True: "[green]yes[/]", False: "[bold red]NO[/]", None: ""}
    for one in figures:
        spread = f"{one.spread[0]:g} - {one.spread[1]:g}" if one.spread else ""
        ours = "" if one.ours is None else f"{one.ours:g}"
        goal = "" if one.goal is None else f"{one.goal:g}"
        peer = "" if one.peer is None else f"{one.peer:g}, {one.peer_name}"
        row = (one.measure, ours, one.unit, spread, goal, words[one.met], peer, escape(one.note))
        table.add_row(*row)
    return table


def main() -> int:
    """Measure, show, write; 1 where something could not be measured at all."""
    figures: list[Figure] = []
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn())
    total = (RUNS + 1) * (2 + len(_APPS) * len(_COLD_GOALS)) + RUNS + JUDGINGS + 5
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("starting", total=total)

        def step(description: str) -> None:
            bar.update(task, description=description, advance=1)

        for part in _PARTS:
            figures.extend(part(step))
    Console().print(table_of(figures))
    rows = [figure.to_json() for figure in figures]
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failed as failed:
        sys.exit(str(failed))
