"""What arrives becomes hints; what is ours wakes nobody; what cannot be read is kept and said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from shared.azure import events
from shared.errors import Transient
from shared.hints import Actor, Hint
from shared.model import ResourceId, digest
from shared.observing import Observer
from shared.own import NOTHING, Own, lost_with
from shared.state import State
from shared.store import Store

if TYPE_CHECKING:
    from shared.canaries import Canaries
    from shared.policy import Policy

UNKNOWN_WRITE = timedelta(minutes=10)
"""How long a write under our identity may stay unknown to the journal."""
_HEARD: Final = ("control", "control", "last-event")
_MINUTE = timedelta(minutes=1)


def last_event(store: Store) -> datetime | None:
    """When an event was last taken, to within a minute; None where none ever was."""
    row = store.get(*_HEARD)
    return datetime.fromisoformat(row.value["at"]) if row else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of one message."""

    hinted: int = 0
    ours: int = 0
    ignored: int = 0
    unreadable: int = 0


class Intake:
    """Reads messages.

    `identities` are the object ids under which we write ourselves, `own` is what we run on;
    `canaries` hear of what we change to be heard of.
    """

    def __init__(
        self,
        observer: Observer,
        state: State,
        policy: Callable[[], Policy],
        identities: frozenset[str],
        own: Own = NOTHING,
        canaries: Canaries | None = None,
    ) -> None:
        self._observer = observer
        self._state = state
        self._policy = policy
        self._identities = frozenset(i.casefold() for i in identities)
        self._own = own
        self._canaries = canaries
        self._heard_at: datetime | None = None

    def take(self, payload: str | bytes) -> Taken:
        """Turn a message into hints. Never raises over what it holds."""
        found, unreadable = events.read(payload)
        for one in unreadable:
            self.keep("unreadable-event", one.reason, one.text)
        fates = [self._one(event) for event in found]
        if found:
            self._heard()
        return Taken(
            hinted=fates.count("hinted"),
            ours=fates.count("ours"),
            ignored=fates.count("ignored"),
            unreadable=len(unreadable),
        )

    def _heard(self) -> None:
        """Keep that events come; once a minute is enough."""
        now = self._state.now()
        if self._heard_at is None or now - self._heard_at >= _MINUTE:
            self._state.store.put(*_HEARD, {"at": now.isoformat()})
            self._heard_at = now

    def _one(self, event: events.Event) -> str:
        if event.use is not None:
            self._state.uses.note(event.use)
        if event.kind == "delete" and event.succeeded:
            self._say_lost(event)
        if self._canaries is not None and self._canaries.hears(event):
            return "ours"
        judged, actor = self._wanted(event), event.actor
        under_ours = event.succeeded and actor.object_id.casefold() in self._identities
        if judged is None and not under_ours:
            return "ignored"
        if self._state.journal.is_ours(actor.client_request_id, actor.correlation_id):
            return "ours"
        if under_ours:
            self._suspect(event)
        if judged is None:
            return "ignored"
        now = self._state.now()
        self._state.inbox.note(Hint(id=judged, source="event", first_seen=now, actors=(actor,)))
        return "hinted"

    def _say_lost(self, event: events.Event) -> None:
        """Who takes away what we run on may want us blind: said at once, while we still can."""
        why = lost_with(self._own, event.resource_id)
        if not why:
            return
        identity = ["own-removed", event.resource_id.key, event.actor.correlation_id]
        fields: dict[str, Any] = {
            "Entry": "own-removed",
            "Severity": "critical",
            "ResourceId": event.resource_id.text,
            "CausedBy": [event.actor.to_json()],
            "Message": f"deleted, and it is our own: {why}",
        }
        self._state.outbox.add("health", identity, fields)

    def _wanted(self, event: events.Event) -> ResourceId | None:
        """What the event is a reason to look at; told without asking the store."""
        judged = self._observer.judged(event.resource_id)
        if judged is None or not event.succeeded or not self._watched(judged):
            return None
        told = event.kind != "action" or event.actor.operation.casefold() in self._observer.actions
        return judged if told else None

    def _watched(self, resource: ResourceId) -> bool:
        try:
            return self._policy().watches(resource)
        except Transient:
            # Where it lies cannot be seen now: the look asks again, and comes again.
            return True

    def keep(self, entry: str, reason: str, text: str) -> None:
        """Keep what could not be used, and record that it came: the text stays in the state."""
        name = digest([entry, text])
        self._state.store.put("unreadable", "unreadable", name, {"reason": reason, "text": text})
        self._state.outbox.add(
            "health",
            [entry, name],
            {"Entry": entry, "Severity": "high", "Message": reason, "KeptAs": name},
        )

    def _suspect(self, event: events.Event) -> None:
        """A write under our identity that the journal does not know yet."""
        at = self._state.now() + UNKNOWN_WRITE
        key = f"{at.isoformat()}-{digest([event.resource_id.key, event.actor.to_json()])}"
        value = {"resource": event.resource_id.text, "actor": event.actor.to_json()}
        self._state.store.put("suspects", "suspects", key, value)

    def check_suspects(self) -> int:
        """Alarm for each suspect write that the journal still does not know; how many."""
        alarms = 0
        upto = f"{self._state.now().isoformat()}~"
        for row in list(self._state.store.scan("suspects", "suspects", upto=upto)):
            actor = Actor(**row.value["actor"])
            if not self._state.journal.is_ours(actor.client_request_id, actor.correlation_id):
                alarms += 1
                self._alarm(ResourceId(row.value["resource"]), actor, row.key)
            self._state.store.delete("suspects", "suspects", row.key)
        return alarms

    def _alarm(self, resource: ResourceId, actor: Actor, key: str) -> None:
        fields: dict[str, Any] = {
            "Entry": "unknown-own-write",
            "Severity": "critical",
            "ResourceId": resource.text,
            "CausedBy": [actor.to_json()],
            "Message": "a write under our identity that the journal does not know",
        }
        self._state.outbox.add("health", ["unknown-own-write", key.rsplit("-", 1)[-1]], fields)
