"""The figures of growth, and of how near detection comes to the least that it could cost."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.alone import Step
from benchmarks.figures import Figure, at_most
from benchmarks.processes import measured

SIZES = (10_000, 100_000, 1_000_000)
GROWS, FLOOR = 1.2, 10
_LONGEST = 1_500.0


def memory(step: Step) -> Iterator[Figure]:
    """Peak memory of a sweep by the number of resources."""
    found = []
    for size in SIZES:
        step(f"memory, {size:,} resources")
        found += measured("memory", [str(size)], longest=_LONGEST)
    for one in found:
        what = f"sweep of {one['resources']:,} resources"
        note = "all controls, pages made as they are asked for, state in a file"
        yield at_most(f"{what}: peak memory", "MiB", [one["mib"]], digits=1, note=note)
        each = one["cpu"] / one["resources"] * 1e6
        yield at_most(f"{what}: CPU of a resource", "µs", [each], digits=0)
    grown = [found[-1]["mib"] / found[0]["mib"]]
    what = f"peak memory, {SIZES[-1]:,} resources to {SIZES[0]:,}"
    yield at_most(what, "times", grown, GROWS, digits=3)


def floor(step: Step) -> Iterator[Figure]:
    """Documents judged, beside reading their JSON and looking at one property."""
    step("the floor of judging")
    for kind, one in measured("floor").items():
        note = f"{one['controls']} controls; the floor reads {one['floor']:,.0f} a second"
        unit = "documents per second and core"
        yield at_most(f"judging {kind}", unit, [one["ours"]], digits=0, note=note)
        times = [one["floor"] / one["ours"]]
        yield at_most(f"judging {kind}: above the floor", "times", times, FLOOR, digits=1)
