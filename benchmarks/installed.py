"""How much disk the deployed dependencies take: what `requirements.txt` installs, by its hashes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, at_most
from benchmarks.processes import ROOT, clean

GOAL = 150
_MEASURE = "installed environment, without tools of development"
_LONGEST = 900


def environment() -> Path | None:
    """A virtual environment of what is deployed, or None where no package index can be reached.

    It is kept in the temporary folder until `requirements.txt` changes.
    """
    try:
        return _made()
    except (OSError, subprocess.SubprocessError):
        return None


def python_of(folder: Path) -> str:
    """Its interpreter."""
    windows = sys.platform == "win32"
    return str(folder / ("Scripts/python.exe" if windows else "bin/python"))


def figure(folder: Path | None) -> Figure:
    """Megabytes of the files in `site-packages`, byte code included, without pip and setuptools."""
    if folder is None:
        why = "not measured: nothing could be installed here"
        return Figure(measure=_MEASURE, unit="MiB", ours=None, goal=GOAL, note=why)
    packages = next(folder.glob("[Ll]ib/**/site-packages"))
    held = sum(f.stat().st_size for f in packages.rglob("*") if f.is_file()) / (1 << 20)
    note = "files of site-packages, byte code included, without pip and setuptools"
    return at_most(_MEASURE, "MiB", [held], GOAL, digits=1, note=note)


def _made() -> Path:
    locked = ROOT / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    name = hashlib.sha256(locked.read_bytes() + version.encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"portcullis-bench-{name}"
    done = folder / "complete"
    if not done.exists():
        _run("-m", "venv", "--clear", "--without-pip", str(folder))
        pip = ("-m", "pip", "--python", python_of(folder), "install", "--quiet", "--retries", "1")
        _run(*pip, "--disable-pip-version-check", "--require-hashes", "-r", str(locked))
        done.touch()
    return folder


def _run(*arguments: str) -> None:
    command = [sys.executable, *arguments]
    subprocess.run(command, env=clean(), capture_output=True, timeout=_LONGEST, check=True)
