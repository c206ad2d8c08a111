"""What the engine needs of Azure: `shared.azure.arm.Arm`, and `Directory` where it is read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from shared.callers import Ask
from shared.model import Change, Resource, ResourceId, Verb
from shared.own import NOTHING, Own

_METHODS = {
    Verb.PATCH: "PATCH",
    Verb.PUT: "PUT",
    Verb.CREATE: "PUT",
    Verb.DELETE: "DELETE",
    Verb.POST: "POST",
}


def request_of(change: Change) -> tuple[str, str]:
    """Method and path of the request that makes a change."""
    action = f"/{change.action}" if change.verb is Verb.POST else ""
    return _METHODS[change.verb], f"{change.target.text}{action}"


class Reader(Protocol):
    """What observing needs."""

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None: ...

    def list(self, collection: str, api_version: str) -> Iterator[Resource]: ...


class Answered(Protocol):
    """What is told of a write."""

    @property
    def resource(self) -> Resource | None: ...
    @property
    def operation(self) -> str | None: ...
    @property
    def wait(self) -> float: ...
    @property
    def correlation_id(self) -> str: ...


class Progressed(Protocol):
    """How an operation stands."""

    @property
    def done(self) -> bool: ...
    @property
    def error(self) -> str: ...
    @property
    def wait(self) -> float: ...


class Writer(Reader, Protocol):
    """What acting needs."""

    def tenant(self) -> str: ...

    def write(self, change: Change, client_request_id: str) -> Answered: ...

    def poll(self, operation: str) -> Progressed: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Cloud:
    """The doors to Azure, and who we are there.

    `directory` is Microsoft Graph, None where it is not read; `identities` are the object ids
    under which we write, `own` is what we run on. `callers` tells who called a store lately, None
    where no logs are asked.
    """

    arm: Writer
    directory: Reader | None = None
    identities: frozenset[str] = frozenset()
    own: Own = NOTHING
    callers: Ask | None = None
