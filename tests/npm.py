"""Packages of npm that tests need, installed from the lock file beside each."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.azurite import node


def install(folder: Path, name: str, proof: Path) -> int:
    """Install what `folder` locks, `proof` being a file that is then there; 0 in any case.

    Says so where that cannot be done; the tests that need it are then skipped.
    """
    npm = _command()
    if npm is None:
        sys.stderr.write(f"{name} is not installed, there is no npm: its tests are skipped\n")
        return 0
    sys.stderr.write(f"Installing {name} for the tests that need it ...\n")
    done = subprocess.run(  # noqa: S603  npm, over our own lock file
        [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=folder,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode or not proof.exists():
        sys.stderr.write(f"{name} could not be installed: its tests are skipped\n")
        return 0
    (folder / "node_modules" / ".ready").touch()
    return 0


def _command() -> list[str] | None:
    """What installs: the npm that lies beside the Node found, else the one on the path."""
    found = node()
    if found is None:
        return None
    beside = found.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if beside.exists():
        return [str(found), str(beside)]
    on_path = shutil.which("npm")
    return [on_path] if on_path else None
