"""The most memory that a sweep holds, by the number of resources that it sees.

Each is a process of its own, with its state in a file; the rows are made as they are asked for.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from benchmarks.endless import OPEN_EVERY
from benchmarks.processes import clean, tenant_process, whole

_LONGEST = 600.0


def main(*sizes: str) -> None:
    """Print for each size the peak in MiB, CPU seconds and wall time."""
    found = []
    for size in map(int, sizes):
        with tempfile.TemporaryDirectory() as scratch:
            found.append({"resources": size, **_swept(size, Path(scratch))})
    sys.stdout.write(json.dumps(found) + "\n")


def _swept(size: int, scratch: Path) -> dict[str, float]:
    policy = scratch / "policy.yaml"
    policy.write_text("version: 1\n", encoding="utf-8")
    own = {
        "PORTCULLIS_POLICY": str(policy),
        "PORTCULLIS_APP": "gate",
        "PORTCULLIS_STATE": str(scratch / "state.db"),
    }
    command = [sys.executable, "-m", "benchmarks.swept"]
    with tenant_process("endless", str(size)) as tenant:
        environment = {**clean(), **tenant.environment, **own}
        took = whole(command, environment, longest=_LONGEST)
    if took.code:
        sys.exit(f"the sweep failed: {took.said.strip()[-300:]}")
    summary = json.loads(took.out.splitlines()[-1])
    if summary["seen"] < size or summary["violating"] < size // OPEN_EVERY:
        sys.exit(f"the sweep did not see what is there: {summary}")
    return {"mib": summary["mib"], "cpu": took.cpu, "wall": took.wall}


if __name__ == "__main__":
    main(*sys.argv[1:])
