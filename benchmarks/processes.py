"""Fresh processes: one that measures itself, and the tenant's that we talk to over pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
_LONGEST = 300


class Failed(Exception):
    """A process that measures ended badly; the message is its last line."""


@dataclass(frozen=True, slots=True)
class Package:
    """An unpacked package, and its dependencies as they are deployed.

    Where these are None, those of the environment here stand in.
    """

    sources: Path
    dependencies: Path | None

    @property
    def path(self) -> str:
        folders = [self.sources, *([self.dependencies] if self.dependencies else [])]
        return os.pathsep.join(map(str, folders))

    def words(self, module: str) -> list[str]:
        """What runs a module of ours, so that it finds the package and nothing else of ours."""
        alone = ["-S"] if self.dependencies else []
        return ["-P", *alone, str(ROOT / "benchmarks" / f"{module}.py")]

    def compiled(self) -> Package:
        """The same, with byte code beside its sources."""
        command = [sys.executable, "-m", "compileall", "-q", str(self.sources)]
        subprocess.run(command, env=clean(), check=True)
        return self


def measured(
    module: str,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    *,
    package: Package | None = None,
    longest: float = _LONGEST,
) -> Any:
    """What `python -m benchmarks.<module>` prints as JSON, run in a process of its own.

    With a package the app is that one, and not what lies here.

    Raises:
        Failed: it ended with an error.
    """
    words = ["-m", f"benchmarks.{module}"] if package is None else package.words(module)
    paths = {} if package is None else {"PYTHONPATH": package.path}
    done = subprocess.run(
        [sys.executable, *words, *arguments],
        cwd=ROOT,
        env={**clean(), **paths, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=longest,
        check=False,
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise Failed(f"benchmarks.{module}: {lines[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """What a process took from its start to its end: seconds, and the most memory it held."""

    cpu: float
    wall: float
    mib: float
    code: int
    out: str
    said: str

    def to_json(self) -> dict[str, float]:
        return {"cpu": self.cpu, "wall": self.wall, "mib": self.mib}


def whole(
    command: Sequence[str],
    environment: Mapping[str, str],
    given: str = "",
    *,
    within: Path = ROOT,
    longest: float = _LONGEST,
) -> Whole:
    """Run a command to its end; what it starts and waits for counts with it.

    `environment` is all that it sees, `given` its standard input. It is ended after `longest`
    seconds. Its memory never seems smaller than that of the process which asks.
    """
    with (
        tempfile.TemporaryFile("w+") as entered,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as said,
    ):
        entered.write(given)
        entered.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=within, env=dict(environment), stdin=entered, stdout=out, stderr=said
        )
        watch = threading.Timer(longest, process.kill)
        watch.start()
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        watch.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said.seek(0)
        return Whole(
            cpu=used.ru_utime + used.ru_stime,
            wall=wall,
            mib=used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10),
            code=process.returncode,
            out=out.read(),
            said=said.read(),
        )


def clean() -> dict[str, str]:
    """The environment here, without what would point a process at another tenant, or slow it."""
    unwanted = ("PORTCULLIS_", "AZURE_", "IDENTITY_", "PYTHON")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(unwanted)}
    return {**kept, "NO_PROXY": "127.0.0.1", "PYTHONPATH": str(ROOT)}


def compile_all() -> None:
    """Make the byte code of the project, as a process that ran before leaves it."""
    folders = ["shared", "detectors", "remediations", "benchmarks"]
    files = ["function_app.py", "wiring.py"]
    command = [sys.executable, "-m", "compileall", "-q", *folders, *files]
    subprocess.run(command, cwd=ROOT, env=clean(), check=True)


class TenantProcess:
    """The tenant in another process."""

    def __init__(self, process: subprocess.Popen[str], complaints: IO[str]) -> None:
        self._process = process
        self._complaints = complaints
        told = self._answer()
        self.environment: dict[str, str] = told["environment"]
        self.proxied: dict[str, str] = told["proxied"]

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Give one order, and wait for what it answers."""
        _of(self._process.stdin).write(json.dumps({"do": do, **more}) + "\n")
        _of(self._process.stdin).flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        line = _of(self._process.stdout).readline()
        if not line:
            self._complaints.seek(0)
            raise Failed(f"the tenant's process ended: {self._complaints.read()[-500:]}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def tenant_process(module: str = "tenant", *arguments: str) -> Iterator[TenantProcess]:
    """A running tenant; it ends with the block."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            command, cwd=ROOT, env=clean(), stdin=pipe, stdout=pipe, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield TenantProcess(process, errors)
        finally:
            _of(process.stdin).close()


def _of(stream: IO[str] | None) -> IO[str]:
    assert stream is not None  # noqa: S101  every stream was asked for
    return stream
