"""The function app in a process of its own: `python -m simulator.app`, until Ctrl-C.

What it is and where its state and Azure are comes from the environment alone, as in Azure. The
first line that it prints says that it is at work, and where it answers. A failure is one line.
It ends with the process that started it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from shared.errors import PortcullisError
from simulator.alone import stopping
from simulator.host import Host
from simulator.site import Site
from wiring import Gate, console

POLL = 0.25
PATIENCE = 1.5
"""Seconds that work in hand is given to end; what is not done by then is left to the queue."""


def main() -> int:
    over, parent = stopping(), os.getppid()
    # What the libraries warn of is said once, in our own line.
    logging.disable(logging.WARNING)
    name = os.environ.get("PORTCULLIS_APP", "all")
    try:
        import function_app  # noqa: PLC0415  reads the environment, and may refuse it

        gate = function_app.gate()
        site = _site(Host(function_app.app, gate.state.store, gate.state.now, over), gate)
    except (PortcullisError, OSError) as error:
        _complain(f"{name} cannot start: {error}")
        return 1
    work = threading.Thread(target=_Work(name, site.host, gate).run, daemon=True)
    with _answering(site) as url:
        print(f"{name} is at work" + (f", {url}" if url else ""), flush=True)  # noqa: T201
        work.start()
        _wait(over, parent)
    work.join(PATIENCE)
    if work.is_alive():
        _complain(f"{name}: what is not finished is left to the queue")
    return 0


def _wait(over: threading.Event, parent: int) -> None:
    """Until told to stop, or until the parent that started this process is no more."""
    while not over.wait(0.5):
        if os.getppid() != parent:
            over.set()


@dataclass
class _Work:
    """The loop over queues and timers."""

    name: str
    host: Host
    gate: Gate
    said: str = ""

    def run(self) -> None:
        while not self.host.over.wait(POLL):
            self._once()
        try:
            if "ship" in self.host.functions:
                self.gate.worker.ship(self.gate.sinks)
            self.gate.close()
        except PortcullisError as error:
            _complain(f"{self.name}: {error}")

    def _once(self) -> None:
        """One poll; trouble that lasts is said when it begins, and when it is over."""
        trouble = ""
        try:
            self.host.work()
        except Exception as error:  # noqa: BLE001  the next poll may go better
            kind = "" if isinstance(error, PortcullisError) else f"{type(error).__name__}: "
            trouble = " ".join(f"{kind}{error}".split())
        for function, failure in self.host.failures:
            _complain(f"{self.name}: {function} failed: {failure}")
        self.host.failures.clear()
        if trouble != self.said:
            _complain(f"{self.name}: {trouble or 'queues and timers go on'}")
        self.said = trouble


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _site(host: Host, gate: Gate) -> Site:
    """The app over HTTP; without HTTP functions it has no console either.

    Raises:
        OSError: the console's token cannot be written down.
    """
    return Site(host, console(gate, os.environ) if host.routes else _nothing)


async def _nothing(*_: object) -> None:
    """Is never asked: what answers nothing is not served."""


@contextmanager
def _answering(site: Site) -> Iterator[str]:
    """Answers for the app's HTTP functions and its console; the address, empty without them."""
    if not site.host.routes:
        yield ""
        return
    config = uvicorn.Config(
        site,
        log_level="warning",
        lifespan="off",
        # Who asks is who is connected, whatever a header says.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        thread = threading.Thread(target=_serve, args=(server, listener), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join(PATIENCE)


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))


if __name__ == "__main__":
    sys.exit(main())
