"""Each tool in a virtual environment of its own, set up on first use."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(".compat").resolve()
_UNWANTED = ("AZURE_", "IDENTITY_", "PORTCULLIS_", "PYTHON", "HTTP", "REQUESTS_", "SSL_", "CURL_")
_PATIENCE = 3600


class Failed(Exception):
    """Something went otherwise than it should; the message says what."""


@dataclass(frozen=True)
class Tool:
    """A command, what must be installed for it, and below which Python it runs."""

    name: str
    requirements: tuple[str, ...]
    below: tuple[int, int] = (3, 14)

    @property
    def folder(self) -> Path:
        return HERE / self.name

    @property
    def command(self) -> str:
        return str(self.folder / "bin" / self.name)

    def install(self) -> None:
        """Set the environment up, unless it is there already.

        Raises Failed with the last line of what went wrong.
        """
        done = self.folder / "complete"
        wanted = "\n".join(self.requirements)
        if done.exists() and done.read_text(encoding="utf-8") == wanted:
            return
        _run(self._interpreter(), "-m", "venv", "--clear", str(self.folder))
        pip = (str(self.folder / "bin" / "python"), "-m", "pip", "install", "-qq")
        _run(*pip, "--disable-pip-version-check", *self.requirements)
        done.write_text(wanted, encoding="utf-8")

    def _interpreter(self) -> str:
        if sys.version_info[:2] < self.below:
            return sys.executable
        names = (f"python3.{minor}" for minor in range(self.below[1] - 1, 10, -1))
        found = next((path for name in names if (path := shutil.which(name))), None)
        if found is None:
            raise Failed(f"{self.name} needs a Python below {self.below[0]}.{self.below[1]}")
        return found


AZ = Tool("az", ("azure-cli==2.91.0",))
CUSTODIAN = Tool("custodian", ("c7n==0.9.53", "c7n_azure==0.7.52"))
PROWLER = Tool("prowler", ("prowler==5.46.0",), below=(3, 13))


def surroundings(home: Path) -> dict[str, str]:
    """The environment here without what would lead a tool elsewhere, and with a home of its own."""
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_UNWANTED)}
    return {**{k: v for k, v in kept.items() if k.upper() != "NO_PROXY"}, "HOME": str(home)}


def _run(*command: str) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout).strip().splitlines() or ["no word why"]
        raise Failed(f"{' '.join(command[:4])}: {said[-1]}") from error
