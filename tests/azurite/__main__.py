"""Installs Azurite beside this file: `python -m tests.azurite`.

Says so and ends well where that cannot be done; the tests that need it are then skipped.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from tests.azurite import HERE, SCRIPT, node


def command() -> list[str] | None:
    """What installs: the npm that lies beside the Node found, else the one on the path."""
    found = node()
    if found is None:
        return None
    beside = found.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    if beside.exists():
        return [str(found), str(beside)]
    on_path = shutil.which("npm")
    return [on_path] if on_path else None


def main() -> int:
    npm = command()
    if npm is None:
        sys.stderr.write("Azurite is not installed, there is no npm: its tests are skipped\n")
        return 0
    sys.stderr.write("Installing Azurite for the tests of state in Azure ...\n")
    done = subprocess.run(  # noqa: S603  npm, over our own lock file
        [*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=HERE,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode or not SCRIPT.exists():
        sys.stderr.write("Azurite could not be installed: its tests are skipped\n")
        return 0
    (HERE / "node_modules" / ".ready").touch()
    return 0


if __name__ == "__main__":
    sys.exit(main())
