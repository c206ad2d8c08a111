"""Hints: a reason to look at an id. Never evidence; lost, doubled or forged they cost a look.

Hints for one id that arrive close together cause one look: the first sets a dirty marker and
sends a message, later ones only add their actor to the marker. A look begins with the marker as
it stands; one that moved while it looked means another look.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.errors import Exists, Moved
from shared.model import ResourceId, digest
from shared.store import LONGEST_DELAY, Row, Store

HINTS = "hints"
ACT = "act"
SWEEPS = "sweeps"
SETTLE = timedelta(seconds=5)
"""How long a first event waits for its likes before the look."""
FORGOTTEN = timedelta(minutes=1)
"""A marker older than this may have lost its message; the next hint sends one again."""
KEPT_ACTORS = 20
SWEEP = "sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who did something, as the event tells it; a claim, not a proof."""

    name: str = ""
    object_id: str = ""
    app_id: str = ""
    operation: str = ""
    correlation_id: str = ""
    client_request_id: str = ""
    at: str = ""

    def to_json(self) -> dict[str, str]:
        return {
            "name": self.name,
            "object_id": self.object_id,
            "app_id": self.app_id,
            "operation": self.operation,
            "correlation_id": self.correlation_id,
            "client_request_id": self.client_request_id,
            "at": self.at,
        }

    @property
    def shown(self) -> str:
        """A person by name; an application, which events do not name, by its id."""
        app = self.app_id or self.object_id
        return self.name or (f"app {app}" if app else "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """Look at `id`: why (`event`, `sweep`, `person`, `due`, `wake`), since when, who.

    `run` is the sweep it came from; `attempt` counts looks that a passing fault put off. `via`
    are the types (lower case) of the resources whose looks led here, one after the other.
    """

    id: ResourceId
    source: str
    first_seen: datetime
    actors: tuple[Actor, ...] = ()
    run: str = ""
    attempt: int = 0
    via: frozenset[str] = frozenset()

    def to_text(self) -> str:
        body = {
            "portcullis": 1,
            "id": self.id.text,
            "source": self.source,
            "first_seen": self.first_seen.isoformat(),
            "actors": [a.to_json() for a in self.actors],
            "run": self.run,
            "attempt": self.attempt,
            "via": sorted(self.via),
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Hint | None:
        """The hint of a message of ours; None where it is none."""
        if body.get("portcullis") != 1:
            return None
        try:
            return cls(
                id=ResourceId(body["id"].encode().decode()),
                source=str(body["source"]),
                first_seen=datetime.fromisoformat(body["first_seen"]).astimezone(UTC),
                actors=tuple(Actor(**{k: str(v) for k, v in a.items()}) for a in body["actors"]),
                run=str(body["run"]),
                attempt=int(body["attempt"]),
                via=frozenset(str(one) for one in body.get("via", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class Taken:
    """A look's hint with every actor, and the marker as it stood when the look began."""

    hint: Hint
    row: Row | None

    @property
    def sweep(self) -> str:
        """The sweep that asks for this look, where nobody else does; else empty."""
        own = _sweep_of(self.hint)
        return own if self.row is None or self.row.value["sweep"] == own else ""


class Inbox:
    """Where hints arrive and wait for their look."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def note(self, hint: Hint, delay: timedelta = SETTLE) -> bool:
        """Keep the hint; one message is on its way afterwards. Whether that is a new one.

        A crash between the marker and its message is mended by whoever notes the same hint
        again: the message that brought it comes back, and finds a marker gone stale.
        """
        while True:
            row = self._store.get("dirty", hint.id.key, "marker")
            stale = row is None or self._now() - _since(row) > FORGOTTEN
            with suppress(Exists, Moved):
                if row is None:
                    self._store.insert("dirty", hint.id.key, "marker", self._marker(hint))
                else:
                    merged = self._merged(row, hint)
                    self._store.replace("dirty", hint.id.key, "marker", merged, row.etag)
                if stale:
                    self._store.send(HINTS, hint.to_text(), delay)
                return stale

    def take(self, hint: Hint) -> Taken:
        """Begin a look: actors noted so far join the hint."""
        row = self._store.get("dirty", hint.id.key, "marker")
        if row is None:
            return Taken(hint, None)
        known = tuple(Actor(**a) for a in row.value["actors"])
        actors = _together(tuple(a for a in hint.actors if a not in known), known)
        via = frozenset(row.value.get("via", hint.via))
        return Taken(replace(hint, actors=actors, run=hint.run or row.value["run"], via=via), row)

    def finish(self, taken: Taken) -> None:
        """End a look; where a hint came meanwhile another look is on its way."""
        if taken.row is None:
            return
        key = taken.hint.id.key
        with suppress(Moved):
            self._store.delete("dirty", key, "marker", taken.row.etag)
            return
        again = replace(taken.hint, first_seen=self._now(), actors=(), attempt=0)
        self._store.send(HINTS, again.to_text(), SETTLE)

    def put_off(self, hint: Hint, queue: str, wait: timedelta) -> None:
        """A passing fault: the same look comes again after `wait`."""
        self.come_back(replace(hint, attempt=hint.attempt + 1), queue, wait)

    def come_back(self, hint: Hint, queue: str, wait: timedelta) -> None:
        """The same look comes again after `wait`; nothing failed."""
        self._store.send(queue, hint.to_text(), min(wait, LONGEST_DELAY))

    def to_hand(self, hint: Hint) -> None:
        """Ask the app that may write to look for itself."""
        self._store.send(ACT, hint.to_text())

    def _marker(self, hint: Hint) -> dict[str, Any]:
        return {
            "since": self._now().isoformat(),
            "actors": [a.to_json() for a in hint.actors],
            "run": hint.run,
            "sweep": _sweep_of(hint),
            "via": sorted(hint.via),
            "count": 1,
        }

    def _merged(self, row: Row, hint: Hint) -> dict[str, Any]:
        known = tuple(Actor(**a) for a in row.value["actors"])
        stale = self._now() - _since(row) > FORGOTTEN
        alone = row.value["sweep"] == _sweep_of(hint)
        return {
            "since": self._now().isoformat() if stale else row.value["since"],
            "actors": [a.to_json() for a in _together(known, hint.actors)],
            "run": row.value["run"] or hint.run,
            "sweep": row.value["sweep"] if alone else "",
            # What every one of them came through: a look for several wakes for each.
            "via": sorted(hint.via & set(row.value.get("via", ()))),
            "count": row.value["count"] + 1,
        }


class Due:
    """What waits for a time: rows that a timer turns into hints, never a sleeping worker."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    def add(self, at: datetime, hint: Hint, why: str) -> None:
        """Look again at `at`; the same wait said twice is one row."""
        later = replace(hint, source="due", first_seen=at, attempt=0)
        key = f"{at.astimezone(UTC).isoformat()}-{digest([hint.id.key, why])}"
        self._store.put("due", "due", key, {"text": later.to_text(), "why": why})

    def wake(self, note: Callable[[Hint], object]) -> int:
        """Turn every row that is due into a hint; how many. A crash in between doubles a hint."""
        count = 0
        for row in list(self._store.scan("due", "due", upto=f"{self._now().isoformat()}~")):
            hint = Hint.from_json(json.loads(row.value["text"]))
            if hint is not None:
                note(replace(hint, first_seen=self._now()))
            self._store.delete("due", "due", row.key)
            count += 1
        return count

    def waiting(self) -> Iterator[tuple[str, ResourceId, str]]:
        """(when, id, why) of every row, soonest first."""
        for row in self._store.scan("due", "due"):
            hinted = ResourceId(json.loads(row.value["text"])["id"])
            yield row.key.rsplit("-", 1)[0], hinted, str(row.value["why"])


def sweep_text(run: str) -> str:
    """The message that goes on with a sweep."""
    return json.dumps({"portcullis": 1, "sweep": run})


def sweep_of(text: str | bytes) -> str:
    """The sweep that a message goes on with; empty where it is none of ours."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    told = body.get("sweep") if isinstance(body, dict) else None
    return told if isinstance(told, str) else ""


def _since(row: Row) -> datetime:
    return datetime.fromisoformat(row.value["since"])


def _sweep_of(hint: Hint) -> str:
    """The sweep, where nothing but a sweep asks for the look."""
    return hint.run if hint.source == SWEEP else ""


def _together(known: tuple[Actor, ...], new: tuple[Actor, ...]) -> tuple[Actor, ...]:
    return tuple(dict.fromkeys((*known, *new)))[-KEPT_ACTORS:]
