"""A Python 3.13 with the app's locked packages and Microsoft's worker code, made once.

It is kept in `.portcullis/worker-venv` until one of the lock files changes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOME = ROOT / ".portcullis"
LOCKS = (ROOT / "requirements.txt", Path(__file__).parent / "requirements.txt")
_USABLE = "import ensurepip, sys, venv; sys.exit(sys.version_info[:2] != (3, 13))"
_NOTHING_TO_INSTALL_FROM = "No matching distribution found"


class Missing(Exception):
    """What the worker needs is not to be had on this machine; the text says what."""


def worker_python() -> Path:
    """The interpreter, made where it is not there yet: that takes up to half a minute.

    Raises:
        Missing: there is no Python 3.13, or no package index.
        RuntimeError: the packages cannot be installed for another reason, such as a wrong hash.
    """
    base = next(filter(_usable, _candidates()), None)
    if base is None:
        raise Missing("no Python 3.13 on PATH or under pyenv")
    HOME.mkdir(exist_ok=True)
    # Test processes that run side by side want the same one.
    with (HOME / "worker-venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _made(base, HOME / "worker-venv")


def _candidates() -> Iterator[str]:
    if found := shutil.which("python3.13"):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob("versions/3.13*/bin/python3.13"), reverse=True))


def _usable(python: str) -> bool:
    """Whether it runs: pyenv puts commands on PATH that do not."""
    tried = subprocess.run(  # noqa: S603  our own words
        [python, "-c", _USABLE], capture_output=True, check=False
    )
    return tried.returncode == 0


def _made(base: str, folder: Path) -> Path:
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()
    stamp, python = folder / "made-from", folder / "bin" / "python"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted and _usable(str(python)):
        return python
    shutil.rmtree(folder, ignore_errors=True)
    _run([base, "-m", "venv", str(folder)])
    requirements = [word for lock in LOCKS for word in ("-r", str(lock))]
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "--retries", "1"]
    _run([*pip, "install", "--require-hashes", *requirements])
    stamp.write_text(wanted, encoding="utf-8")
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  our own words
        command, capture_output=True, text=True, check=False
    )
    if done.returncode == 0:
        return
    said = done.stderr.strip().splitlines()
    if _NOTHING_TO_INSTALL_FROM in done.stderr:
        raise Missing(f"the worker's packages cannot be had: {said[-1]}")
    raise RuntimeError(f"{' '.join(command[:4])}: {' '.join(said[-5:])}")
