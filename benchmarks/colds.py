"""One event in a cold process, ours and Custodian's in turn, each a whole process over TLS."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.against import OPENED, POLICY
from benchmarks.estates import one_subscription
from benchmarks.processes import (
    ROOT,
    TenantProcess,
    Whole,
    clean,
    compile_all,
    tenant_process,
    whole,
)
from benchmarks.sweeps import SUBSCRIPTION, counted, fresh
from tests.compat.environments import CUSTODIAN

Curing = Callable[[TenantProcess, Path, str], Whole]
"""Has one side answer an event (a queue's message)."""


def main(runs: str) -> None:
    """Print every run of both sides but the first."""
    compile_all()
    sides: dict[str, Curing] = {"ours": _ours, "theirs": _theirs}
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    with tempfile.TemporaryDirectory() as folder, tenant_process() as tenant:
        scratch, number = Path(folder), 0
        for run in range(int(runs) + 1):
            for side, cure in sides.items():
                number += 1
                took = _cured(tenant, cure, scratch, one_subscription(number))
                found[side] += [took] if run else []
    sys.stdout.write(json.dumps(found) + "\n")


def _cured(
    tenant: TenantProcess, cure: Curing, scratch: Path, account: dict[str, object]
) -> dict[str, float]:
    (resource_id,) = tenant.ask("load", documents=[account])["ids"]
    (message,) = tenant.ask("change", resource_id=resource_id, body=OPENED)["messages"]
    took = counted(tenant, lambda: cure(tenant, fresh(scratch), message))
    closed = tenant.ask("read", resource_id=resource_id)["document"]["properties"]
    if closed["supportsHttpsTrafficOnly"] is not True:
        sys.exit(f"{resource_id} was not cured")
    return took


def _ours(tenant: TenantProcess, folder: Path, message: str) -> Whole:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    own = {"PORTCULLIS_POLICY": str(policy), "PORTCULLIS_APP": "all"}
    command = [sys.executable, "-m", "benchmarks.cold_event"]
    return _ended(whole(command, {**clean(), **tenant.proxied, **own}, message))


def _theirs(tenant: TenantProcess, _: Path, message: str) -> Whole:
    event = json.dumps(json.loads(base64.b64decode(message)))
    own = {"AZURE_SUBSCRIPTION_ID": SUBSCRIPTION}
    command = [str(CUSTODIAN.folder / "bin" / "python"), str(ROOT / "benchmarks" / "custodian.py")]
    return _ended(whole(command, {**clean(), **tenant.proxied, **own}, event + "\n"))


def _ended(took: Whole) -> Whole:
    if took.code:
        sys.exit(f"a cold process failed: {took.said.strip()[-300:]}")
    return took


if __name__ == "__main__":
    main(*sys.argv[1:])
