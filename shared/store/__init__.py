"""The one seam for state and queues.

Rows live under (table, partition, key) and carry an etag that moves with every write; tables are
those of `shared/store/tables.py`, partitions and keys may hold any character. Messages are
delivered at least once. Every operation may raise `StoreUnavailable`; none leaves half a write
behind.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from shared.store.tables import Table

Value = Mapping[str, Any]
LONGEST_DELAY = timedelta(days=7)
"""How long a message can be delayed; what waits longer is a row, not a message."""


@dataclass(frozen=True, slots=True)
class Row:
    """One stored JSON object; `etag` names this very version of it."""

    partition: str
    key: str
    value: dict[str, Any]
    etag: str


@dataclass(frozen=True, slots=True)
class Message:
    """One received message; `receipt` is good until it is done, released or shown again."""

    queue: str
    id: str
    receipt: str
    text: str
    dequeue_count: int


class Store(Protocol):
    """State and queues; safe to share between threads and, through its backing, processes."""

    def get(self, table: Table, partition: str, key: str) -> Row | None:
        """The row, or None."""

    def insert(self, table: Table, partition: str, key: str, value: Value) -> str:
        """Write a new row; its etag.

        Raises:
            Exists: there is one already.
        """

    def replace(self, table: Table, partition: str, key: str, value: Value, etag: str) -> str:
        """Write over the version `etag`; the new etag.

        Raises:
            Moved: it is gone, or another version by now.
        """

    def put(self, table: Table, partition: str, key: str, value: Value) -> str:
        """Write whatever was there; the new etag."""

    def delete(self, table: Table, partition: str, key: str, etag: str | None = None) -> None:
        """Remove the row; one that is not there is removed already.

        Raises:
            Moved: `etag` is given, and the row is another version by now.
        """

    def scan(
        self,
        table: Table,
        partition: str | None = None,
        *,
        after: str | None = None,
        upto: str | None = None,
        beyond: str | None = None,
    ) -> Iterator[Row]:
        """Rows by partition and key; keys of letters, digits, `-:.T` sort by code point.

        `after` leaves out keys that are not greater than it, `upto` those that are, `beyond`
        partitions that do not come after it. Rows written meanwhile may be missed.
        """

    def send(self, queue: str, text: str, delay: timedelta = timedelta(0)) -> None:
        """Append a message that shows itself after `delay`, `LONGEST_DELAY` at most."""

    def receive(self, queue: str, count: int, hidden: timedelta) -> list[Message]:
        """Up to `count` messages, hidden from others for `hidden`."""

    def done(self, message: Message) -> None:
        """Remove a received message; nothing where its receipt is no longer good."""

    def release(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        """Give a received message back, to show itself after `delay`."""

    def waiting(self, queue: str) -> int:
        """How many messages the queue holds, hidden ones too; Azure's count is approximate."""
