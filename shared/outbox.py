"""Records wait here until the log has them: at least once, whatever happens on the way.

A record is a flat JSON object whose `EventId` is the same however often it is written, and whose
`OccurredAt` is its own. Streams: `actions`, `findings`, `sweeps`, `health`.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, TextIO

from shared.errors import StoreUnavailable
from shared.model import digest
from shared.store import Store

Record = dict[str, Any]
BATCH = 100
_ORDER = itertools.count()


class Sink(Protocol):
    """Somewhere records are kept."""

    def keep(self, stream: str, records: list[Record]) -> None:
        """Take all of them, or raise and take none for sure: they come again."""


class Outbox:
    """Where the engine leaves records, and the timer takes them from."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def add(self, stream: str, identity: list[Any], fields: Mapping[str, Any]) -> Record:
        """Leave a record; `identity` is what makes it the same record when written again."""
        at = self._now().isoformat()
        record: Record = {"EventId": digest([stream, *identity]), "OccurredAt": at, **fields}
        key = f"{at}-{next(_ORDER):08d}-{record['EventId']}"
        self._store.put("outbox", stream, key, record)
        return record

    def ship(self, sinks: Iterable[Sink]) -> int:
        """Give every waiting record to every sink; how many went.

        A record leaves the outbox only when each sink has it. Raises what a sink raises.
        """
        targets, count = list(sinks), 0
        for stream in ("actions", "findings", "sweeps", "health"):
            rows = list(self._store.scan("outbox", stream))
            for start in range(0, len(rows), BATCH):
                batch = rows[start : start + BATCH]
                for sink in targets:
                    sink.keep(stream, [row.value for row in batch])
                for row in batch:
                    day = row.value["OccurredAt"][:10]
                    self._store.put("records", f"{stream} {day}", row.key, row.value)
                    self._store.delete("outbox", stream, row.key)
                count += len(batch)
        return count

    def records(self, stream: str) -> Iterator[Record]:
        """Every record of a stream, shipped or waiting, oldest first, each id once."""
        seen: set[str] = set()
        shipped = (r for r in self._store.scan("records") if r.partition.split(" ")[0] == stream)
        rows = [*shipped, *self._store.scan("outbox", stream)]
        for row in sorted(rows, key=lambda r: r.key):
            if row.value["EventId"] not in seen:
                seen.add(row.value["EventId"])
                yield row.value

    def oldest(self) -> str | None:
        """When the record that waits longest occurred; None with an empty outbox."""
        waiting = [str(row.value["OccurredAt"]) for row in self._store.scan("outbox")]
        return min(waiting, default=None)


class JsonLines:
    """A file with a record a line. A line half-written by a crash is ended, never joined to."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, stream: str, records: list[Record]) -> None:
        lines = "".join(json.dumps({"Stream": stream, **r}) + "\n" for r in records)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                torn = file.tell() > 0 and not self._ends_whole()
                file.write(("\n" if torn else "").encode() + lines.encode())
        except OSError as error:
            raise StoreUnavailable(f"the record file {self._path}: {error.strerror}") from error

    def _ends_whole(self) -> bool:
        with self._path.open("rb") as file:
            file.seek(-1, 2)
            return file.read(1) == b"\n"


class Console:
    """One line a record, for a person who watches."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def keep(self, stream: str, records: list[Record]) -> None:
        out = self._out or sys.stdout
        for r in records:
            what = r.get("Entry") or r.get("Transition") or r.get("Summary") or ""
            controls = ", ".join(r.get("Controls") or [r.get("Control") or ""])
            line = f"{stream:<8} {what:<14} {controls} {r.get('ResourceId', '')}"
            print(r["OccurredAt"][:19], line, file=out, flush=True)
