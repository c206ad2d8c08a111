"""The log as people page through it: a short line a record, newest first.

A line holds what a list shows and is searched by; the whole record is read where somebody opens
it. Keys run backwards in time, so that the newest lines are the first ones of their stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.difference import differences
from shared.model import shown
from shared.store import Row, Store

Line = Mapping[str, Any]
"""A record in short: `Key`, `EventId`, `OccurredAt`, `Entry` (of findings the transition),
`Controls`, `Severity`, `ResourceId`, `ActionId`, `PlanId`, `UndoOf`, `Actors` (who caused it, by
name), `Person`, `Owner`, `Message`, `Changes` (at most three), `Decision` (what follows),
`OpenedAt`, `Score`, and `Unjudged` (a finding closed that was unknown and never violated); each
absent where the record does not tell it."""

PATIENCE = 2_000
"""How many lines one question looks through before it gives back what it found."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_END = 10**16 - 1
_LAST = 10**8 - 1
_KEPT = ("EventId", "OccurredAt", "Controls", "Severity", "ResourceId", "ActionId", "PlanId")
_ALSO = ("UndoOf", "Person", "Owner", "OpenedAt", "Refusal", "KeptAs", "RunId", "Kind", "Failed")
_MESSAGE = 300
_VALUE = 60
_CHANGES = 3


def line(stream: str, record: Mapping[str, Any]) -> dict[str, Any]:
    """The line of a record; of one whose parts are not what they should be, what can be told."""
    try:
        return _line(stream, record)
    except (AttributeError, LookupError, TypeError, ValueError):
        named = (*_KEPT[:2], "Entry", "Transition", "ResourceId", "ActionId")
        return {"Entry": "", **{name: str(record[name]) for name in named if record.get(name)}}


def _line(stream: str, record: Mapping[str, Any]) -> dict[str, Any]:
    short = {name: record[name] for name in (*_KEPT, *_ALSO) if record.get(name)}
    short["Entry"] = record.get("Entry") or record.get("Transition") or record.get("Summary") or ""
    if record.get("Control"):
        short["Controls"] = [record["Control"]]
    told = record.get("CausedBy") or record.get("Actors") or ()
    actors = [a.get("name") or a.get("app_id") or a.get("object_id") for a in told]
    if names := list(dict.fromkeys(name for name in actors if name)):
        short["Actors"] = names[:5]
    if record.get("Score") is not None:
        short["Score"] = record["Score"]
    if short["Entry"].startswith("closed-") and not record.get("Evidence"):
        short["Unjudged"] = True
    if message := record.get("Message") or record.get("Reason"):
        short["Message"] = str(message)[:_MESSAGE]
    if decision := record.get("Decision"):
        short["Decision"] = {k: str(decision.get(k) or "")[:_MESSAGE] for k in ("do", "source")}
    if stream == "actions" and (changes := list(_changes(record))):
        short["Changes"] = changes
    return short


def _changes(record: Mapping[str, Any]) -> Iterator[list[str]]:
    for count, one in enumerate(differences(record)):
        if count == _CHANGES:
            yield ["more", "", ""]
            return
        yield [one.name, brief(one.was), brief(one.now)]


def brief(value: Any) -> str:
    """A JSON value in a few words."""
    text = shown(value)
    if text == {"absent": True}:
        return "absent"
    if isinstance(text, dict):
        named = text.get("name") or text.get("id")
        return str(named)[:_VALUE] if named else f"{len(text)} values"
    if isinstance(text, list):
        text = ", ".join(brief(one) for one in text) or "none"
    said = str(text).casefold() if isinstance(text, bool | None) else str(text)
    return said if len(said) <= _VALUE else said[: _VALUE - 1] + "…"


def key_of(at: datetime, order: int, event: str) -> str:
    """The key of a record of this instant; of two, the one of the greater `order` comes first."""
    return f"{_moment(at)}-{_LAST - order % _LAST:08d}-{event}"


def place_of(record: Mapping[str, Any], kept_as: str) -> str:
    """The key of the line of a record that is kept whole as `kept_as`."""
    order = kept_as.split("-")[-2]
    at = datetime.fromisoformat(record["OccurredAt"])
    # The oldest keys do not tell the order.
    return key_of(at, int(order) if order.isdigit() else 0, record["EventId"])


def _moment(at: datetime) -> str:
    return f"{_END - (at - _EPOCH) // timedelta(microseconds=1):016d}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Lines, newest first.

    `next` is where to go on, empty at the end of the log. `back_to` is the oldest instant that
    was looked at: with fewer lines than asked and a `next`, the search is not at its end.
    """

    lines: list[dict[str, Any]]
    next: str = ""
    back_to: str = ""


class Log:
    """The lines of all streams."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, stream: str, key: str, record: Mapping[str, Any], kept_as: str) -> None:
        """Keep the line of a record that is kept whole as `kept_as`."""
        self._store.put("log", stream, key, {**line(stream, record), "Record": kept_as})

    def page(
        self,
        stream: str,
        wanted: Callable[[Line], bool] = lambda _: True,
        *,
        after: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> Page:
        """The newest lines that are wanted, from `after` (a page's `next`) on.

        `since` and `until` bound when they occurred, both counted in.
        """
        found: list[dict[str, Any]] = []
        seen: set[str] = set()
        last = ""
        for looked, row in enumerate(self.scan(stream, after=after, since=since, until=until)):
            if len(found) == limit or looked == PATIENCE:
                return Page(lines=found, next=last, back_to=instant_of(last))
            last = row.key
            if row.value["EventId"] not in seen and wanted(row.value):
                seen.add(row.value["EventId"])
                found.append({"Key": row.key, **row.value})
        return Page(lines=found, back_to=instant_of(last))

    def scan(
        self,
        stream: str,
        *,
        after: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Row]:
        """Rows of lines, newest first; one record may have two, under one `EventId`."""
        newest = _moment(until) if until else ""
        oldest = f"{_moment(since)}~" if since else None
        return self._store.scan("log", stream, after=max(after, newest) or None, upto=oldest)

    def newest(self, stream: str) -> str:
        """The key of the newest line; empty where there is none."""
        row = next(self.scan(stream), None)
        return row.key if row else ""

    def record(self, stream: str, key: str) -> dict[str, Any] | None:
        """The whole record of a line; None where there is no such line any more."""
        row = self._store.get("log", stream, key)
        if row is None:
            return None
        kept = str(row.value["Record"])
        waiting = self._store.get("outbox", stream, kept)
        if waiting is not None:
            return dict(waiting.value["Record"])
        shipped = self._store.get("records", f"{stream} {kept[:10]}", kept)
        return dict(shipped.value) if shipped else None


def instant_of(key: str) -> str:
    """When the record of a key occurred, in UTC; empty for an empty key."""
    if not key:
        return ""
    return (_EPOCH + timedelta(microseconds=_END - int(key[:16]))).isoformat()
