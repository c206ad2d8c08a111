"""The figures of what runs alone, in any order; each part is one name of `python -m benchmarks`."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.estate import account, security_group
from benchmarks.figures import Figure, at_least, at_most
from benchmarks.processes import Package, measured, tenant_process
from infra.package import dependencies, size, unpack

RUNS = 7
JUDGINGS, _SLOWEST = 3, 3
PAGE_GOAL = 300
"""Milliseconds of the server for a page of the console's log."""
APPS = ("gate", "hand", "all")
COLD_GOALS = {"storage": (0.46, 80), "network": (0.60, 100)}
LARGEST = 150
"""MiB that the installed dependencies may take."""
_DEPLOYED = "interpreter to judged; byte code compiled before, deployed dependencies alone"
_OURS = "interpreter to judged; byte code compiled before, environment of development"

Step = Callable[[str], None]
"""Told what is being done now; once for each process."""


def of(runs: list[dict[str, Any]], name: str) -> list[float]:
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
    yield at_most(f"{what}: new TLS connections", "connections", of(runs, "connections"), 0)
    yield at_most(f"{what}: CPU of our process", "ms", of(runs, "cpu_ms"), 5, digits=2)
    yield at_most(f"{what}: wall time", "ms", of(runs, "wall_ms"), digits=2)
    detail = ", ".join(f"{count} {name}" for name, count in sorted(runs[-1]["state"].items()))
    yield at_most(f"{what}: state reads", "operations", of(runs, "state_reads"), note=detail)
    yield at_most(f"{what}: state writes", "operations", of(runs, "state_writes"))


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


def console(step: Step) -> Iterator[Figure]:
    """Pages of the console's log, from the request to the whole answer."""
    step("the console's log")
    run = measured("console", longest=1_800)
    for store in ("memory", "Azurite"):
        for question, runs in run.get(store, {}).items():
            measure = f"console: 50 of 100,000 lines, {question}, state in {store}"
            yield at_most(f"{measure}: wall time", "ms", runs, PAGE_GOAL, digits=0)
    if why := run.get("missing"):
        yield Figure(measure="console: state on Azurite", unit="ms", ours=None, note=why)


def cold(step: Step) -> Iterator[Figure]:
    """The size of what is deployed, and cold starts of each app in the very package."""
    step("installing")
    deployed = dependencies()
    yield _installed(deployed)
    with tempfile.TemporaryDirectory() as folder:
        yield from _colds(step, Package(unpack(Path(folder)), deployed).compiled())


def _installed(deployed: Path | None) -> Figure:
    measure = "installed environment, without tools of development"
    if deployed is None:
        why = "not measured: nothing could be installed here"
        return Figure(measure=measure, unit="MiB", ours=None, goal=LARGEST, note=why)
    held = size(one for one in deployed.rglob("*") if one.is_file())
    note = "files of site-packages, byte code included, without pip and setuptools"
    return at_most(measure, "MiB", [held], LARGEST, digits=1, note=note)


def _colds(step: Step, package: Package) -> Iterator[Figure]:
    note = _DEPLOYED if package.dependencies else _OURS
    alone: list[dict[str, Any]] = []
    for _ in range(RUNS + 1):
        step("imports alone")
        alone.append(measured("imports", package=package))
    least = "azure-functions, -identity, -core and -mgmt-core: what no cold start can do without"
    yield at_most("imports of Azure's packages alone: CPU", "s", of(alone[1:], "cpu"), note=least)
    with tenant_process() as tenant:
        ids = tenant.ask("load", documents=[account(0), security_group(0)])["ids"]
        for (kind, goals), resource_id in zip(COLD_GOALS.items(), ids, strict=True):
            for app in APPS:
                environment = {**tenant.environment, "PORTCULLIS_APP": app}
                runs: list[dict[str, Any]] = []
                for _ in range(RUNS + 1):
                    step(f"cold starts: {app}, {kind}")
                    runs.append(measured("cold", [resource_id], environment, package=package))
                what = f"cold {app} to first {kind} read"
                cpu, mib = of(runs[1:], "cpu"), of(runs[1:], "mib")
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
