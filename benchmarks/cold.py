"""One cold start, in this very process: import the app, build its gate, look at one resource.

Only light modules are imported here before the app is: what is measured is the app.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path


def main(resource_id: str) -> None:
    """Print CPU seconds (user and system, from the start of the process) and peak MiB."""
    import function_app  # noqa: PLC0415  its import is a part of what is measured
    from shared.hints import Hint  # noqa: PLC0415
    from shared.model import ResourceId  # noqa: PLC0415
    from shared.settings import App  # noqa: PLC0415

    gate = function_app.gate()
    hint = Hint(id=ResourceId(resource_id), source="event", first_seen=gate.state.now()).to_text()
    hand = gate.settings.app is App.HAND
    look = gate.worker.act(hint) if hand else gate.worker.hints(hint)
    used = resource.getrusage(resource.RUSAGE_SELF)
    states = {str(one.verdict.state) for one in getattr(look, "seen", [])}
    if states != {"compliant"}:
        sys.exit(f"the look at {resource_id} did not end as it should: {states or 'nothing seen'}")
    sys.stdout.write(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mib": peak_mib()}) + "\n")


def peak_mib() -> float:
    """The most memory this process ever held.

    Linux hands the peak of whoever started a process on to it in `getrusage`; the process's own
    stands in `/proc`.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    kept = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kept / (1 << 20 if sys.platform == "darwin" else 1 << 10)


if __name__ == "__main__":
    main(sys.argv[1])
