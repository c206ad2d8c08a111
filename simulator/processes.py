"""`gate` and `hand` as processes over a simulated tenant: what they may do, how they run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from rules import controls
from shared import needs
from simulator import roles
from simulator.call import Identity
from simulator.tenant import Tenant

ROOT = Path(__file__).parent.parent
STARTS_WITHIN = 60
ENDS_WITHIN = 5
AT_WORK = " is at work"


def reads() -> set[str]:
    """What judging and planning by all controls takes, and what a survey asks."""
    return set(needs.reads(controls()))


def writes() -> set[str]:
    """What cures take beside that: what they declare, and a look at whose it is."""
    return set(needs.writes(controls().values()))


def grant(tenant: Tenant, gate: Identity, hand: Identity, scope: str) -> None:
    """Let the gate read, and the hand read and write, what controls declare; nothing else."""
    may = {gate: ("Portcullis gate", reads()), hand: ("Portcullis hand", reads() | writes())}
    for identity, (name, actions) in may.items():
        role = tenant.load(roles.custom_role(name, scope, roles.block(sorted(actions))))
        # By its own id, as Azure shows it: a custom role is not found at the root.
        more = {"roleDefinitionId": role, "principalType": identity.kind}
        tenant.load(roles.assignment(identity.object_id, role, scope, **more))


class Ended(Exception):
    """A process ended before it was at work."""


class AppProcess:
    """`python -m simulator.app` with these variables, in a session of its own.

    Ctrl-C in a terminal reaches only who started it. `hear` gets each line that it prints but
    the one that it is at work, from a thread.
    """

    module = "simulator.app"

    def __init__(self, environment: Mapping[str, str], hear: Callable[[str], None]) -> None:
        """Start it; what `environment` does not say is as it is here."""
        self._hear = hear
        self._told = threading.Event()
        self._url: str | None = None
        self._process = subprocess.Popen(  # noqa: S603  our own module
            [sys.executable, "-m", self.module],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101  it was asked for
        for line in self._process.stdout:
            if AT_WORK in line and not self._told.is_set():
                self._url = line.partition(AT_WORK)[2].strip(", \n")
                self._told.set()
            else:
                self._hear(line.rstrip("\n"))
        self._told.set()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def code(self) -> int | None:
        """How it ended, as `subprocess` tells it; None while it runs."""
        return self._process.poll()

    def ready(self) -> str:
        """Wait until it is at work; the address that it answers at, empty where it has none.

        Raises:
            Ended: it never will be; why is what it said.
        """
        self._told.wait(STARTS_WITHIN)
        if self._url is None:
            self.kill()
            raise Ended("it ended before it was at work")
        return self._url

    def stop(self) -> int:
        """End it as a host does, for sure; how it ended. Again does nothing."""
        if self.code is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
        return self._gone()

    def kill(self) -> None:
        """End it in the middle of whatever it does."""
        self._process.kill()
        self._gone()

    def _gone(self) -> int:
        code = self._process.wait()
        self._reader.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        return code
