"""Warm events, each from the queue's text to the remediated account, in this very process."""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.estate import account
from benchmarks.processes import TenantProcess, tenant_process
from shared.azure.credentials import credential
from shared.hints import HINTS, SETTLE
from shared.look import Look
from shared.settings import Settings
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from wiring import Gate, build

WARM_UP = 5
EVENTS = 30
_COUNTED = 5
_SEAM = {name for name in vars(Store) if not name.startswith("_")}
_READS = {"get", "scan", "receive", "waiting"}

OPENED = {"properties": {"allowBlobPublicAccess": True}}
POLICY = """
version: 1
rules:
  - {control: storage-public-blob-access, scope: /, mode: enforce}
limits:
  - {writes: 1000, per: estate, window: 1h}
  - {writes: 1000, per: subscription, window: 1h}
  - {writes: 1000, per: control, window: 1h}
"""


class ShiftedClock:
    """The real time, moved ahead by hand: no delay is waited for."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


class CountingStore(EmbeddedStore):
    """The embedded store, with every operation of the seam counted by name."""

    counts: Counter[str]

    def __getattribute__(self, name: str) -> Any:
        if name in _SEAM:
            self.counts[name] += 1
        return super().__getattribute__(name)


class Line:
    """A gate, and the accounts whose events come down to it one after the other."""

    def __init__(
        self,
        tenant: TenantProcess,
        policy: Path,
        store: Callable[[ShiftedClock], Store],
        passing: Callable[[timedelta], None] = lambda _: None,
    ) -> None:
        """`passing` is told of time that is not waited for, where state has a clock of its own."""
        self._tenant = tenant
        self._clock = ShiftedClock()
        self._passing = passing
        self.store = store(self._clock)
        self.gate: Gate = build(
            Settings.of({**os.environ, "PORTCULLIS_POLICY": str(policy)}, policy.parent),
            credential(os.environ),
            now=self._clock,
            store=self.store,
        )

    def event(
        self,
        resource_id: str,
        timed: Callable[[Callable[[], Any]], Any],
        body: Mapping[str, Any] = OPENED,
    ) -> None:
        """A person opens an account; the gate hears of it, waits for its likes, and closes it."""
        worker = self.gate.worker
        (text,) = self._tenant.ask("change", resource_id=resource_id, body=body)["messages"]
        timed(lambda: worker.hints(text))
        self._clock.ahead += SETTLE * 2
        self._passing(SETTLE * 2)
        (message,) = self.store.receive(HINTS, 8, timedelta(minutes=10))
        look = timed(lambda: worker.hints(message.text))
        self.store.done(message)
        states = {one.story.state for one in look.seen if one.story} if _is_look(look) else set()
        if states != {"remediated"}:
            sys.exit(f"{resource_id} was not remediated: {states or 'nothing was done'}")


def _is_look(look: Any) -> bool:
    return isinstance(look, Look)


class Stopwatch:
    """CPU and wall time of what is run through it."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def __call__(self, run: Callable[[], Any]) -> Any:
        cpu, wall = time.process_time(), time.perf_counter()
        result = run()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return result


def main() -> None:
    """Print medians per event of one process."""
    with tempfile.TemporaryDirectory() as scratch, tenant_process() as tenant:
        os.environ.update(tenant.environment)
        policy = Path(scratch) / "policy.yaml"
        policy.write_text(POLICY, encoding="utf-8")
        documents = [account(i) for i in range(WARM_UP + EVENTS + 1 + _COUNTED)]
        ids: list[str] = tenant.ask("load", documents=documents)["ids"]
        result = timed(tenant, Line(tenant, policy, EmbeddedStore), ids[: WARM_UP + EVENTS])
        result |= _counted(Line(tenant, policy, CountingStore), ids[WARM_UP + EVENTS :])
    sys.stdout.write(json.dumps(result) + "\n")


def timed(tenant: TenantProcess, line: Line, ids: list[str]) -> dict[str, Any]:
    for resource_id in ids[:WARM_UP]:
        line.event(resource_id, Stopwatch())
    before = tenant.ask("seen")["connections"]
    watches: list[Stopwatch] = []
    requests: Counter[str] = Counter()
    for resource_id in ids[WARM_UP:]:
        watches.append(Stopwatch())
        line.event(resource_id, watches[-1])
    after = tenant.ask("seen")
    known = {i.casefold() for i in ids}
    for method, path, _ in after["requests"]:
        about = "account" if path.casefold() in known else "other"
        requests[f"{method} {about}"] += 1
    return {
        "cpu_ms": statistics.median(w.cpu for w in watches) * 1000,
        "wall_ms": statistics.median(w.wall for w in watches) * 1000,
        "connections": (after["connections"] - before) / len(watches),
        "requests": {k: v / len(watches) for k, v in requests.items()},
    }


def _counted(line: Line, ids: list[str]) -> dict[str, Any]:
    store = line.store
    assert isinstance(store, CountingStore)  # noqa: S101
    per_event: list[Counter[str]] = []
    for resource_id in ids:
        store.counts = Counter()
        line.event(resource_id, lambda run: run())
        store.counts -= Counter(receive=1, done=1)
        per_event.append(store.counts)
    last = per_event[-1]
    reads = sum(n for name, n in last.items() if name in _READS)
    return {"state_reads": reads, "state_writes": last.total() - reads, "state": dict(last)}


if __name__ == "__main__":
    main()
