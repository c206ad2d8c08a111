"""How records leave in calls of a limited size: packed, halved, shortened, never dropped."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)

from shared.azure.faults import fault_of
from shared.errors import ArmError, NotKept, Refused, Transient, Unauthenticated, Why

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

CALL_LIMIT = 900_000
"""Bytes of JSON in one call: both services take 1 MB, and separators are not counted."""
LEAST = 4_000
"""Bytes below which an item that is refused as too large is not made shorter still."""
_TIMEOUTS = {"connection_timeout": 10, "read_timeout": 30}
_LOST_WAIT = 10.0
_ELLIPSIS = "\u2026"

Item = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where a service answers, and who knocks. `transport` stands in for the network."""

    endpoint: str
    credential: TokenCredential
    now: Callable[[], datetime]
    transport: HttpTransport[Any, Any] | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.endpoint).hostname or self.endpoint

    def options(self) -> dict[str, Any]:
        """For an SDK's client: sends once, to the host that was named, and never sleeps."""
        made: dict[str, Any] = {"retry_total": 0, "permit_redirects": False, **_TIMEOUTS}
        if self.transport is not None:
            made["transport"] = self.transport
        return made


@dataclass(frozen=True, slots=True)
class Parcel:
    """One record as it goes: `shorter` makes it fit into so many bytes, and says so in it."""

    event: str
    item: Item
    shorter: Callable[[Item, int], Item]

    @property
    def size(self) -> int:
        return size(self.item)

    def within(self, limit: int) -> Parcel:
        if self.size <= limit:
            return self
        return Parcel(self.event, self.shorter(self.item, limit), self.shorter)


class _TooLarge(Refused):
    """413: fewer or shorter."""


@dataclass(slots=True)
class _Round:
    """What one delivery has come to."""

    left: set[str] = field(default_factory=set)
    first: ArmError | None = None

    def failed(self, parcels: Sequence[Parcel], fault: ArmError) -> None:
        self.left |= {parcel.event for parcel in parcels}
        self.first = self.first or fault


class Delivery:
    """Brings parcels to one service by `call`, which sends a list of items once."""

    def __init__(
        self, call: Callable[[str, list[Item]], None], now: Callable[[], datetime]
    ) -> None:
        self._call = call
        self._now = now
        self._rests_until: datetime | None = None

    def __call__(self, to: str, parcels: Sequence[Parcel]) -> None:
        """Deliver all of them; what goes wrong in one call is no matter of the next.

        Raises:
            NotKept: some are left. Transient, Refused: all are.
        """
        self.may_call(to)
        came_to = _Round()
        for batch in packed([parcel.within(CALL_LIMIT - 2) for parcel in parcels]):
            self._send(to, batch, came_to)
        if came_to.first is None:
            return
        if len(came_to.left) == len({parcel.event for parcel in parcels}):
            raise came_to.first
        raise NotKept(str(came_to.first), frozenset(came_to.left)) from came_to.first

    def may_call(self, to: str) -> None:
        """A service that asked to be left alone is, across calls of this process.

        Raises:
            Transient: it is left alone for so long.
        """
        if self._rests_until is None:
            return
        wait = (self._rests_until - self._now()).total_seconds()
        if wait > 0:
            raise Transient(f"{to}: not asked again for {wait:.0f} seconds", wait)
        self._rests_until = None

    def _send(self, to: str, batch: list[Parcel], came_to: _Round) -> None:
        if self._rests_until is not None and came_to.first is not None:
            came_to.failed(batch, came_to.first)
            return
        try:
            self._once(to, [parcel.item for parcel in batch])
        except Transient as fault:
            if fault.retry_after != 0:
                self._rests_until = self._now() + timedelta(seconds=fault.retry_after)
            came_to.failed(batch, fault)
        except Refused as fault:
            self._split(to, batch, fault, came_to)
        except ArmError as fault:
            came_to.failed(batch, fault)

    def _split(self, to: str, batch: list[Parcel], fault: Refused, came_to: _Round) -> None:
        """Each half of what was refused as a whole, down to the one that is to blame."""
        if fault.why is Why.INVALID and len(batch) > 1:
            half = len(batch) // 2
            self._send(to, batch[:half], came_to)
            self._send(to, batch[half:], came_to)
            return
        if isinstance(fault, _TooLarge) and batch[0].size > LEAST:
            less = batch[0].within(batch[0].size // 2)
            if less.size < batch[0].size:
                self._send(to, [less], came_to)
                return
        came_to.failed(batch, fault)

    def _once(self, to: str, items: list[Item]) -> None:
        try:
            self._call(to, items)
        except ClientAuthenticationError as error:
            raise Unauthenticated(f"{to}: no token is taken: {_line(error)}", 60) from error
        except ResourceNotFoundError as error:
            raise Refused(f"{to}: 404: {_line(error)}", Why.NOT_FOUND) from error
        except HttpResponseError as error:
            raise _fault(to, error) from error
        except AzureError as error:
            raise Transient(f"{to}: not reached: {_line(error)}", _LOST_WAIT) from error


def _fault(to: str, error: HttpResponseError) -> ArmError:
    """What an answer means. A 5xx without a delay of its own asks for no rest: `retry_after` 0."""
    if error.response is None:
        return Transient(f"{to}: the answer was lost: {_line(error)}", _LOST_WAIT)
    status, headers = error.status_code or 500, getattr(error.response, "headers", {})
    try:
        body = json.loads(error.response.text())
    except ValueError:
        body = None
    if status == 413:
        return _TooLarge(f"{to}: 413", Why.INVALID)
    found = fault_of(status, headers, body, to)
    if isinstance(found, Transient) and status >= 500 and "Retry-After" not in headers:
        found.retry_after = 0
    return found


def packed(parcels: Sequence[Parcel], limit: int = CALL_LIMIT) -> Iterator[list[Parcel]]:
    """The parcels in order, in lists whose JSON array is at most `limit` bytes each."""
    batch: list[Parcel] = []
    room = limit
    for parcel in parcels:
        cost = parcel.size + 2
        if batch and cost > room:
            yield batch
            batch, room = [], limit
        batch.append(parcel)
        room -= cost
    if batch:
        yield batch


def size(value: Any) -> int:
    """Bytes of the value's JSON as the SDKs write it: ASCII, with a space after separators."""
    return len(json.dumps(value))


def cut(value: Any, room: int) -> Any:
    """The beginning of a JSON value in at most `room` bytes (4 at least): still JSON.

    Of an object or a list its first members stay whole, one is cut, the others go; of a text
    its beginning stays, with an ellipsis; what cannot be cut becomes null.
    """
    if size(value) <= room:
        return value
    if isinstance(value, str):
        return _begun(value, room)
    if isinstance(value, Mapping):
        return _first_members(value, room)
    if isinstance(value, list):
        held = _first_members({str(i): one for i, one in enumerate(value)}, room)
        return list(held.values()) if held is not None else None
    return None


def _begun(text: str, room: int) -> str | None:
    """As much of the text as fits; a character is between one byte of JSON and twelve."""
    fits, beyond = 0, min(len(text), room) + 1
    while beyond - fits > 1:
        tried = (fits + beyond) // 2
        if size(text[:tried] + _ELLIPSIS) <= room:
            fits = tried
        else:
            beyond = tried
    return text[:fits] + _ELLIPSIS if fits else None


def _first_members(value: Mapping[str, Any], room: int) -> Item | None:
    held: Item = {}
    left = room - 2
    for name, inner in value.items():
        left -= size(name) + 4
        if left < 4:
            break
        held[name] = cut(inner, left)
        left -= size(held[name])
    return held or None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
