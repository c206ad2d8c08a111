"""The same event to us and to Cloud Custodian, one after the other, on one tenant over TLS."""

from __future__ import annotations

import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks.estate import account
from benchmarks.processes import ROOT, TenantProcess, clean, tenant_process
from benchmarks.warm import Line, Stopwatch
from shared.store.embedded import EmbeddedStore

WARM_UP = 5
EVENTS = 20
OPENED = {"properties": {"supportsHttpsTrafficOnly": False}}
POLICY = """
version: 1
rules:
  - {control: storage-secure-transfer, scope: /, mode: enforce}
limits:
  - {writes: 1000, per: estate, window: 1h}
  - {writes: 1000, per: subscription, window: 1h}
  - {writes: 1000, per: control, window: 1h}
"""

Timed = Callable[[str], dict[str, float]]
"""Opens an account, has it cured, and says what that took."""


def main(custodian: str) -> None:
    """Print medians per event of both; `custodian` is the interpreter that has it."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        tenant_process() as tenant,
        _peer(custodian, tenant) as theirs,
    ):
        os.environ.update(tenant.proxied)
        policy = Path(scratch) / "policy.yaml"
        policy.write_text(POLICY, encoding="utf-8")
        documents = [account(i) for i in range(2 * (WARM_UP + EVENTS))]
        ids: list[str] = tenant.ask("load", documents=documents)["ids"]
        line = Line(tenant, policy, EmbeddedStore)
        sides: dict[str, Timed] = {"ours": lambda one: _ours(line, one), "theirs": theirs}
        runs: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
        for number, resource_id in enumerate(ids):
            side = list(sides)[number % 2]
            measured = _counted(tenant, sides[side], resource_id)
            if number >= 2 * WARM_UP:
                runs[side].append(measured)
    sys.stdout.write(json.dumps({side: _medians(found) for side, found in runs.items()}) + "\n")


def _ours(line: Line, resource_id: str) -> dict[str, float]:
    watch = Stopwatch()
    line.event(resource_id, watch, OPENED)
    return {"cpu_ms": watch.cpu * 1000, "wall_ms": watch.wall * 1000}


@contextmanager
def _peer(python: str, tenant: TenantProcess) -> Iterator[Timed]:
    """Custodian's process; it ends with the block."""
    subscription = account(0)["id"].split("/")[2]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [python, str(ROOT / "benchmarks" / "custodian.py")],
        env={**clean(), **tenant.proxied, "AZURE_SUBSCRIPTION_ID": subscription},
        stdin=pipe,
        stdout=pipe,
        text=True,
    ) as process:

        def cure(resource_id: str) -> dict[str, float]:
            order = {"resource_id": resource_id, "body": OPENED}
            (message,) = tenant.ask("change", **order)["messages"]
            event = json.dumps(json.loads(base64.b64decode(message)))
            _of(process.stdin).write(event + "\n")
            _of(process.stdin).flush()
            took: dict[str, float] = json.loads(_of(process.stdout).readline())
            return took

        try:
            yield cure
        finally:
            _of(process.stdin).close()


def _counted(tenant: TenantProcess, cure: Timed, resource_id: str) -> dict[str, float]:
    """What one event took, with its requests and connections; the account must be cured."""
    before = tenant.ask("seen")
    took = cure(resource_id)
    after = tenant.ask("seen")
    closed = tenant.ask("read", resource_id=resource_id)["document"]["properties"]
    if closed["supportsHttpsTrafficOnly"] is not True:
        sys.exit(f"{resource_id} was not cured")
    return {
        **took,
        "requests": len(after["requests"]) + after["sign_ins"] - before["sign_ins"],
        "connections": after["connections"] - before["connections"],
    }


def _medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(run[name] for run in runs) for name in runs[0]}


def _of(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101  every stream was asked for
    return stream


if __name__ == "__main__":
    main(sys.argv[1])
