"""Whether events come at all: a tag of ours is changed in each subscription, and must come back.

Silence of Event Grid looks like peace. So every quarter of an hour the gate changes the tag of a
resource that does nothing, and expects to hear of it as of any other change. What does not come
back is said once, and again when it does. Only the tag of the canary is written, under a right
that ends there; nothing while all writes are stopped.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Self

from shared.cloud import Writer
from shared.errors import Exists, Moved, Refused, Transient
from shared.model import ABSENT, Change, Edit, ResourceId, Verb
from shared.state import State
from shared.store import Row

if TYPE_CHECKING:
    from shared.azure.events import Event

EVERY: Final = timedelta(minutes=15)
LATE: Final = timedelta(minutes=10)
"""An event that takes longer is missed; Event Grid delivers most within seconds."""
TOLD: Final = timedelta(hours=1)
"""How often a record says how all of them stand, for whoever watches from outside."""
TAG: Final = "portcullis-canary"
TAGS_VERSION: Final = "2021-04-01"
_PLACE: Final = "canaries"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST: Final = 500
_NAMED: Final = 10
_KNOWN: Final = timedelta(days=1) // EVERY
"""As many turns back an event is still known: Event Grid tries for a day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """How the canary of a subscription stands.

    `flown_at` is when its tag was changed last, None while it never was; `seconds` how long the
    event of that took, None while it is out. `lost` since it did not come back in time. `refused`
    says why the tag could not be changed, empty where it was. The ids of requests follow from
    `secret`, which nobody outside the state knows, and from the turn; `correlation` is ARM's.
    """

    subscription: str
    secret: str
    flown_at: datetime | None = None
    seconds: float | None = None
    lost: bool = False
    refused: str = ""
    correlation: str = ""

    @property
    def out(self) -> bool:
        return self.flown_at is not None and self.seconds is None and not self.refused

    def request(self, turn: int) -> str:
        """The client request id of a turn."""
        return str(uuid.uuid5(uuid.UUID(self.secret), str(turn)))

    def to_json(self) -> dict[str, Any]:
        return {
            "secret": self.secret,
            "flown_at": self.flown_at.isoformat() if self.flown_at else None,
            "seconds": self.seconds,
            "lost": self.lost,
            "refused": self.refused,
            "correlation": self.correlation,
        }

    @classmethod
    def of(cls, row: Row) -> Self:
        told: Mapping[str, Any] = row.value
        at = told["flown_at"]
        when = datetime.fromisoformat(at) if at else None
        return cls(subscription=row.key, **{**told, "flown_at": when})


def flights(memory: State) -> Iterator[Flight]:
    """Every canary that is known."""
    return map(Flight.of, memory.store.scan(_PLACE, _PLACE))


class Canaries:
    """Sends canaries out, and hears them come back.

    `at` is where a subscription's canary is, below it (`/resourceGroups/...`); empty where none
    is wanted.
    """

    def __init__(self, arm: Writer, memory: State, at: str) -> None:
        self._arm = arm
        self._memory = memory
        self._at = at

    # --- out

    def fly(self) -> None:
        """Send out those whose turn it is, and say which did not come back.

        Raises:
            StoreUnavailable: what was not done waits for the next minute.
        """
        if not self._at or self._memory.suspension.stopped() is not None:
            return
        # What a sweep loads, no event needs.
        from shared.coverage import watched_by  # noqa: PLC0415

        known = {row.key: row for row in self._memory.store.scan(_PLACE, _PLACE)}
        for subscription, seen in sorted(watched_by(self._memory).items()):
            row = known.pop(subscription, None)
            if not seen:
                # That is said already; what is known of its canary is wanted when it is back.
                continue
            # Another process is at it.
            with suppress(Exists, Moved):
                self._turn(subscription, row)
        for gone in known:
            # Nobody watches it any more.
            self._memory.store.delete(_PLACE, _PLACE, gone)
        self._tell()

    def _turn(self, subscription: str, row: Row | None) -> None:
        now = self._memory.now()
        if row is None:
            row = self._keep(Flight(subscription=subscription, secret=uuid.uuid4().hex), None)
        flight = Flight.of(row)
        flown = flight.flown_at
        if flown and flight.out and not flight.lost and now - flown >= LATE:
            since = flown.isoformat()[:19]
            message = f"the canary of {since} did not come back: events do not arrive"
            # Told before it is noted as told: twice is once, by its id.
            self._record(flight, "canary-lost", "critical", message)
            flight = replace(flight, lost=True)
            row = self._keep(flight, row)
        if flight.flown_at is None or now - flight.flown_at >= EVERY:
            self._send(flight, row)

    def _send(self, flight: Flight, row: Row) -> None:
        """Change the tag; a fault that passes is tried again in a minute, under the same id."""
        now = self._memory.now()
        request = flight.request(_turn_of(now))
        flown = replace(flight, flown_at=now, seconds=None, refused="", correlation="")
        try:
            answer = self._arm.write(_change(self._canary(flight.subscription), now), request)
        except Transient:
            return
        except Refused as refused:
            self._say_refused(flight, refused)
            self._keep(replace(flown, refused=str(refused)[:_LONGEST]), row)
        else:
            # Where it is back already the row has moved, and says so.
            self._keep(replace(flown, correlation=answer.correlation_id), row)

    def _say_refused(self, flight: Flight, refused: Refused) -> None:
        """Once, and gravely where it could be changed before."""
        if not flight.refused:
            severity = "low" if flight.flown_at is None else "high"
            message = f"the canary cannot be changed, so that silence says nothing: {refused}"
            self._record(flight, "canary-refused", severity, message)

    def _keep(self, flight: Flight, row: Row | None) -> Row:
        store, key, value = self._memory.store, flight.subscription, flight.to_json()
        if row is None:
            etag = store.insert(_PLACE, _PLACE, key, value)
        else:
            etag = store.replace(_PLACE, _PLACE, key, value, row.etag)
        return Row(_PLACE, key, value, etag)

    def _canary(self, subscription: str) -> ResourceId:
        return ResourceId(f"/subscriptions/{subscription}{self._at}")

    # --- and back

    def hears(self, event: Event) -> bool:
        """Whether an event is of a change of ours to a canary, which is back then."""
        at = event.resource_id
        if not self._at or not at.within(self._canary(at.subscription)):
            return False
        row = self._memory.store.get(_PLACE, _PLACE, at.subscription)
        if row is None:
            return False
        flight, now = Flight.of(row), self._memory.now()
        latest = _turn_of(now)
        ids = {flight.request(latest - back): latest - back for back in range(_KNOWN)}
        turn = ids.get(event.actor.client_request_id)
        by_arm = bool(flight.correlation) and event.actor.correlation_id == flight.correlation
        of_this_turn = turn is not None and turn >= _turn_of(flight.flown_at or now)
        if event.succeeded and (by_arm or of_this_turn):
            with suppress(Moved):
                self._back(flight, row)
        return by_arm or turn is not None

    def _back(self, flight: Flight, row: Row) -> None:
        now = self._memory.now()
        flown = flight.flown_at if flight.out and flight.flown_at else now
        took = (now - flown).total_seconds()
        if flight.lost:
            self._record(flight, "canary-returned", "low", "a canary is back: events come again")
        self._keep(replace(flight, flown_at=flown, seconds=took, lost=False, refused=""), row)

    # --- telling

    def trouble(self) -> Iterator[str]:
        """A line for each of the first canaries that did not come back."""
        lost = (one for one in flights(self._memory) if one.lost)
        for one in islice(lost, _NAMED):
            yield f"events of /subscriptions/{one.subscription} do not arrive: its canary is lost"

    def _record(self, flight: Flight, entry: str, severity: str, message: str) -> None:
        since = flight.flown_at.isoformat() if flight.flown_at else ""
        scope = f"/subscriptions/{flight.subscription}"
        fields = {"Entry": entry, "Severity": severity, "ResourceId": scope, "Message": message}
        self._memory.outbox.add("health", [entry, scope, since], fields)

    def _tell(self) -> None:
        """Once an hour how all stand: whoever hears nothing of that knows that nobody looks."""
        hour = self._memory.now().isoformat()[:13]
        told = self._memory.store.get("control", "control", _PLACE)
        if told is not None and told.value["hour"] == hour:
            return
        known = list(flights(self._memory))
        if not known:
            return
        self._memory.store.put("control", "control", _PLACE, {"hour": hour})
        lost = sum(one.lost for one in known)
        slowest = max((one.seconds for one in known if one.seconds is not None), default=None)
        took = "" if slowest is None else f", the slowest in {slowest:.0f} s"
        message = f"canaries: {len(known)}, lost: {lost}{took}"
        fields = {"Entry": "canaries", "Severity": "low", "Message": message}
        self._memory.outbox.add("health", ["canaries", hour], fields)


def _turn_of(at: datetime) -> int:
    return (at - _EPOCH) // EVERY


def _change(canary: ResourceId, now: datetime) -> Change:
    """What moves the tag, and leaves all other tags alone."""
    return Change(
        verb=Verb.PATCH,
        target=canary.child("providers/Microsoft.Resources/tags/default"),
        api_version=TAGS_VERSION,
        edits=(
            Edit(("operation",), ABSENT, "Merge"),
            Edit(("properties", "tags"), ABSENT, {TAG: now.isoformat()}),
        ),
    )
