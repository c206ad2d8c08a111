"""Where records and notices arrive: Logs Ingestion of a data collection rule, and a custom topic.

Both are told by their paths, whatever the host. They are strict on purpose: where Azure drops a
column that no stream declares, or empties a value of the wrong type, so that nobody notices,
this refuses or tells.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from simulator.wire import Refusal, Request, Response, Target, encode

LIMIT = 1024 * 1024
"""Bytes of one call, compressed or not, and of one batch of events."""
FIELD_LIMIT = 64 * 1024
"""Bytes of one value in a table; Azure cuts off what is longer."""

_PATH = re.compile(r"/dataCollectionRules/([^/]+)/streams/([^/]+)", re.IGNORECASE)
_TOPIC = "/api/events"
_COLUMN = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,44}")
_RESERVED = {"id", "tenantid", "type", "uniqueid", "title"}
_INTEGERS = {"int": 2**31, "long": 2**63}
_TYPES = {"string", "int", "long", "real", "boolean", "datetime", "dynamic"}
_BATCH = "application/cloudevents-batch+json"
_MINUTE = 60

Row = dict[str, Any]


@dataclass
class Logs:
    """A workspace behind data collection rules.

    `cut` are (stream, column, EventId or None) of values that Azure would have cut off.
    `calls_per_minute` is the limit of one rule; what is above it is answered with 429.
    """

    calls_per_minute: int = 12_000
    cut: list[tuple[str, str, Any]] = field(default_factory=list)
    _rules: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    _rows: dict[str, list[Row]] = field(default_factory=dict)
    _minutes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def declare(self, rule: str, streams: Mapping[str, Mapping[str, str]]) -> None:
        """Make a data collection rule: by stream (`Custom-...`), the type of each column.

        Raises:
            ValueError: a name or type that Azure refuses when a rule or table is made.
        """
        for stream, columns in streams.items():
            _check_stream(stream, columns)
        self._rules[rule] = {name: dict(columns) for name, columns in streams.items()}

    def rows(self, stream: str) -> list[Row]:
        """What arrived on a stream, oldest first; equal EventIds as often as they came."""
        return list(self._rows.get(stream, ()))

    def take(self, rule: str, stream: str, request: Request, now: datetime) -> Response:
        """Answer one call: all of its rows are in, or none."""
        declared = self._rules.get(rule)
        if declared is None:
            message = f"Data collection rule with immutable Id '{rule}' not found."
            raise Refusal(404, "NotFound", message)
        self._admit(rule, now)
        if stream not in declared:
            message = f"The stream {stream} was not configured in the data collection rule."
            raise Refusal(400, "InvalidStream", message)
        rows = _array(_inflated(request))
        for row in rows:
            _check_row(row, declared[stream])
        self._rows.setdefault(stream, []).extend(self._stored(stream, row) for row in rows)
        return Response(204)

    def _admit(self, rule: str, now: datetime) -> None:
        minute, past = divmod(int(now.timestamp()), _MINUTE)
        last, count = self._minutes.get(rule, (minute, 0))
        count = count + 1 if last == minute else 1
        self._minutes[rule] = (minute, count)
        if count > self.calls_per_minute:
            raise Refusal(
                429,
                "RateLimitExceeded",
                "The rate limit of the data collection rule was exceeded.",
                headers={"Retry-After": str(_MINUTE - past)},
            )

    def _stored(self, stream: str, row: Row) -> Row:
        for name, value in row.items():
            size = len(value.encode()) if isinstance(value, str) else len(encode(value))
            if size > FIELD_LIMIT:
                self.cut.append((stream, name, row.get("EventId")))
        return row


@dataclass
class Topic:
    """A custom topic with the schema of CloudEvents. `events` are what it took, oldest first."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def take(self, request: Request) -> Response:
        """Answer one batch: all of its events are in, or none."""
        content = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content != _BATCH:
            raise Refusal(415, "UnsupportedMediaType", f"The topic takes {_BATCH}.")
        if len(request.body) > LIMIT:
            raise _too_large()
        events = _array(request.body)
        for event in events:
            _check_event(event)
        self.events.extend(events)
        return Response(200)


def arrival(
    request: Request, target: Target, logs: Logs, topic: Topic, now: datetime
) -> Response | None:
    """The answer of whoever is meant; None where neither is."""
    found = _PATH.fullmatch(target.path)
    if found is None and target.path.lower() != _TOPIC:
        return None
    if request.method != "POST":
        raise Refusal(405, "MethodNotAllowed", f"{request.method} is not allowed here.")
    if not target.api_version:
        raise Refusal(400, "MissingApiVersionParameter", "The api-version is required.")
    return topic.take(request) if found is None else logs.take(found[1], found[2], request, now)


def _check_stream(stream: str, columns: Mapping[str, str]) -> None:
    if not stream.startswith("Custom-"):
        raise ValueError(f"{stream}: streams of one's own begin with Custom-")
    if columns.get("TimeGenerated") != "datetime":
        raise ValueError(f"{stream}: a table needs TimeGenerated, a datetime")
    for name, kind in columns.items():
        if not _COLUMN.fullmatch(name) or name.lower() in _RESERVED:
            raise ValueError(f"{stream}: {name} cannot be a column")
        if kind not in _TYPES:
            raise ValueError(f"{stream}: {name} has the unknown type {kind}")


def _too_large() -> Refusal:
    return Refusal(413, "ContentLengthLimitExceeded", f"The limit is {LIMIT} bytes.")


def _inflated(request: Request) -> bytes:
    if len(request.body) > LIMIT:
        raise _too_large()
    encoding = request.headers.get("content-encoding", "").lower()
    if encoding not in ("", "gzip"):
        raise Refusal(415, "UnsupportedMediaType", f"The encoding {encoding} is not supported.")
    if not encoding:
        return request.body
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        plain = inflate.decompress(request.body, LIMIT + 1)
    except zlib.error as error:
        raise Refusal(400, "InvalidContent", "The body is not gzip.") from error
    if len(plain) > LIMIT:
        raise _too_large()
    return plain


def _array(body: bytes) -> list[dict[str, Any]]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "InvalidContent", "The body is not JSON.") from error
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise Refusal(400, "InvalidContent", "The body must be an array of objects.")
    return found


def _check_row(row: Row, columns: Mapping[str, str]) -> None:
    for name, value in row.items():
        kind = columns.get(name)
        if kind is None:
            raise Refusal(400, "InvalidRecord", f"The stream declares no column {name}.")
        if value is not None and not _fits(kind, value):
            raise Refusal(400, "InvalidRecord", f"The column {name} is of type {kind}.")


def _fits(kind: str, value: Any) -> bool:
    if kind == "dynamic":
        return True
    if kind == "datetime":
        return isinstance(value, str) and _instant(value)
    if kind in ("string", "boolean"):
        return isinstance(value, str if kind == "string" else bool)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    most = _INTEGERS.get(kind)
    return most is None or (isinstance(value, int) and -most <= value < most)


def _instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_event(event: Mapping[str, Any]) -> None:
    for name in ("id", "source", "type", "specversion"):
        if not isinstance(event.get(name), str) or not event[name]:
            raise Refusal(400, "BadRequest", f"An event has no {name}.")
    if event["specversion"] != "1.0":
        raise Refusal(400, "BadRequest", "The topic takes CloudEvents 1.0.")
    if "time" in event and not (isinstance(event["time"], str) and _instant(event["time"])):
        raise Refusal(400, "BadRequest", "The time of an event is none.")
