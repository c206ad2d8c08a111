"""Notices to an Event Grid topic: the few records that a chat, a pager or a SIEM should hear of.

CloudEvents 1.0. The id is the record's EventId, the subject is the resource, the data is small.
A notice is delivered at least once.

Source: https://learn.microsoft.com/azure/event-grid/cloud-event-schema; 1 MB a batch and an event.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared.azure.delivery import Delivery, Door, Item, Parcel, cut
from shared.errors import ArmError, NotKept

if TYPE_CHECKING:
    from azure.eventgrid._legacy import EventGridPublisherClient

SOURCE = "/portcullis"
ACTIONS: Mapping[str, tuple[str, str]] = {
    "asked": ("ApprovalAsked", "a plan waits for approval"),
    "remediated": ("Remediated", "put right"),
    "not-cured": ("NotCured", "written, but still violated"),
    "failed": ("Failed", "Azure refused the change"),
    "undone": ("Undone", "taken back"),
    "undo-refused": ("UndoRefused", "an undo that was ordered could not be carried out"),
    "notice": ("OwnerNotice", "infrastructure code owns it: change it there"),
    "contested": ("Contested", "a cure keeps being undone"),
    "limit-reached": ("LimitReached", "held back by a limit"),
    "suspended": ("Suspended", "all writes are stopped"),
    "resumed": ("Resumed", "writes may happen again"),
}
"""By entry of the stream `actions`: the type's last word, and what a person reads."""
FINDING_OPENED = "FindingOpened"
UNHEALTHY = "GateUnhealthy"
DIGEST = "Digest"
TYPES = frozenset(
    f"Portcullis.{word}"
    for word in (*(w for w, _ in ACTIONS.values()), FINDING_OPENED, UNHEALTHY, DIGEST)
)
"""The types of all notices there are."""
_AUDIENCE = "https://eventgrid.azure.net/.default"
_GRAVE = ("critical", "high")
_TEXT = 1_000
_VALUE = 200
_MOST = 5


class Topic:
    """The topic at `door`; its client is made when it is first needed."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def publish(self, _to: str, events: list[Item]) -> None:
        """Send CloudEvents once. Raises what the client raises."""
        from azure.core.messaging import CloudEvent  # noqa: PLC0415

        self._client.send([CloudEvent.from_dict(event) for event in events])

    def close(self) -> None:
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> EventGridPublisherClient:
        # The public client hands none of its options to this one, which is what it publishes
        # to a topic with: it would sleep and repeat, and could not be given a transport.
        from azure.eventgrid._legacy import EventGridPublisherClient  # noqa: PLC0415

        door = self._door
        return EventGridPublisherClient(door.endpoint, door.credential, **door.options())


class Notices:
    """A sink: the topic at `door`. What is no notice needs none, and counts as kept."""

    name = "event-grid"

    def __init__(self, door: Door) -> None:
        self._door = door
        self._topic = Topic(door)
        self._deliver = Delivery(self._topic.publish, door.now)

    def keep(self, stream: str, records: list[Item]) -> None:
        """Publish what is a notice.

        Raises:
            NotKept: all but those it names were published. Transient, Refused: none was.
        """
        events = [event for record in records if (event := notice(stream, record)) is not None]
        parcels = [Parcel(event["id"], event, lambda item, _: item) for event in events]
        if not parcels:
            return
        try:
            self._deliver(f"the topic {self._door.host}", parcels)
        except ArmError as fault:
            if len(events) == len(records):
                raise
            raise NotKept(str(fault), frozenset(event["id"] for event in events)) from fault

    def reach(self) -> int:
        """The status of an answer to a request with our token that publishes nothing.

        Raises:
            Transient: none came; `Unauthenticated` where no token could be had.
        """
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy  # noqa: PLC0415
        from azure.core.rest import HttpRequest  # noqa: PLC0415

        from shared.azure.pipeline import Pipeline  # noqa: PLC0415  people ask for it alone

        door = self._door
        policy = BearerTokenCredentialPolicy(door.credential, _AUDIENCE)
        line = Pipeline(door.endpoint, "the topic", policy, door.transport)
        try:
            return line.run(HttpRequest("GET", door.endpoint), retries=1).status_code
        finally:
            line.close()

    def close(self) -> None:
        self._topic.close()


def notice(stream: str, record: Mapping[str, Any]) -> Item | None:
    """The CloudEvent that a record of `stream` is told by; None where nobody needs to hear.

    Its data holds `what`, `where`, `why` and `undo` (the command; empty where there is none), and
    `severity`, `controls`, `action`, `plan`, `person`, each empty where the record names none.
    """
    found = _meaning(stream, record)
    if found is None:
        return None
    word, what = found
    where = str(record.get("ResourceId") or "/")
    data = {
        "what": what,
        "where": where,
        "why": _why(record),
        "undo": record.get("UndoCommand") or "",
        "severity": record.get("Severity") or "",
        "controls": record.get("Controls") or [c for c in [record.get("Control")] if c],
        "action": record.get("ActionId") or "",
        "plan": record.get("PlanId") or "",
        "person": record.get("Person") or "",
    }
    return {
        "specversion": "1.0",
        "id": record["EventId"],
        "source": SOURCE,
        "type": f"Portcullis.{word}",
        "subject": where,
        "time": datetime.fromisoformat(record["OccurredAt"]).isoformat(),
        "data": {name: cut(value, _TEXT) for name, value in data.items()} | {"where": where},
    }


def _meaning(stream: str, record: Mapping[str, Any]) -> tuple[str, str] | None:
    if stream == "health":
        return UNHEALTHY, str(record.get("Entry") or "the gate is not well")
    if stream == "findings":
        grave = record.get("Severity") in _GRAVE and record.get("Transition") == "opened"
        title = str(record.get("ControlTitle") or record.get("Control") or "")
        return (FINDING_OPENED, title) if grave else None
    entry = record.get("Entry") if stream == "actions" else None
    # A cure that the stop held back has the same entry; the stop itself is about everything.
    if entry == "suspended" and record.get("ResourceId") != "/":
        return None
    return ACTIONS.get(str(entry))


def _why(record: Mapping[str, Any]) -> str:
    """The record's own sentence and what was seen, as far as it fits."""
    seen = list(_sentences(record.get("Evidence")))
    more = [f"and {len(seen) - _MOST} more"] if len(seen) > _MOST else []
    message = record.get("Message") or record.get("Reason") or ""
    disruption = (record.get("Plan") or {}).get("disruption", "") if not seen else ""
    return "; ".join(part for part in [message, *seen[:_MOST], *more, disruption] if part)


def _sentences(evidence: Any) -> Iterator[str]:
    """Evidence of a finding (a list) or of an action (lists by control)."""
    listed = evidence if isinstance(evidence, list) else []
    if isinstance(evidence, Mapping):
        listed = [one for of_control in evidence.values() for one in of_control]
    for one in listed:
        observed, expected = (_shown(one.get(name)) for name in ("observed", "expected"))
        yield f"{one.get('path')} is {observed}, expected {expected}"


def _shown(value: Any) -> str:
    return json.dumps(cut(value, _VALUE))
