"""One sweep, in this very process: from the start of the interpreter to its summary.

The process is the deployed app's, its state in memory or where `PORTCULLIS_STATE` says. Nothing
else is imported before the app is.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks.cold import peak_mib

SHOWN = ("seen", "violating", "unknown", "hinted", "calls", "seconds")

if TYPE_CHECKING:
    from wiring import Gate


def main(kind: str = "", then: str = "") -> None:
    """Print the summary and the peak of memory; with `then`, what the looks took that follow.

    With a `kind` every control of that type judges, and no other.
    """
    import function_app  # noqa: PLC0415  its import is a part of what is measured

    gate = function_app.gate()
    if kind:
        gate = _judging(gate, kind.casefold())
    summary = gate.sweep.run()
    result = {name: getattr(summary, name) for name in SHOWN} | {"mib": peak_mib()}
    if then:
        result |= _looked(gate)
    sys.stdout.write(json.dumps(result) + "\n")


def _judging(gate: Gate, kind: str) -> Gate:
    from rules import controls  # noqa: PLC0415  as above
    from wiring import sweep_of  # noqa: PLC0415  as above

    judging = {
        name: control
        for name, control in controls().items()
        if any(one.key == kind for one in control.detector.types)
    }
    sweep = sweep_of(judging, gate.engine, gate.arm, gate.index)
    return replace(gate, sweeping=lambda: sweep)


def _looked(gate: Gate) -> dict[str, float]:
    """What every look that the sweep hinted at took; none of their own hints is followed."""
    from benchmarks.warm import Stopwatch  # noqa: PLC0415  as above
    from shared.hints import HINTS  # noqa: PLC0415  as above

    watch, count, store = Stopwatch(), 0, gate.state.store
    while messages := store.receive(HINTS, 32, timedelta(minutes=10)):
        for message in messages:
            text = message.text
            watch(lambda text=text: gate.worker.hints(text))  # type: ignore[misc]
            store.done(message)
            count += 1
    return {"looks": count, "looks_cpu": watch.cpu, "looks_wall": watch.wall}


if __name__ == "__main__":
    main(*sys.argv[1:])
