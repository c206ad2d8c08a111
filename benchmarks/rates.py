"""Accounts cured in a second while a PATCH takes 200 ms and the tenant keeps Azure's limits.

Ours hands hints over as the Functions host does (`host.json`), twelve at once; Custodian runs its
policy with the action, once in each subscription. Each has as many accounts to cure.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from benchmarks.estates import subscription
from benchmarks.gates import gate_of
from benchmarks.processes import ROOT, TenantProcess, tenant_process
from benchmarks.sweeps import SUBSCRIPTION, custodian_run, fresh
from shared.hints import HINTS, Hint
from shared.model import ResourceId
from wiring import Gate

PATCH = 0.2
ENFORCING = """
version: 1
rules:
  - {control: storage-secure-transfer, scope: /, mode: enforce}
limits:
  - {writes: 100000, per: estate, window: 1h}
  - {writes: 100000, per: subscription, window: 1h}
  - {writes: 100000, per: control, window: 1h}
"""
POLICIES = """
policies:
  - name: secure-transfer
    resource: azure.storage
    filters: [{type: value, key: properties.supportsHttpsTrafficOnly, value: false}]
    actions: [{type: require-secure-transfer, value: true}]
"""
_BURST, _PER_SECOND = 200, 10.0
_STORAGE_WRITES, _STORAGE_READS = (1200, 1200 / 3600), (800, 800 / 300)
_IDLE, _LONGEST = 0.02, 240.0


def main(estate: str, count: str, custodian: str = "") -> None:
    """Print what was cured, in how long, and what was refused, of both sides.

    `estate` is one of `ESTATES`; `custodian` says in how many subscriptions it is to run.
    """
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        result = {"ours": _measured(estate, int(count), partial(_ours, scratch))}
        if custodian:
            theirs = partial(_theirs, scratch, int(custodian))
            result["theirs"] = _measured(estate, int(count), theirs)
    sys.stdout.write(json.dumps(result) + "\n")


def least(writes: int, subscriptions: int, reads_of_each: int = 1) -> float:
    """The seconds that Azure's published limits allow no fewer of, for writes spread evenly.

    A subscription takes 200 writes at once and 10 a second from then on; Storage 1,200 an hour,
    and 800 reads in five minutes.
    """
    each = -(-writes // subscriptions)
    limits = (
        (each, (_BURST, _PER_SECOND)),
        (each, _STORAGE_WRITES),
        (each * reads_of_each, _STORAGE_READS),
    )
    return max(max(0.0, (wanted - size) / refill) for wanted, (size, refill) in limits)


def at_once() -> int:
    """How many messages of a queue one instance has under way at the most."""
    queues = json.loads((ROOT / "host.json").read_text("utf-8"))["extensions"]["queues"]
    return int(queues["batchSize"] + queues["newBatchThreshold"])


def _measured(
    estate: str, count: int, cure: Callable[[TenantProcess, list[str]], float]
) -> dict[str, Any]:
    """What `cure` did with a tenant of its own; it returns the seconds that it took."""
    with tenant_process() as tenant:
        ids: list[str] = tenant.ask("fill", kind=estate, count=count)["ids"]
        tenant.ask("behave", writes=PATCH, throttling=True)
        tenant.ask("seen")
        wall = cure(tenant, ids)
        asked = tenant.ask("seen")["requests"]
        open_ones, hasty = tenant.ask("still_open")["count"], tenant.ask("hasty")["count"]
    statuses = Counter(status for _, _, status in asked)
    return {
        "cured": count - open_ones,
        "of": count,
        "wall": wall,
        "requests": len(asked),
        "writes": sum(method == "PATCH" for method, _, _ in asked),
        "refused": statuses[429],
        "hasty": hasty,
    }


def _ours(scratch: Path, tenant: TenantProcess, ids: list[str]) -> float:
    policy = scratch / "policy.yaml"
    policy.write_text(ENFORCING, encoding="utf-8")
    os.environ.update(tenant.environment)
    with closing(gate_of(policy)) as gate:
        for one in ids:
            hint = Hint(id=ResourceId(one), source="event", first_seen=gate.state.now())
            gate.state.store.send(HINTS, hint.to_text())
        with Host(gate) as host:
            started = time.perf_counter()
            while len(host.cured) < len(ids) and time.perf_counter() - started < _LONGEST:
                time.sleep(_IDLE)
            return time.perf_counter() - started


class Host:
    """Hands the queue's messages over, as many at once as `host.json` allows.

    A message that was put off comes again by itself, as in the queue.
    """

    def __init__(self, gate: Gate) -> None:
        """Nothing is handed over before the block begins, nor after its end."""
        self.cured: set[str] = set()
        self._gate = gate
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(at_once())]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        store = self._gate.state.store
        while not self._stop.is_set():
            messages = store.receive(HINTS, 1, timedelta(minutes=10))
            for message in messages:
                self._note(self._gate.worker.hints(message.text))
                store.done(message)
            if not messages:
                self._stop.wait(_IDLE)

    def _note(self, look: object) -> None:
        for one in getattr(look, "seen", ()):
            if one.story is not None and one.story.state == "remediated":
                self.cured.add(one.story.resource.key)


def _theirs(scratch: Path, subscriptions: int, tenant: TenantProcess, _: list[str]) -> float:
    """Its runs one after the other, from the start of the first process to the end of the last."""
    spent = 0.0
    for number in range(subscriptions):
        place = subscription(number) if subscriptions > 1 else SUBSCRIPTION
        took = custodian_run(tenant, fresh(scratch), POLICIES, place)
        if took.code:
            sys.exit(f"Custodian failed: {took.said.strip()[-300:]}")
        spent += took.wall
    return spent


if __name__ == "__main__":
    main(*sys.argv[1:])
