"""The version of the state: stamped where it is fresh, brought up where older, else left alone.

A row holds it. Who meets older state stamps it as its own version at once, so that older versions
write no more; then the rows of before are brought up bit by bit, by one process at a time. That may
take hours, and nobody waits for it: a migration only adds, and what it has not come to reads as it
did. A change that cannot be made so takes two versions: one that writes both forms, and the next,
which reads the new one alone.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, islice
from typing import Any, Final

from shared.errors import Exists, Moved, NewerState, StoreUnavailable
from shared.log import Log, place_of
from shared.store import Row, Store, Value
from shared.store.tables import Table

Place = tuple[str, str]
"""Partition and key of the last row that is done."""
_ROW: Final = ("schema", "schema", "version")
_USED: Final = ("control", "findings", "outbox", "records", "actions")
"""State that was ever worked on has rows in some of these tables."""
_OF_ROWS: Final = frozenset({"get", "insert", "replace", "put", "delete", "scan"})
_REMEMBERED: Final = timedelta(minutes=1)
_TURN: Final = timedelta(seconds=20)
_LEASE: Final = timedelta(minutes=2)
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class Migration:
    """What state of version `start` lacks, in words, and how it comes to it.

    `run` goes through rows from a place on and gives the place it has come to now and then. It only
    adds, and may do the same rows again. `actions`, `claims` and `own` are not its to write: the
    gate runs it.
    """

    start: int
    does: str
    run: Callable[[Store, Place | None], Iterator[Place]]


class Schema:
    """The version of the state in `store`; safe to share between threads."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._lock = threading.Lock()
        self._met: Value = {}
        self._good_until = datetime.min.replace(tzinfo=UTC)

    def check(self) -> None:
        """Return where this state may be worked on; a row is read for that once a minute at most.

        Raises:
            NewerState: nothing is written. StoreUnavailable: it cannot be told.
        """
        if self._now() >= self._good_until:
            with self._lock:
                if self._now() >= self._good_until:
                    self._met = self._meet()
                    self._good_until = self._now() + _REMEMBERED
        if self._met["schema"] > VERSION:
            raise NewerState(self._met["schema"], VERSION)

    def left(self) -> list[Migration]:
        """The migrations that have not come to their end, as far as was known a minute ago.

        Raises: as `check` does.
        """
        self.check()
        return _left(self._met)

    def migrate(self) -> bool:
        """Bring up rows of older versions for some seconds; whether none is left.

        One process at a time does. Where it ends, or is killed, the next call goes on.

        Raises: as `check` does.
        """
        if not self.left():
            return True
        row = self._store.get(*_ROW)
        if row is None or row.value["schema"] != VERSION or self._held(row):
            return False
        with suppress(Moved):
            return self._carry_on(row)
        return False

    def _held(self, row: Row) -> bool:
        """Whether somebody is at it, and can still be."""
        until = str(row.value.get("until", ""))
        return bool(until) and self._now() < datetime.fromisoformat(until)

    def _carry_on(self, row: Row) -> bool:
        """As `migrate`, from where the row says; every step moves the row.

        Raises:
            Moved: somebody else carries on, a newer version perhaps.
        """
        ends, place, etag = self._now() + _TURN, row.value.get("place"), row.etag
        for one in _left(row.value):
            etag = self._move(one.start, place, etag)
            for here in one.run(self._store, place):
                over = self._now() >= ends
                etag = self._move(one.start, here, etag, free=over)
                if over:
                    return False
            place = None
        self._store.replace(*_ROW, {"schema": VERSION}, etag)
        return True

    def _move(self, start: int, place: Place | None, etag: str, *, free: bool = False) -> str:
        until = "" if free else (self._now() + _LEASE).isoformat()
        value = {"schema": VERSION, "from": start, "place": place, "until": until}
        return self._store.replace(*_ROW, value, etag)

    def _meet(self) -> Value:
        """The row of the version, stamped as ours where it is older or not there."""
        while True:
            row = self._store.get(*_ROW)
            value = _stamped(row.value if row else self._unstamped())
            if row is not None and value == row.value:
                return value
            with suppress(Exists, Moved):
                if row is None:
                    self._store.insert(*_ROW, value)
                else:
                    self._store.replace(*_ROW, value, row.etag)
                return value

    def _unstamped(self) -> Value:
        used = any(next(self._store.scan(table), None) for table in _USED)
        return {"schema": 1 if used else VERSION}


class Checked:
    """A store whose rows are touched only after `check` returned.

    Its messages are not: one that waits has to be given back whatever the rows are.
    """

    def __init__(self, store: Store, check: Callable[[], None]) -> None:
        self._store = store
        self._check = check

    def __getattr__(self, name: str) -> Any:
        if name in _OF_ROWS:
            self._check()
        return getattr(self._store, name)


def _stamped(value: Value) -> Value:
    found = value.get("schema")
    if not isinstance(found, int):
        raise StoreUnavailable(f"the version of the state cannot be read: {found!r}")
    return value if found >= VERSION else {"from": found, **value, "schema": VERSION}


def _left(value: Value) -> list[Migration]:
    return [one for one in MIGRATIONS if one.start >= value.get("from", VERSION)]


# --- migrations


def _rows(store: Store, table: Table, place: Place | None) -> Iterator[Row]:
    """The rows of a table after a place."""
    if place is None:
        return store.scan(table)
    partition, key = place
    return chain(store.scan(table, partition, after=key), store.scan(table, beyond=partition))


def _lines(store: Store, place: Place | None) -> Iterator[Place]:
    """Records that had gone before there were lines; one that waits gets its own when it goes."""
    log, rows = Log(store), _rows(store, "records", place)
    while batch := list(islice(rows, _BATCH)):
        for stream, some in groupby(batch, key=lambda row: row.partition.split(" ")[0]):
            _tell(log, stream, {row.value["EventId"]: row for row in some})
        yield batch[-1].partition, batch[-1].key


def _tell(log: Log, stream: str, records: dict[str, Row]) -> None:
    """Give the records of a stream, by their ids, the lines that they lack."""
    at = {event: datetime.fromisoformat(r.value["OccurredAt"]) for event, r in records.items()}
    told = log.scan(stream, since=min(at.values()), until=max(at.values()))
    lacking = records.keys() - {row.value["EventId"] for row in told if row.value["EventId"] in at}
    for event in sorted(lacking):
        row = records[event]
        log.note(stream, place_of(row.value, row.key), row.value, row.key)


MIGRATIONS: Final = (
    Migration(1, "records from before the log had lines are given theirs", _lines),
)
"""The first begins at version 1; each leads to the next."""
VERSION: Final = len(MIGRATIONS) + 1
