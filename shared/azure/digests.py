"""Digests to people: what the notices tell machines one by one, gathered by owner.

A record is filed in the state as it is shipped, and told by the next timer that finds a digest
due. A digest is delivered at least once; a repeat has the same id and the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
)

from shared.azure.delivery import Delivery, Door, Item, Parcel, cut
from shared.azure.notices import DIGEST, FINDING_OPENED, SOURCE, UNHEALTHY, Topic, notice
from shared.digest import (
    UNOWNED,
    Kept,
    data_of,
    filed,
    idle,
    key_of,
    sealed,
    taken,
    untaken,
)
from shared.digest import Item as Told
from shared.errors import Exists, Moved, NotKept, PortcullisError
from shared.hints import Actor
from shared.store import Row, Store

if TYPE_CHECKING:
    from shared.policy import Policy
    from shared.policy_parts import Notices as Rules

_TABLE: Final = "digests"
_PARTITION: Final = "digests"
_URGENT = {f"Portcullis.{word}" for word in ("Contested", "LimitReached", "Suspended")}
_GRAVE = ("critical", "high")
_LINE = 400
_PLACE = 600
_NAME = 100


class Digests:
    """A sink that files what people should hear of, and `send`, which tells them when it is due.

    `console` is where the links of digests lead, empty for none.
    """

    name = "digest"

    def __init__(
        self, store: Store, door: Door, policy: Callable[[], Policy], console: str
    ) -> None:
        self._store = store
        self._door = door
        self._policy = policy
        self._console = console
        self._topic = Topic(door)
        self._deliver = Delivery(self._publish, door.now)
        self._unsure: set[str] = set()
        """What was handed to the topic without a certain no, now or by an earlier attempt."""

    def keep(self, stream: str, records: list[Item]) -> None:
        """File them; one that was filed before counts once.

        Raises:
            StoreUnavailable: they come again.
        """
        by_owner: dict[str, list[Told]] = {}
        for record in records:
            if (item := told(stream, record)) is not None:
                by_owner.setdefault(key_of(item.owner), []).append(item)
        for key, items in by_owner.items():
            self._change(key, partial(self._filed, items))

    def send(self) -> int:
        """Tell what is due; how many digests the topic took.

        An owner whose digest fails holds up no other.

        Raises:
            PortcullisError: the first thing that went wrong; what was not told waits.
        """
        rows = list(self._store.scan(_TABLE, _PARTITION))
        if not rows:
            return 0
        self._deliver.may_call(self._to)
        self._unsure.clear()
        faults: list[PortcullisError] = []
        ready: dict[str, tuple[str, Item]] = {}
        for row in rows:
            try:
                ready |= self._ready(row)
            except PortcullisError as fault:
                faults.append(fault)
        left = self._left([event for _, event in ready.values()], faults)
        for one, (key, _) in ready.items():
            try:
                self._settle(key, one, left)
            except PortcullisError as fault:
                faults.append(fault)
        if faults:
            raise faults[0]
        return len(ready)

    def _filed(self, items: list[Told], kept: Kept | None) -> Kept:
        return filed(kept, items, self._door.now())

    def close(self) -> None:
        self._topic.close()

    @property
    def _to(self) -> str:
        return f"the topic {self._door.host}"

    def _ready(self, row: Row) -> dict[str, tuple[str, Item]]:
        """An owner's digests that are to be sent now, by id, each stored as it will be sent."""
        rules, now = self._policy().notices, self._door.now()
        if idle(row.value, rules, now):
            with suppress(Moved):
                self._store.delete(_TABLE, _PARTITION, row.key, row.etag)
            return {}
        kept = self._sealed(row, rules, now)
        if kept is None:
            return {}
        return {
            one["id"]: (row.key, self._event(one, kept["Owner"]))
            for one in kept["Sending"]
            if one["urgent"] or not rules.silent(now)
        }

    def _sealed(self, row: Row, rules: Rules, now: datetime) -> Kept | None:
        """What is kept, with what is due made ready; an earlier attempt's may have been taken."""
        earlier: set[str] = set()

        def seal(kept: Kept | None) -> Kept | None:
            nonlocal earlier
            earlier = {one["id"] for one in kept["Sending"]} if kept else set()
            return sealed(kept, rules, now) if kept else None

        kept = seal(row.value)
        if kept != row.value:
            kept = self._change(row.key, seal)
        self._unsure |= earlier
        return kept

    def _event(self, sending: Kept, named: str) -> Item:
        owner = named or UNOWNED
        return {
            "specversion": "1.0",
            "id": sending["id"],
            "source": SOURCE,
            "type": f"Portcullis.{DIGEST}",
            "subject": owner,
            "time": sending["at"],
            "data": data_of(sending, owner, self._console),
        }

    def _left(self, events: list[Item], faults: list[PortcullisError]) -> frozenset[str]:
        """Publish all; the ids of those that were not taken, or not for certain."""
        parcels = [Parcel(event["id"], event, lambda item, _: item) for event in events]
        try:
            if parcels:
                self._deliver(self._to, parcels)
        except NotKept as fault:
            faults.append(fault)
            return fault.left
        except PortcullisError as fault:
            faults.append(fault)
            return frozenset(event["id"] for event in events)
        return frozenset()

    def _publish(self, to: str, events: list[Item]) -> None:
        ids = {event["id"] for event in events} - self._unsure
        self._unsure |= ids
        try:
            self._topic.publish(to, events)
        except AzureError as error:
            if _refused(error):
                self._unsure -= ids
            raise

    def _settle(self, key: str, one: str, left: frozenset[str]) -> None:
        """What was taken is over; what was not is gathered anew; what may have been comes again."""
        if one not in left:
            self._change(key, lambda kept: taken(kept, one, self._door.now()) if kept else None)
        elif one not in self._unsure:
            self._change(key, lambda kept: untaken(kept, one) if kept else None)

    def _change(self, key: str, change: Callable[[Kept | None], Kept | None]) -> Kept | None:
        """Apply `change` to what is kept of an owner, whoever else does at the same time."""
        while True:
            row = self._store.get(_TABLE, _PARTITION, key)
            value = change(row.value if row else None)
            if value is None or (row is not None and value == row.value):
                return value
            with suppress(Exists, Moved):
                if row is None:
                    self._store.insert(_TABLE, _PARTITION, key, value)
                else:
                    self._store.replace(_TABLE, _PARTITION, key, value, row.etag)
                return value


def told(stream: str, record: Mapping[str, Any]) -> Told | None:
    """How people are told of a record; None where they need not hear of it.

    Of findings that opened they hear where those are critical.
    """
    found = notice(stream, record)
    if found is None:
        return None
    kind, data = found["type"], found["data"]
    severity = data["severity"]
    if kind == f"Portcullis.{FINDING_OPENED}" and severity != "critical":
        return None
    unwell = kind == f"Portcullis.{UNHEALTHY}"
    return Told(
        event=found["id"],
        at=found["time"],
        owner=str(record.get("Owner") or ""),
        type=kind,
        what=data["what"],
        where=cut(data["where"], _PLACE),
        control="" if unwell else ", ".join(data["controls"][:5]),
        severity=severity,
        why=cut(data["why"], _LINE),
        who=_who(record),
        undo=data["undo"],
        action=data["action"],
        plan=data["plan"],
        urgent=kind in _URGENT or (unwell and severity in _GRAVE),
    )


def _who(record: Mapping[str, Any]) -> tuple[str, ...]:
    """A person who gave their word, and those who caused it, by the best name there is."""
    actors = [*(record.get("CausedBy") or ()), *(record.get("Actors") or ())]
    names = [record.get("Person") or "", *(Actor(**actor).shown for actor in actors)]
    return tuple(dict.fromkeys(cut(name, _NAME) for name in names if name))


def _refused(error: AzureError) -> bool:
    """Whether the topic has nothing for certain: it was not reached, or said no.

    Source: https://learn.microsoft.com/azure/event-grid/post-to-custom-topic (its answers).
    """
    if isinstance(error, ServiceRequestError | ClientAuthenticationError):
        return True
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return status is not None and (status < 500 or status == 503)
