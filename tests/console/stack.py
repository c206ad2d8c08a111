"""The stack of `make up` for a browser: tenant, gate and hand, and somebody who comes in."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Request
from rich.console import Console

from simulator import contoso
from simulator.tenant import Tenant
from simulator.up import NEXT, TOLD, Up, estate

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
POLICY = """
version: 1
limits: [{writes: 100, per: estate}]
rules:
  - {control: [storage-public-blob-access, storage-secure-transfer], mode: enforce}
  - {control: [sql-server-public-network-access, keyvault-public-network-access], mode: approve}
"""


@dataclass
class Stack:
    """What runs, and the tenant that it runs over."""

    url: str
    tenant: Tenant

    def enter(self, context: BrowserContext) -> Page:
        """A page that came in by the newest one-time address."""
        page = context.new_page()
        page.goto(f"{self.url}/?token={NEXT.read_text('utf-8')}")
        return page

    def change(self, resource: str, **properties: Any) -> None:
        """Somebody's deployment."""
        body = {"properties": properties}
        self.tenant.write(resource, body, by=contoso.YOU, method="PATCH")

    def property(self, resource: str, name: str) -> Any:
        document = self.tenant.read(resource)
        assert document is not None
        return document["properties"].get(name)


@contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """`make up` in `folder`, with a policy that puts some things right and asks about others."""
    before, stop = Path.cwd(), threading.Event()
    os.chdir(folder)
    Path("policy.yaml").write_text(POLICY, encoding="utf-8")
    TOLD.parent.mkdir(exist_ok=True)
    up = Up(Console(file=io.StringIO()), estate())
    watching = threading.Thread(target=up.watch, args=(stop,), daemon=True)
    try:
        with up.running("file") as told:
            watching.start()
            yield Stack(told.app, up.tenant)
    finally:
        stop.set()
        os.chdir(before)


@contextmanager
def visiting(browser: Browser, **how: Any) -> Iterator[BrowserContext]:
    """A browser of a person; whatever it asks of another host fails the test."""
    with browser.new_context(**how) as context:
        context.set_default_timeout(20_000)
        strayed: list[str] = []

        def asked(request: Request) -> None:
            if not request.url.startswith(("http://127.0.0.1:", "data:")):
                strayed.append(request.url)

        context.on("request", asked)
        yield context
        assert strayed == []


def until(true: Callable[[], object], what: str, within: float = 60) -> None:
    """Wait for it."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, f"it did not come: {what}"
        time.sleep(0.05)
