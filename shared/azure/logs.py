"""Records to Log Analytics, through a data collection rule.

Delivered at least once: rows of one EventId are one record. Nothing that a record says is lost
silently: what no column is declared for goes to `More`, what was shortened is named in `Shortened`.

Source: https://learn.microsoft.com/azure/azure-monitor/logs/logs-ingestion-api-overview (1 MB a
call, 64 KB a value) and .../logs/create-custom-table (names of columns).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.azure.delivery import Delivery, Door, Item, Parcel, cut, size
from shared.clouds import PUBLIC

if TYPE_CHECKING:
    from azure.monitor.ingestion import LogsIngestionClient

VALUE_LIMIT = 64_000
"""Bytes of one value: Log Analytics cuts off what is longer than 64 KB, JSON or not."""
_INTEGERS = {"int": 2**31, "long": 2**63}
_LEAST = {"dynamic": 64, "string": 2_000}
"""Bytes up to which a value of such a type is never cut."""
_WHOLE = ("TimeGenerated", "OccurredAt", "EventId", "Shortened")


@dataclass(frozen=True, slots=True)
class Stream:
    """A stream of the rule and the table behind it; `columns` are types by name.

    The types are those of stream declarations: string, int, long, real, boolean, datetime, dynamic.
    """

    name: str
    columns: Mapping[str, str]

    @property
    def table(self) -> str:
        return self.name.removeprefix("Custom-") + "_CL"


def _columns(**kinds: str) -> dict[str, str]:
    """The columns of every stream, and those that `kinds` names by type."""
    named = {name: kind for kind, names in kinds.items() for name in names.split()}
    common = {"TimeGenerated": "datetime", "EventId": "string", "OccurredAt": "datetime"}
    return {**common, **named, "More": "dynamic", "Shortened": "dynamic"}


STREAMS: Mapping[str, Stream] = {
    "actions": Stream(
        "Custom-PortcullisActions",
        _columns(
            string="Entry ResourceId SubscriptionId ResourceGroup ActionId UndoOf Severity Person "
            "PlanId UndoCommand Message Refusal Owner",
            int="Attempt",
            datetime="StartedAt EndedAt",
            dynamic="Controls Episodes CausedBy Evidence Decision Plan Before After DurationMs "
            "ClientRequestIds CorrelationIds",
        ),
    ),
    "findings": Stream(
        "Custom-PortcullisFindings",
        _columns(
            string="Transition Control ControlTitle Severity ResourceId ResourceType "
            "SubscriptionId ResourceGroup State Reason Closed UndoneBy Owner",
            boolean="Open",
            int="Episode",
            datetime="OpenedAt ClosedAt UndoneUntil",
            dynamic="Actors Evidence Decision",
        ),
    ),
    "sweeps": Stream(
        "Custom-PortcullisSweeps",
        _columns(
            string="Summary RunId Kind Failed",
            long="Seen Violating Unknown Exempt Lookups Hinted Unseen Unwatched Calls Total Judged",
            real="Seconds Score",
            dynamic="Skipped UnseenScopes UnwatchedSubscriptions ByType BySeverity",
        ),
    ),
    "health": Stream(
        "Custom-PortcullisHealth",
        _columns(string="Entry Severity Message KeptAs ResourceId", dynamic="CausedBy"),
    ),
}
"""By stream of the outbox. The names are for ever: rows are only ever added to a table."""


class Logs:
    """A sink: Log Analytics through the rule of immutable id `rule`, at `door`.

    `audience` is what tokens are for.
    """

    name = "log-analytics"

    def __init__(self, door: Door, rule: str, audience: str = PUBLIC.monitor) -> None:
        self._door = door
        self._rule = rule
        self._audience = audience
        self._deliver = Delivery(self._upload, door.now)

    def keep(self, stream: str, records: list[Item]) -> None:
        """Send them, sent at this moment.

        Raises:
            NotKept: all but those it names are in. Transient, Refused: none is.
        """
        declared, at = STREAMS[stream], self._door.now().isoformat()
        parcels = [
            Parcel(record["EventId"], row(declared, record, at), _shorter(declared))
            for record in records
        ]
        self._deliver(declared.name, parcels)

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> LogsIngestionClient:
        from azure.monitor.ingestion import LogsIngestionClient  # noqa: PLC0415  slow to import

        door = self._door
        return LogsIngestionClient(
            door.endpoint,
            door.credential,
            credential_scopes=[f"{self._audience}/.default"],
            **door.options(),
        )

    def _upload(self, stream: str, rows: list[Item]) -> None:
        # With a callback the SDK leaves it to us to say what went wrong.
        faults: list[Exception] = []
        self._client.upload(
            self._rule, stream, list(rows), on_error=lambda failed: faults.append(failed.error)
        )
        if faults:
            raise faults[0]


def row(declared: Stream, record: Mapping[str, Any], at: str) -> Item:
    """The record as a row: every declared column and no other, null where nothing is said."""
    made: Item = dict.fromkeys(declared.columns)
    more: Item = {}
    for name, value in record.items():
        kind = declared.columns.get(name)
        if kind is None or not _fits(kind, value):
            more[name] = value
        else:
            made[name] = None if kind == "datetime" and not value else value
    made["TimeGenerated"] = at
    made["More"] = more or None
    return shorter(declared, made)


def shorter(declared: Stream, made: Item, limit: int | None = None) -> Item:
    """The row with no value beyond 64 KB and, with `limit`, in so many bytes.

    The largest values are cut first; `Shortened` tells how many bytes each of them had.
    """
    held = dict(made)
    lost: dict[str, int] = dict(made["Shortened"] or {})
    for name in _cuttable(declared, made):
        if size(held[name]) > VALUE_LIMIT:
            lost.setdefault(name, size(held[name]))
            held[name] = cut(held[name], VALUE_LIMIT)
    held["Shortened"] = lost or None
    while limit is not None and size(held) > limit:
        largest = max(_cuttable(declared, held), key=lambda name: size(held[name]), default=None)
        if largest is None:
            break
        lost.setdefault(largest, size(held[largest]))
        held[largest] = cut(held[largest], size(held[largest]) // 2)
        held["Shortened"] = dict(lost)
    return held


def _shorter(declared: Stream) -> Any:
    return lambda item, limit: shorter(declared, item, limit)


def _cuttable(declared: Stream, made: Item) -> Iterator[str]:
    """Objects, lists and long texts: never what a record is found by."""
    for name, kind in declared.columns.items():
        if kind not in _LEAST or name in _WHOLE:
            continue
        if size(made[name]) > _LEAST[kind]:
            yield name


def _fits(kind: str, value: Any) -> bool:
    if value is None or kind == "dynamic":
        return True
    if kind == "datetime":
        return isinstance(value, str) and (not value or _instant(value))
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
