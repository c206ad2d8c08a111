"""Trouble on order: answers that fail, get lost or come late, for chosen requests."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

What = Literal[
    "status",
    "cut-before",
    "cut-after",
    "timeout-before",
    "timeout-after",
    "token-expired",
    "throttle",
]


@dataclass
class Fault:
    """One kind of trouble for matching requests.

    `path` is a glob on the path, without case and without query; None matches all, as does no
    method. It strikes `times` times (0: for ever) after letting `skip` matching requests pass.
    `before` kinds prevent the request's effect; `after` kinds let it happen and lose the answer.
    `status`, `code`, `message` and `headers` shape the answer of kind `status`; `headers` also
    join the 429 of `throttle`.
    """

    what: What
    method: str | None = None
    path: str | None = None
    times: int = 1
    skip: int = 0
    status: int = 500
    code: str = "InternalServerError"
    message: str = "An error occurred."
    headers: Mapping[str, str] = field(default_factory=dict)


class Lost(Exception):
    """The client gets no answer: the connection is cut, or nothing comes in time."""

    def __init__(self, *, timed_out: bool) -> None:
        """`timed_out` tells a read timeout from a connection that was cut."""
        super().__init__("timed out" if timed_out else "connection cut")
        self.timed_out = timed_out


class Faults:
    """The trouble on order, oldest first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._faults: list[Fault] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Order trouble; the caller must not use the same Fault object twice."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """The fault that hits this request, counting it down; None for an undisturbed one."""
        if not self._faults:
            return None
        with self._lock:
            return self._first(method, path.lower())

    def _first(self, method: str, path: str) -> Fault | None:
        for fault in self._faults:
            if not _matches(fault, method, path):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            if fault.times:
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
            return fault
        return None


def _matches(fault: Fault, method: str, path: str) -> bool:
    if fault.method is not None and fault.method.upper() != method:
        return False
    return fault.path is None or fnmatchcase(path, fault.path.lower())
