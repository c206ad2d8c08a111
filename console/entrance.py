"""Who is there: what an entrance must tell of a request before anything answers it.

`AppService` is the entrance in Azure, `Loopback` the one on a laptop. Everything but the
gate's health lies behind one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request
from starlette.responses import Response


class Role(enum.StrEnum):
    """What a person may do here; each may look, none includes another."""

    READER = "Reader"
    """May look."""
    APPROVER = "Approver"
    """May also approve and reject plans."""
    OPERATOR = "Operator"
    """May also undo actions, ask for looks, stop all writes and lift the stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who has proven who they are.

    `name` is for the journal. `id` is the directory's object id, which is never reused; on a
    laptop it is the login name. `by_header` is True where the request itself carried the proof
    (`Authorization: Bearer`), which no other site can make a browser send.
    """

    name: str
    id: str
    roles: frozenset[Role]
    by_header: bool = False


class Shut(Exception):
    """Nobody gets in with this request: answered with `status` and one sentence, nothing else.

    `sign_in` is the path where a person can prove who they are, empty where there is none.
    """

    def __init__(self, status: int, message: str, sign_in: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.sign_in = sign_in


class Entrance(Protocol):
    """Tells who a request is from."""

    def arrive(self, request: Request) -> Response | None:
        """The answer to a request that only signs somebody in; None for every other.

        Raises:
            Shut: it may not.
        """

    def person(self, request: Request) -> Person:
        """Who it is from.

        Raises:
            Shut: nobody that is known, or the entrance itself cannot be trusted now.
        """
