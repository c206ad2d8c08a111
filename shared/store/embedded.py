"""State and queues in SQLite: in memory for tests and the demo, in a file on a laptop."""

import itertools
import json
import sqlite3
import threading
import uuid
import weakref
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from shared.errors import Exists, Moved, StoreUnavailable
from shared.store import Message, Row, Value
from shared.store.tables import Table, listed

SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE IF NOT EXISTS entity (
    tbl TEXT, part TEXT, key TEXT, value TEXT NOT NULL, etag TEXT NOT NULL,
    PRIMARY KEY (tbl, part, key));
CREATE TABLE IF NOT EXISTS message (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, queue TEXT NOT NULL, text TEXT NOT NULL,
    visible REAL NOT NULL, receipt TEXT NOT NULL, taken INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS message_queue ON message (queue, visible, seq);
"""
_PAGE = 500


class EmbeddedStore:
    """The `Store` seam over one SQLite database.

    `path` None keeps everything in memory. `now` is the clock that delays go by. A file may be
    shared by processes; a full or unreadable disk raises `StoreUnavailable`.
    """

    def __init__(self, now: Callable[[], datetime], path: Path | None = None) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._etags = itertools.count(1)
        self._session = uuid.uuid4().hex[:8]
        self._where = str(path) if path else "memory"
        try:
            if path:
                path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                path or ":memory:", isolation_level=None, check_same_thread=False, timeout=10
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"state in {self._where}: {error}") from error
        try:
            self._set_up(in_a_file=path is not None)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreUnavailable(f"state in {self._where}: {error}") from error
        except StoreUnavailable:
            self._db.close()
            raise
        # Whoever forgets to close it leaves no open file behind.
        weakref.finalize(self, self._db.close)

    def _set_up(self, *, in_a_file: bool) -> None:
        """Make what is missing, once it is clear that the file is ours to change."""
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found > SCHEMA_VERSION:
            raise StoreUnavailable(
                f"state in {self._where} was written by a newer version (schema {found})"
            )
        if in_a_file:
            self._db.execute("PRAGMA journal_mode=WAL")
        self._db.executescript(_SCHEMA)
        self._db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _run(self, sql: str, *values: Any) -> tuple[list[Any], int]:
        """The rows that a statement gives, and how many it changed."""
        try:
            with self._lock:
                cursor = self._db.execute(sql, values)
                return cursor.fetchall(), cursor.rowcount
        except sqlite3.IntegrityError:
            raise
        except sqlite3.Error as error:
            raise StoreUnavailable(f"state in {self._where}: {error}") from error

    def _etag(self) -> str:
        return f"{self._session}-{next(self._etags)}"

    def get(self, table: Table, partition: str, key: str) -> Row | None:
        found, _ = self._run(
            "SELECT value, etag FROM entity WHERE tbl=? AND part=? AND key=?",
            listed(table), partition, key,
        )  # fmt: skip
        return Row(partition, key, json.loads(found[0][0]), found[0][1]) if found else None

    def insert(self, table: Table, partition: str, key: str, value: Value) -> str:
        etag = self._etag()
        try:
            self._run(
                "INSERT INTO entity VALUES (?,?,?,?,?)",
                listed(table), partition, key, json.dumps(value), etag,
            )  # fmt: skip
        except sqlite3.IntegrityError as error:
            raise Exists(f"{table}: {partition} {key} is there already") from error
        return etag

    def replace(self, table: Table, partition: str, key: str, value: Value, etag: str) -> str:
        new = self._etag()
        _, changed = self._run(
            "UPDATE entity SET value=?, etag=? WHERE tbl=? AND part=? AND key=? AND etag=?",
            json.dumps(value), new, listed(table), partition, key, etag,
        )  # fmt: skip
        if not changed:
            raise Moved(f"{table}: {partition} {key} has moved on")
        return new

    def put(self, table: Table, partition: str, key: str, value: Value) -> str:
        etag = self._etag()
        self._run(
            "INSERT OR REPLACE INTO entity VALUES (?,?,?,?,?)",
            listed(table), partition, key, json.dumps(value), etag,
        )  # fmt: skip
        return etag

    def delete(self, table: Table, partition: str, key: str, etag: str | None = None) -> None:
        where = "DELETE FROM entity WHERE tbl=? AND part=? AND key=?"
        if etag is None:
            self._run(where, listed(table), partition, key)
            return
        _, removed = self._run(f"{where} AND etag=?", listed(table), partition, key, etag)
        if not removed and self.get(table, partition, key) is not None:
            raise Moved(f"{table}: {partition} {key} has moved on")

    def scan(
        self,
        table: Table,
        partition: str | None = None,
        *,
        after: str | None = None,
        upto: str | None = None,
        beyond: str | None = None,
    ) -> Iterator[Row]:
        last: Row | None = None
        while page := self._page(table, partition, (after, upto, beyond), last):
            yield from page
            last = page[-1]

    def _page(
        self,
        table: Table,
        partition: str | None,
        bounds: tuple[str | None, str | None, str | None],
        last: Row | None,
    ) -> list[Row]:
        sql, values = "SELECT part, key, value, etag FROM entity WHERE tbl=?", [listed(table)]
        if partition is not None:
            sql, values = f"{sql} AND part=?", [*values, partition]
        after, upto, beyond = bounds
        if last is not None and partition is not None:
            # By partition and key together SQLite would go through the other partitions too.
            after = last.key
        elif last is not None:
            sql, values = f"{sql} AND (part, key) > (?, ?)", [*values, last.partition, last.key]
        if beyond is not None:
            sql, values = f"{sql} AND part>?", [*values, beyond]
        if after is not None:
            sql, values = f"{sql} AND key>?", [*values, after]
        if upto is not None:
            sql, values = f"{sql} AND key<=?", [*values, upto]
        found, _ = self._run(f"{sql} ORDER BY part, key LIMIT {_PAGE}", *values)
        return [Row(part, key, json.loads(value), etag) for part, key, value, etag in found]

    def send(self, queue: str, text: str, delay: timedelta = timedelta(0)) -> None:
        self._run(
            "INSERT INTO message (queue, text, visible, receipt, taken) VALUES (?,?,?,'',0)",
            queue, text, (self._now() + delay).timestamp(),
        )  # fmt: skip

    def receive(self, queue: str, count: int, hidden: timedelta) -> list[Message]:
        now, receipt = self._now(), uuid.uuid4().hex
        found, _ = self._run(
            "UPDATE message SET receipt=?, visible=?, taken=taken+1 WHERE seq IN (SELECT seq "
            "FROM message WHERE queue=? AND visible<=? ORDER BY visible, seq LIMIT ?) "
            "RETURNING seq, text, taken",
            receipt, (now + hidden).timestamp(), queue, now.timestamp(), count,
        )  # fmt: skip
        return [Message(queue, str(s), receipt, text, taken) for s, text, taken in sorted(found)]

    def done(self, message: Message) -> None:
        self._run("DELETE FROM message WHERE seq=? AND receipt=?", message.id, message.receipt)

    def release(self, message: Message, delay: timedelta = timedelta(0)) -> None:
        self._run(
            "UPDATE message SET visible=?, receipt='' WHERE seq=? AND receipt=?",
            (self._now() + delay).timestamp(), message.id, message.receipt,
        )  # fmt: skip

    def waiting(self, queue: str) -> int:
        found, _ = self._run("SELECT COUNT(*) FROM message WHERE queue=?", queue)
        return int(found[0][0])
