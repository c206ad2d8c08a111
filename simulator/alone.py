"""The tenant alone on loopback, until Ctrl-C."""

from __future__ import annotations

import shlex
import signal
import threading
from collections.abc import Mapping
from pathlib import Path

from simulator.clock import WallClock
from simulator.estate import load_folder
from simulator.server import serve
from simulator.tenant import Tenant

POLL = 0.5
"""Seconds from one look for events that Event Grid is to deliver to the next."""
AZ_LOGIN = (
    'az login --service-principal -u "$AZURE_CLIENT_ID" -p "$AZURE_CLIENT_SECRET" '
    '--tenant "$AZURE_TENANT_ID"'
)
"""What a person types once the variables of the proxied form are set."""


def exports(environment: Mapping[str, str]) -> list[str]:
    """Lines for a shell that set these variables."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment.items()]


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
        for line in exports(served.environment):
            print(f"  {line}", flush=True)  # noqa: T201
        print("or by Azure's own host names, as az and others need it, with", flush=True)  # noqa: T201
        for line in (*exports(served.proxied), AZ_LOGIN):
            print(f"  {line}", flush=True)  # noqa: T201
        stop = stopping()
        while not stop.wait(POLL):
            tenant.grid.deliver()
    print("stopped", flush=True)  # noqa: T201
