"""The tenant alone on loopback, until Ctrl-C."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

from simulator.clock import WallClock
from simulator.estate import load_folder
from simulator.server import serve
from simulator.tenant import Tenant

POLL = 0.5
"""Seconds from one look for events that Event Grid is to deliver to the next."""


def stopping() -> threading.Event:
    """An event that Ctrl-C or a termination sets."""
    stop = threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stop.set())
    return stop


def run(load: Path | None, port: int) -> None:
    """Serve a tenant that holds the documents of `load`; says how to point clients at it."""
    tenant = Tenant(WallClock())
    if load is not None:
        report = load_folder(tenant, load)
        print(f"loaded {len(report.loaded)} documents; {len(report.skipped)} skipped", flush=True)  # noqa: T201
        for file, reason in report.skipped:
            print(f"  {file}: {reason}", flush=True)  # noqa: T201
    with serve(tenant, port=port) as served:
        print(f"the tenant answers at {served.url}; point clients at it with", flush=True)  # noqa: T201
        for name, value in served.environment.items():
            print(f"  export {name}={value}", flush=True)  # noqa: T201
        stop = stopping()
        while not stop.wait(POLL):
            tenant.grid.deliver()
    print("stopped", flush=True)  # noqa: T201
