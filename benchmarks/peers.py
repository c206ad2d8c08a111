"""The figures of Portcullis beside others, on the same tenant and in one run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.alone import RUNS, Step, of
from benchmarks.figures import Figure, at_least, at_most, beside
from benchmarks.mixed import least as least_for_queries
from benchmarks.processes import Failed, measured
from benchmarks.rates import PATCH, at_once
from benchmarks.rates import least as least_for_writes
from benchmarks.sweeps import ACCOUNTS
from tests.compat.environments import CUSTODIAN, PROWLER, Tool

SWEEPS, COLDS = 3, 5
PROWLED = (50, 50, 350)
"""Accounts that Prowler is given: the first run warms up, of the others each tells something."""
RESOURCES, SUBSCRIPTIONS, FOLLOWED = 100_000, 200, 2
ONE, FIFTY, RUN_BY_PEER = 500, 1_500, 3
_LONGEST = 1_500.0
_NAMES = {CUSTODIAN.name: "Cloud Custodian", PROWLER.name: "Prowler"}
_CPU, _WALL, _CALLS = "CPU", "wall time", "requests to Azure"

_EVENTS: tuple[tuple[str, str, str, Callable[[float], float] | None], ...] = (
    ("CPU", "cpu_ms", "ms", lambda peer: peer / 4),
    ("new connections", "connections", "connections", lambda _: 0),
    ("requests, Entra's too", "requests", "requests", None),
    ("wall time", "wall_ms", "ms", None),
)
"""What is held against a peer: the goal follows from the peer's figure."""


def missing(tool: Tool, what: str, unit: str) -> Figure | None:
    """The row that says why nothing was measured; None where the tool is installed."""
    if (tool.folder / "complete").exists():
        return None
    name = _NAMES[tool.name]
    why = f"not measured: no {name} in .compat; `make compat TOOLS={tool.name}` installs it"
    return Figure(measure=what, unit=unit, ours=None, note=why)


@dataclass(frozen=True, slots=True)
class _Compared:
    """Runs of both sides at one thing, and what makes a row of them."""

    what: str
    found: Mapping[str, Any]
    tool: Tool = CUSTODIAN

    def row(
        self,
        name: str,
        key: str,
        unit: str,
        goal: Callable[[float], float] | None = None,
        note: str = "",
    ) -> Figure:
        """A figure of every run; the goal follows from the peer's."""
        theirs = (_NAMES[self.tool.name], of(self.found["theirs"], key))
        ours = of(self.found["ours"], key)
        return beside(f"{self.what}: {name}", unit, ours, theirs, goal).noted(note)


def events(step: Step) -> Iterator[Figure]:
    """The same warm event to us and to Cloud Custodian, over TLS on the same tenant."""
    what = "warm event to remediated over TLS"
    if row := missing(CUSTODIAN, f"{what}: CPU", "ms"):
        yield row
        return
    runs: list[dict[str, Any]] = []
    for _ in range(RUNS):
        step("warm events, against Custodian")
        runs.append(measured("against", [str(CUSTODIAN.folder / "bin" / "python")]))
    ours, theirs = ([run[side] for run in runs] for side in ("ours", "theirs"))
    for name, key, unit, goal in _EVENTS:
        peers = (_NAMES[CUSTODIAN.name], of(theirs, key))
        yield beside(f"{what}: {name}", unit, of(ours, key), peers, goal)


def cold_events(step: Step) -> Iterator[Figure]:
    """One event in a cold process, from the start of the interpreter to the account cured."""
    what = "cold process, one event to remediated over TLS"
    if row := missing(CUSTODIAN, f"{what}: {_CPU}", "s"):
        yield row
        return
    step("cold events, against Custodian")
    both = _Compared(what, measured("colds", [str(COLDS)], longest=_LONGEST))
    yield both.row(_CPU, "cpu", "s", lambda peer: peer / 2)
    yield both.row(_WALL, "wall", "s")


def sweep(step: Step) -> Iterator[Figure]:
    """A sweep of storage accounts, each side a whole process."""
    what = f"sweep of {ACCOUNTS:,} storage accounts"
    if row := missing(CUSTODIAN, f"{what}: {_CPU}", "s"):
        yield row
        return
    step("sweeps, against Custodian")
    found = measured("sweeps", [str(SWEEPS)], longest=_LONGEST)
    both = _Compared(what, found)
    note = (
        "every control of storage accounts, hints noted, no look; Custodian: one policy, a filter"
    )
    yield both.row(_CPU, "cpu", "s", lambda peer: peer / 8, note)
    note = "30 ms to Azure and back; from the start of the interpreter to the end"
    yield both.row(_WALL, "wall", "s", lambda peer: peer / 8, note)
    yield both.row(_CALLS, "calls", "requests", lambda peer: peer)
    yield both.row("peak memory", "mib", "MiB")
    looks = found["looks"][0]
    note = f"{looks['looks']:g} looks, what the index made worth one; one after the other"
    yield at_most(f"{what}, its looks: {_CPU}", "s", [looks["looks_cpu"]], digits=2, note=note)
    yield at_most(f"{what}, its looks: {_WALL}", "s", [looks["looks_wall"]], digits=2, note=note)


def prowler(step: Step) -> Iterator[Figure]:
    """The same accounts and Prowler's storage service, scaled from fewer."""
    what = f"sweep of {ACCOUNTS:,} storage accounts, beside a scan"
    if row := missing(PROWLER, f"{what}: {_CPU}", "s"):
        yield row
        return
    step("sweeps, against Prowler")
    arguments = [str(SWEEPS), *map(str, PROWLED)]
    found = measured("sweeps", arguments, longest=_LONGEST)
    few, many = found["theirs"][-2:]
    scaled = {key: _scaled(few, many, key) for key in ("cpu", "wall", "calls")}
    found["theirs"] = [scaled]
    note = (
        f"Prowler's storage service asks for each account: measured with {few['accounts']:,} and "
        f"{many['accounts']:,} accounts, the difference scaled to {ACCOUNTS:,}"
    )
    both = _Compared(what, found, PROWLER)
    yield both.row(_CPU, "cpu", "s", lambda peer: peer / 10, note)
    yield both.row(_WALL, "wall", "s", lambda peer: peer / 10, note)
    yield both.row(_CALLS, "calls", "requests", lambda peer: peer / 100, note)


def _scaled(few: dict[str, float], many: dict[str, float], key: str) -> float:
    """What so many accounts would take, were each more as dear as those between few and many."""
    each = (many[key] - few[key]) / (many["accounts"] - few["accounts"])
    return many[key] + each * (ACCOUNTS - many["accounts"])


def estate(step: Step) -> Iterator[Figure]:
    """A sweep of many types by all controls, under the quota of Resource Graph."""
    what = f"sweep of {RESOURCES:,} resources in {SUBSCRIPTIONS} subscriptions"
    step("a large estate")
    custodian = [] if missing(CUSTODIAN, what, "s") else [str(FOLLOWED)]
    try:
        found = measured("mixed", [str(RESOURCES), *custodian], longest=_LONGEST)
    except Failed as failed:
        found = {"ours": {"missing": str(failed)}}
    ours = found["ours"]
    if why := ours.get("missing"):
        yield Figure(measure=f"{what}: {_WALL}", unit="s", ours=None, note=f"not measured: {why}")
        return
    quota = least_for_queries(ours["queries"])
    note = f"{ours['queries']} queries, which Graph's quota allows in {quota:g} s at the least"
    yield at_most(f"{what}: {_WALL}", "s", [ours["wall"]], 1.2 * quota, digits=1, note=note)
    violating, hinted = ours["violating"], ours["hinted"]
    note = f"every control; {violating:,} violations, {hinted:,} looks noted"
    share = [hinted / ours["seen"]]
    yield at_most(f"{what}: looks noted", "of 1", share, digits=4, note=note)
    found["ours"] = [ours]
    if "theirs" not in found:
        yield at_most(f"{what}: {_CPU}", "s", [ours["cpu"]], digits=1, note=note)
        return
    theirs, more = found["theirs"], SUBSCRIPTIONS / FOLLOWED
    found["theirs"] = [{key: theirs[key] * more for key in ("cpu", "wall", "calls")}]
    ours["calls"] = float(ours["calls"])
    both = _Compared(what, found)
    note += f"; Custodian: five policies, run in {FOLLOWED} subscriptions and scaled"
    yield both.row(_CPU, "cpu", "s", note=note)
    yield both.row(f"{_WALL} beside a peer", "wall", "s", note=note)
    yield both.row(_CALLS, "calls", "requests", note=note)


def rates(step: Step) -> Iterator[Figure]:
    """Remediations a second while a write takes 200 ms and Azure's limits hold."""
    present = not missing(CUSTODIAN, "", "")
    for estate_, count, subscriptions, peers in (
        ("plain http in one", ONE, 1, 1),
        ("plain http", FIFTY, 50, RUN_BY_PEER),
    ):
        step(f"remediations, {subscriptions} subscriptions")
        arguments = [estate_, str(count), *([str(peers)] if present else [])]
        found = measured("rates", arguments, longest=_LONGEST)
        yield from _rates(found, count, subscriptions, peers)


def _rates(found: dict[str, Any], count: int, subscriptions: int, peers: int) -> Iterator[Figure]:
    ours, theirs = found["ours"], found.get("theirs")
    where = "one subscription" if subscriptions == 1 else f"{subscriptions} subscriptions"
    what = f"{count:,} remediations in {where}, PATCH in 200 ms"
    limits = least_for_writes(count, subscriptions) + PATCH
    threads = count * PATCH / at_once()
    rate = [ours["cured"] / ours["wall"]]
    note = f"{at_once()} at once, as host.json hands over to one instance"
    row = at_most(f"{what}: rate", "per second", rate, digits=1, note=note)
    if theirs:
        peer = [theirs["cured"] / theirs["wall"]]
        row = beside(row.measure, row.unit, rate, (_NAMES[CUSTODIAN.name], peer), digits=1)
        ran = f"Custodian ran in {peers} of them" if subscriptions > 1 else "Custodian: one run"
        row = row.noted(f"{note}; {ran}")
    yield row
    bound = "Azure's limits" if limits > threads else f"{at_once()} writes under way at 200 ms"
    note = f"bound by {bound}: {max(limits, threads):.1f} s at the least, taken {ours['wall']:.1f}"
    share = [max(limits, threads) / ours["wall"]]
    goal = 0.95 if limits > threads else None
    yield at_least(f"{what}: share of what is possible", "of 1", share, goal, digits=3, note=note)
    note = f"{ours['refused']} of {ours['requests']:,} requests"
    refused = [ours["refused"] / ours["requests"]]
    yield at_most(f"{what}: requests throttled", "of 1", refused, 0.01, digits=4, note=note)
    early = [float(ours["hasty"])]
    yield at_most(f"{what}: throttled requests sent again too early", "requests", early, 0)
