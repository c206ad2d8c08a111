"""The figures of what is deployed: its size, and its cold starts under Microsoft's worker code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from benchmarks.alone import RUNS, Step
from benchmarks.figures import Figure, at_most, beside
from benchmarks.processes import measured
from infra.package import GOAL

_NOTHING: Final = "an app that does nothing"
_LOADED: Final = "worker and app imported, our sources compiled: the builder makes no byte code"
_ROWS: Final = (
    ("gate, hint", "started", "gate: app loaded", _LOADED),
    ("gate, hint", "indexed", "gate: functions listed", ""),
    ("gate, hint", "loaded", "gate: first function loaded", ""),
    ("gate, hint", "answered", "gate: first hint", "an open account found, an order left"),
    ("gate, event", "answered", "gate: first Event Grid event", "a hint left"),
    ("hand, order", "started", "hand: app loaded", _LOADED),
    ("hand, order", "indexed", "hand: functions listed", ""),
    ("hand, order", "loaded", "hand: first function loaded", ""),
    ("hand, order", "answered", "hand: first order", "the account closed, and seen to be"),
    ("gate, compiled", "answered", "gate, were our sources compiled: first hint", "as above"),
)
"""Of which start, the step, and what both are called on the page."""


def package(step: Step) -> Iterator[Figure]:
    """What Azure's builder makes of the package, and what a message waits for in a new process."""
    step("cold starts under Microsoft's worker")
    run = measured("starts", [str(RUNS)], longest=1_500)
    if why := run.get("missing"):
        note = f"not measured: {why}"
        yield Figure(measure="cold worker", unit="s", ours=None, note=note)
        return
    what = "package as the builder leaves it"
    yield at_most(f"{what}: zipped", "MiB", [run["zipped"]], GOAL, digits=1)
    note = "our sources, the dependencies, and byte code of these"
    yield at_most(f"{what}: installed", "MiB", [run["installed"]], digits=1, note=note)
    yield from started(run["runs"], run["where"])


def started(runs: Mapping[str, Any], where: str) -> Iterator[Figure]:
    """The rows of the starts: seconds from the start of the process, and CPU at the end.

    `where` says where state was.
    """
    for name, reached, words, note in _ROWS:
        last = reached == "answered"
        row = _beside(runs, name, reached, "wall", f"cold worker, {words}: wall time")
        yield row.noted(f"{note}; state {where}" if last else note)
        if last:
            yield _beside(runs, name, reached, "cpu", f"cold worker, {words}: CPU")


def _beside(runs: Mapping[str, Any], name: str, reached: str, key: str, measure: str) -> Figure:
    ours, trivial = ([one[reached][key] for one in runs[side]] for side in (name, "trivial"))
    return beside(measure, "s", ours, (_NOTHING, trivial))
