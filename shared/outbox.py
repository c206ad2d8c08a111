"""Records wait here until the log has them: at least once, whatever happens on the way.

A record is a flat JSON object whose `EventId` is the same however often it is written, and whose
`OccurredAt` is its own. Streams: `actions`, `findings`, `sweeps`, `health`.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any, Protocol, TextIO

from shared.errors import Moved, NotKept, PortcullisError, StoreUnavailable
from shared.log import Log, key_of, place_of
from shared.model import digest
from shared.store import Row, Store

Record = dict[str, Any]
STREAMS = ("actions", "findings", "sweeps", "health")
BATCH = 100
_ORDER = itertools.count()


class Sink(Protocol):
    """Somewhere records are kept."""

    @property
    def name(self) -> str:
        """Under which it is remembered what it has; no two sinks share one."""

    def keep(self, stream: str, records: list[Record]) -> None:
        """Take all of them.

        Raises:
            NotKept: all but those it names; they come again.
            PortcullisError: none for sure; all of them come again.
        """


class Outbox:
    """Where the engine leaves records, and the timer takes them from."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._log = Log(store)

    def add(self, stream: str, identity: list[Any], fields: Mapping[str, Any]) -> Record:
        """Leave a record; `identity` is what makes it the same record when written again."""
        now, order = self._now(), next(_ORDER)
        at, event = now.isoformat(), digest([stream, *identity])
        record: Record = {"EventId": event, "OccurredAt": at, **fields}
        key, place = f"{at}-{order:08d}-{event}", key_of(now, order, event)
        self._store.put("outbox", stream, key, {"Record": record, "KeptBy": [], "Line": place})
        self._log.note(stream, place, record, key)
        return record

    def ship(self, sinks: Iterable[Sink]) -> int:
        """Give every waiting record to every sink; how many went.

        A record leaves the outbox only when each sink has it, and comes again only to those
        that have not: one that is away holds up no other. Raises the first of what sinks raised,
        after all of them had their turn.
        """
        targets, first, count = list(sinks), None, 0
        for stream in STREAMS:
            went, fault = self._ship(stream, targets)
            count, first = count + went, first or fault
        if first is not None:
            raise first
        return count

    def _ship(self, stream: str, sinks: list[Sink]) -> tuple[int, PortcullisError | None]:
        """How many went, and the first of what sinks raised."""
        able, count = list(sinks), 0
        first: PortcullisError | None = None
        waiting = self._store.scan("outbox", stream)
        # However long an outage lasted, no more than a batch is held.
        while able and (batch := list(itertools.islice(waiting, BATCH))):
            have = {row.key: set(row.value["KeptBy"]) for row in batch}
            for sink in list(able):
                wanted = [row for row in batch if sink.name not in have[row.key]]
                left, fault = _give(sink, stream, wanted)
                if fault is not None:
                    first = first or fault
                    if not isinstance(fault, NotKept):
                        able.remove(sink)
                for row in wanted:
                    if row.value["Record"]["EventId"] not in left:
                        have[row.key].add(sink.name)
            count += self._settle(stream, batch, have, {sink.name for sink in sinks})
        return count, first

    def _settle(
        self, stream: str, batch: list[Row], have: Mapping[str, set[str]], names: set[str]
    ) -> int:
        """Let go of what every sink has, and remember who has the rest; how many went."""
        count = 0
        for row in batch:
            record = row.value["Record"]
            if names <= have[row.key]:
                day = record["OccurredAt"][:10]
                self._store.put("records", f"{stream} {day}", row.key, record)
                # A stop between a record and its line would leave it out of what people see.
                place = str(row.value.get("Line") or place_of(record, row.key))
                self._log.note(stream, place, record, row.key)
                self._store.delete("outbox", stream, row.key)
                count += 1
            elif have[row.key] != set(row.value["KeptBy"]):
                value = {**row.value, "KeptBy": sorted(have[row.key])}
                # Where it moved, another process gave it away at the same time.
                with suppress(Moved):
                    self._store.replace("outbox", stream, row.key, value, row.etag)
        return count

    def records(self, stream: str) -> Iterator[Record]:
        """Every record of a stream, shipped or waiting, oldest first, each id once."""
        seen: set[str] = set()
        shipped = (r for r in self._store.scan("records") if r.partition.split(" ")[0] == stream)
        waiting = self._store.scan("outbox", stream)
        found = [
            *((row.key, row.value) for row in shipped),
            *((row.key, row.value["Record"]) for row in waiting),
        ]
        for _, record in sorted(found, key=itemgetter(0)):
            if record["EventId"] not in seen:
                seen.add(record["EventId"])
                yield record

    def oldest(self) -> str | None:
        """When the record that waits longest occurred; None with an empty outbox."""
        first = [next(self._store.scan("outbox", stream), None) for stream in STREAMS]
        waiting = [str(row.value["Record"]["OccurredAt"]) for row in first if row is not None]
        return min(waiting, default=None)


def _give(
    sink: Sink, stream: str, rows: list[Row]
) -> tuple[frozenset[str], PortcullisError | None]:
    """Offer rows to a sink: the EventIds it has not, and why."""
    try:
        if rows:
            sink.keep(stream, [row.value["Record"] for row in rows])
    except NotKept as fault:
        return fault.left, fault
    except PortcullisError as fault:
        return frozenset(row.value["Record"]["EventId"] for row in rows), fault
    return frozenset(), None


class JsonLines:
    """A file with a record a line. A line half-written by a crash is ended, never joined to."""

    def __init__(self, path: Path) -> None:
        self.name = f"file {path}"
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

    name = "console"

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def keep(self, stream: str, records: list[Record]) -> None:
        out = self._out or sys.stdout
        for r in records:
            what = r.get("Entry") or r.get("Transition") or r.get("Summary") or ""
            controls = ", ".join(r.get("Controls") or [r.get("Control") or ""])
            line = f"{stream:<8} {what:<14} {controls} {r.get('ResourceId', '')}"
            print(r["OccurredAt"][:19], line, file=out, flush=True)
