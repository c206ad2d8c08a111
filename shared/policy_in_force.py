"""The policy that decides now, from the file that holds it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import PolicyError, PolicyFault
from shared.hierarchy import Hierarchy
from shared.model import Control

if TYPE_CHECKING:
    from shared.policy import Policy


class PolicyFile:
    """The policy in force: read again when the file changes, broken aloud when it cannot be."""

    def __init__(self, path: Path, known: Mapping[str, Control]) -> None:
        self._path = path
        self._controls = known
        self._stamp: tuple[int, ...] | None = None
        self._policy: Policy | None = None

    def __call__(self) -> Policy:
        try:
            found = self._path.stat()
        except OSError as error:
            self._stamp = None
            return self._broken(f"{self._path.name}: {error.strerror}")
        stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
        if self._policy is None or stamp != self._stamp:
            self._policy, self._stamp = self._read(), stamp
        return self._policy

    def _read(self) -> Policy:
        # Slow to import, and a cold start that finds nothing wrong decides nothing.
        from shared import policy, policy_file  # noqa: PLC0415

        try:
            text = self._path.read_text(encoding="utf-8")
            return policy_file.load(text, self._controls, name=self._path.name)
        except UnicodeDecodeError as error:
            return self._broken(f"{self._path.name} is not UTF-8: {error}")
        except OSError as error:
            return self._broken(f"{self._path.name}: {error.strerror}")
        except PolicyError as error:
            return policy.broken(error.faults)

    def _broken(self, why: str) -> Policy:
        from shared.policy import broken  # noqa: PLC0415  as above

        return broken((PolicyFault("$", why),))


def placed(policy: Callable[[], Policy], hierarchy: Hierarchy) -> Callable[[], Policy]:
    """The policy in force, with what it needs to tell what a management group covers."""

    def in_force() -> Policy:
        found = policy()
        found.place(hierarchy.below)
        return found

    return in_force
