"""One sweep over many data stores, and every look that it causes, in this very process.

The policy is the one that audits; the stores lie in the tenant's process, over TLS.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

from benchmarks.gates import Audited, audited
from benchmarks.processes import TenantProcess
from benchmarks.stores import is_public, store
from benchmarks.warm import Stopwatch
from shared.errors import OverBudget
from shared.hints import HINTS, SETTLE

STORES, _LOADED = 10_000, 500


def main() -> None:
    """Print what a sweep and its looks asked for, and what they cost."""
    with audited() as line:
        public = _load(line.tenant)
        result = _measured(line, public)
    sys.stdout.write(json.dumps(result) + "\n")


def _load(tenant: TenantProcess) -> dict[str, bool]:
    """By the stores' ids in lower case, whether they are public at the switch."""
    public: dict[str, bool] = {}
    for start in range(0, STORES, _LOADED):
        made = [(number, store(number)) for number in range(start, start + _LOADED)]
        public |= {documents[0]["id"].casefold(): is_public(number) for number, documents in made}
        tenant.ask("load", documents=[one for _, documents in made for one in documents])
    return public


def _measured(line: Audited, public: dict[str, bool]) -> dict[str, Any]:
    gate, tenant = line.gate, line.tenant
    tenant.ask("seen")
    sweeping, looking = Stopwatch(), Stopwatch()
    summary = sweeping(gate.sweep.run)
    looks = looking(lambda: _looks(line))
    asked: Counter[str] = Counter()
    for method, path, _ in tenant.ask("seen")["requests"]:
        asked[_about(method, path.casefold(), public)] += 1
    found = {one.resource.key for one in gate.state.findings.all() if one.open}
    if found & public.keys() != {one for one, on in public.items() if on}:
        sys.exit("the stores with findings are not those that are public")
    return {
        "asked": asked,
        "stores": len(public),
        "public": sum(public.values()),
        "seen": summary.seen,
        "calls": summary.calls,
        "looks": looks,
        "sweep_cpu": sweeping.cpu,
        "looks_cpu": looking.cpu,
    }


def _looks(line: Audited) -> int:
    """Hand over every hint, and what these lead to; how many there were."""
    state, count = line.gate.state.store, 0
    while state.waiting(HINTS):
        for message in state.receive(HINTS, 32, timedelta(minutes=10)):
            count += not isinstance(line.gate.worker.hints(message.text), OverBudget)
            state.done(message)
        line.clock.ahead += SETTLE * 2
    return count


def _about(method: str, path: str, public: dict[str, bool]) -> str:
    """What a request was about: the index, a store public or private, or anything else."""
    if method == "POST":
        return "index" if path.endswith("microsoft.resourcegraph/resources") else "other"
    parts = path.split("/")
    for end in range(len(parts), 8, -1):
        on = public.get("/".join(parts[:end]))
        if on is not None:
            return "public" if on else "private"
    return "other"


if __name__ == "__main__":
    main()
