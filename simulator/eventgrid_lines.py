"""What one event subscription is owed: events under way, and those that were given up."""

import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from simulator.documents import Document, dig
from simulator.eventgrid_endpoints import CLOUD
from simulator.eventgrid_retry import BURIAL, UNBURIABLE, Failure
from simulator.events import Event, shaped
from simulator.state import Entry


@dataclass
class Delivery:
    """One event on its way to one event subscription. `outcome` is the last failure's."""

    event: Event
    published: datetime
    due: datetime
    number: int
    attempts: int = 0
    outcome: str = "Probation"
    tried: datetime | None = None
    under_way: bool = False
    again: bool = False


@dataclass(frozen=True)
class Letter:
    """An event that was given up, when that is written, and how long that is tried."""

    content: dict[str, Any]
    due: datetime
    until: datetime


@dataclass
class Line:
    """The deliveries of one event subscription by number, and its letters."""

    entry: Entry
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    letters: list[Letter] = field(default_factory=list)
    failures: int = 0
    probation: datetime | None = None

    @property
    def name(self) -> str:
        return self.entry.address.name

    @property
    def properties(self) -> Document:
        held: Document = self.entry.document.get("properties") or {}
        return held

    @property
    def schema(self) -> str:
        return str(self.properties.get("eventDeliverySchema", ""))

    def due(self, delivery: Delivery) -> datetime:
        """When it is tried next: never while the endpoint is on probation."""
        return max(delivery.due, self.probation) if self.probation else delivery.due

    def waits(self, delivery: Delivery, now: datetime) -> bool:
        """Whether it is owed, due, and in nobody's hands."""
        owed = delivery.number in self.deliveries
        return owed and not delivery.under_way and self.due(delivery) <= now

    def expired(self, delivery: Delivery, now: datetime) -> bool:
        minutes = int(dig(self.properties, "retryPolicy.eventTimeToLiveInMinutes", 1440))
        return now - delivery.published >= timedelta(minutes=minutes)

    def succeeded(self, delivery: Delivery, *, again: bool) -> None:
        """It arrived; with `again` it is sent once more."""
        self.failures = 0
        if again and not delivery.again:
            delivery.again = True
        else:
            del self.deliveries[delivery.number]

    def failed(
        self, delivery: Delivery, failure: Failure, now: datetime, chance: random.Random
    ) -> str | None:
        """Note a failure. Returns why the event is given up; None where it is tried again."""
        delivery.attempts += 1
        delivery.tried, delivery.outcome = now, failure.outcome
        self.failures += 1
        self.probation = now + failure.probation(self.failures)
        if failure.final:
            return failure.reason
        if delivery.attempts >= int(dig(self.properties, "retryPolicy.maxDeliveryAttempts", 30)):
            return "MaxDeliveryAttemptsExceeded"
        delivery.due = now + failure.wait(delivery.attempts, chance)
        return None

    def give_up(self, delivery: Delivery, reason: str, now: datetime) -> None:
        """Make it a dead letter."""
        del self.deliveries[delivery.number]
        content = _dead(delivery, reason, cloud=self.schema == CLOUD)
        due = max(now, (delivery.tried or now) + BURIAL)
        self.letters.append(Letter(content, due, due + UNBURIABLE))

    def letters_due(self, now: datetime) -> list[Letter]:
        """The letters that are to be written, and are nobody's any more."""
        due = [letter for letter in self.letters if letter.due <= now]
        self.letters = [letter for letter in self.letters if letter.due > now]
        return due


def _dead(delivery: Delivery, reason: str, *, cloud: bool) -> dict[str, Any]:
    """The event with what became of it."""
    fate: dict[str, Any] = {
        "deadLetterReason": reason,
        "deliveryAttempts": delivery.attempts,
        "lastDeliveryOutcome": delivery.outcome,
        "publishTime": _stamp(delivery.published),
    }
    if delivery.tried is not None:
        fate["lastDeliveryAttemptTime"] = _stamp(delivery.tried)
    if cloud:
        fate = {name.lower(): value for name, value in fate.items()}
    return {**shaped(delivery.event, "cloudevents" if cloud else "eventgrid"), **fate}


def _stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
