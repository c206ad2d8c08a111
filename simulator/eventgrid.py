"""Event Grid: from what happens in a subscription to the endpoints that asked to be told.

Delivers at least once and in no order, tries again, leaves troubled endpoints alone, and keeps
what it gives up where the event subscription says. Nothing runs by itself: `deliver` sends what is
due by the tenant's clock.
"""

import json
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from simulator.address import Address, parse
from simulator.documents import Document, dig
from simulator.drafts import parse_body
from simulator.eventgrid_endpoints import (
    LONGEST_MESSAGE,
    WAIT,
    Handshake,
    Send,
    activity,
    dead_letter_container,
    destination,
    function_url,
    message,
    notification,
    over_loopback,
)
from simulator.eventgrid_filters import wants
from simulator.eventgrid_lines import Delivery, Letter, Line
from simulator.eventgrid_retry import BURIAL, Failure, blob_name
from simulator.events import Event
from simulator.operations import Operation
from simulator.rows_eventgrid import ON_SCOPES, ON_TOPICS, given
from simulator.state import Entry, State

_TYPES = (ON_TOPICS.lower(), ON_SCOPES.lower())
_ACTIVE = {"Succeeded", "Updating"}


class EventGrid:
    """The service in one tenant.

    The owner's side. `send` asks webhooks and functions; by default it reaches loopback alone.
    `put_message` takes a queue's name and a message, `put_blob` a container's name, a blob's name
    and its bytes; each raises OSError where it is not there. By default `queues` and `blobs`
    (by `container/name`) keep them. `duplicates` is the probability that a delivery which
    succeeded is made once more, `shuffles` loses the order; both repeat for equal seeds.
    `dropped` are events that were given up with nowhere to put them, as dead letters would be.
    """

    def __init__(
        self,
        state: State,
        now: Callable[[], datetime],
        locked: AbstractContextManager[Any],
        catch_up: Callable[[], None],
        seed: int,
    ) -> None:
        """`locked` guards `state`; it is never held while an event is sent."""
        self.send: Send = over_loopback
        self.put_message: Callable[[str, str], None] = self._keep_message
        self.put_blob: Callable[[str, str, bytes], None] = self._keep_blob
        self.queues: dict[str, list[str]] = {}
        self.blobs: dict[str, bytes] = {}
        self.dropped: list[dict[str, Any]] = []
        self.duplicates = 0.0
        self.shuffles = False
        self._state = state
        self._now = now
        self._locked = locked
        self._catch_up = catch_up
        self._random = random.Random(f"event grid {seed}")  # noqa: S311 - repeatable, not secret
        self._lines: dict[str, Line] = {}
        self._urls: dict[str, str] = {}
        self._numbers = 0
        state.watchers.append(self._watch)

    # What happens in the tenant

    def publish(self, event: Event) -> None:
        """Owe an event to every event subscription that wants it."""
        for entry in self._listening(event["topic"]):
            properties = entry.document.get("properties") or {}
            if not destination(properties).type or not wants(properties.get("filter") or {}, event):
                continue
            line = self._lines.setdefault(entry.address.key, Line(entry))
            self._numbers += 1
            now = self._now()
            line.deliveries[self._numbers] = Delivery(event, now, now, self._numbers)

    def _listening(self, source: str) -> Iterator[Entry]:
        address = parse(source)
        for kind in _TYPES:
            for entry in self._state.of_type(address.subscription, kind).after(""):
                state = dig(entry.document, "properties.provisioningState")
                if state in _ACTIVE and self._source(entry.address).lower() == source.lower():
                    yield entry

    def _source(self, address: Address) -> str:
        """Whose events an event subscription is about."""
        if not address.is_child:
            return address.scope
        return str(dig(self._state.find(address.parent.lower()), "properties.source", ""))

    def _watch(self, address: Address, _: Document | None, after: Document | None) -> None:
        if after is None:
            self._lines.pop(address.key, None)
            self._urls.pop(address.key, None)
        elif (line := self._lines.get(address.key)) is not None:
            line.entry = self._state.entries[address.key]

    # What an operation on an event subscription ends with

    def check(self, operation: Operation) -> tuple[str, str] | None:
        """Why an event subscription cannot be as a request wants it: the provider's code and words.

        A webhook is asked here, with the tenant locked: it must not wait for the tenant.
        """
        call = operation.call
        if call.address.type_key not in _TYPES or call.method not in {"PUT", "PATCH"}:
            return None
        asked = given(parse_body(call), call.method)
        held = dig(self._state.at(call.address), "properties", {})
        schema = str(asked.get("eventDeliverySchema") or held.get("eventDeliverySchema") or "")
        wanted = destination(asked)
        code, now = self._guid(), self._now()
        container = dead_letter_container(asked)
        for needed in (wanted.resource_id, container[0] if container else ""):
            if needed and not self._state.exists(needed.lower()):
                return "Endpoint validation", _not_found(needed, activity(code, now))
        if wanted.type != "WebHook":
            return None
        source = self._source(call.address)
        shake = Handshake(wanted.url, call.address.name, source, code, now)
        refusal = shake.shake(self.send, schema)
        if refusal is not None:
            return "Url validation", refusal
        self._urls[call.address.key] = wanted.url
        return None

    # Delivering

    def deliver(self) -> datetime | None:
        """Send everything that is due. Returns when there will be more; None for nothing."""
        self._catch_up()
        while due := self._due():
            for line, delivery in due:
                if self._taken(line, delivery):
                    self._attempt(line, delivery)
        with self._locked:
            now = self._now()
            due_letters = [(line, line.letters_due(now)) for line in self._lines.values()]
        for line, letters in due_letters:
            self._bury(line, letters)
        with self._locked:
            return min(self._times(), default=None)

    def _times(self) -> Iterator[datetime]:
        for line in self._lines.values():
            yield from (line.due(one) for one in line.deliveries.values())
            yield from (letter.due for letter in line.letters)

    def _due(self) -> list[tuple[Line, Delivery]]:
        """What is due and in nobody's hands, in the order of sending."""
        with self._locked:
            now = self._now()
            due = [
                (line, one)
                for line in self._lines.values()
                for one in line.deliveries.values()
                if line.waits(one, now)
            ]
            due.sort(key=lambda found: (found[0].due(found[1]), found[1].number))
            if self.shuffles:
                self._random.shuffle(due)
            return due

    def _taken(self, line: Line, delivery: Delivery) -> bool:
        """Whether it is in our hands now; what was sent before may have changed that."""
        with self._locked:
            alive = self._lines.get(line.entry.address.key) is line
            held = alive and line.waits(delivery, self._now())
            delivery.under_way = delivery.under_way or held
            return held

    def _attempt(self, line: Line, delivery: Delivery) -> None:
        """Try once. What has outlived its time is given up, which is noticed only here."""
        started = self._now()
        if line.expired(delivery, started):
            with self._locked:
                line.give_up(delivery, "TimeToLiveExceeded", started)
            return
        try:
            failure = self._sent(line, delivery)
        except BaseException:
            delivery.under_way = False
            raise
        now = self._now()
        if now - started > timedelta(seconds=WAIT):
            # Whoever answers late has the event, and gets it again.
            failure = Failure("TimedOut")
        with self._locked:
            delivery.under_way = False
            if failure is None:
                line.succeeded(delivery, again=self._random.random() < self.duplicates)
            elif reason := line.failed(delivery, failure, now, self._random):
                line.give_up(delivery, reason, now)

    def _sent(self, line: Line, delivery: Delivery) -> Failure | None:
        target = destination(line.properties, self._urls.get(line.entry.address.key, ""))
        try:
            if target.type == "StorageQueue":
                text = message(delivery.event, line.schema)
                if len(text) > LONGEST_MESSAGE:
                    return Failure.of(413, webhook=False)
                self.put_message(target.queue, text)
                return None
            url = target.url or self._function(target.resource_id)
            sent = notification(url, line.name, delivery.event, line.schema, delivery.attempts)
            status = self.send(sent).status
        except TimeoutError:
            return Failure("TimedOut")
        except OSError:
            return Failure("SocketError")
        if 200 <= status <= 204:
            return None
        return Failure.of(status, webhook=target.type == "WebHook")

    def _function(self, resource_id: str) -> str:
        site = parse(parse(resource_id).parent)
        with self._locked:
            document = self._state.find(site.key)
        host = dig(document, "properties.defaultHostName", f"{site.name}.azurewebsites.net")
        return function_url(resource_id, str(host))

    def _bury(self, line: Line, letters: list[Letter]) -> None:
        """Write letters as one blob; where the container is away, later or never."""
        container = dead_letter_container(line.properties)
        if container is None:
            self.dropped += [letter.content for letter in letters]
        if not letters or container is None:
            return
        now = self._now()
        name = blob_name(line.name, self._guid(), now)
        content = json.dumps([letter.content for letter in letters]).encode()
        try:
            self.put_blob(container[1], name, content)
        except OSError:
            with self._locked:
                hopeful = [letter for letter in letters if letter.until > now]
                line.letters += [replace(letter, due=now + BURIAL) for letter in hopeful]
                self.dropped += [one.content for one in letters if one.until <= now]

    def _guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def _keep_message(self, queue: str, text: str) -> None:
        self.queues.setdefault(queue, []).append(text)

    def _keep_blob(self, container: str, name: str, content: bytes) -> None:
        self.blobs[f"{container}/{name}"] = content


def _not_found(resource_id: str, tail: str) -> str:
    return (
        f"Destination endpoint not found. Resource details: resourceId: {resource_id}. Resource "
        f"should pre-exist before attempting this operation. {tail}"
    )
