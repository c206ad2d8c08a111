"""A host for the function app on `azure-functions` alone: queues, timers, Event Grid and HTTP.

It hands each function what Azure's host would: arguments made by the package's own converters,
one retry after another, a poison queue after the fifth failure. The queues are the app's store.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import azure.functions as func
from azure.functions import meta
from croniter import croniter

from shared.errors import PortcullisError
from shared.store import Message, Store
from simulator.wire import Request, Response, locate

MAX_DEQUEUE = 5
BATCH = 8
HIDDEN = timedelta(minutes=10)
RETRY = timedelta(seconds=30)
WEBHOOK = "/runtime/webhooks/eventgrid"
"""Where the Functions host takes Event Grid's requests, in any casing."""
_ORIGIN = "webhook-request-origin"


def _text(value: str) -> meta.Datum:
    return meta.Datum(value, "string")


@dataclass
class Function:
    """One registered function and its trigger."""

    name: str
    user: Callable[..., Any]
    trigger: Any

    @property
    def kind(self) -> str:
        return str(self.trigger.type)

    @property
    def settings(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.trigger.get_dict_repr()
        return found

    def invoke(self, datum: meta.Datum, metadata: Mapping[str, meta.Datum] | None = None) -> Any:
        converter = func.get_binding_registry().get(self.kind)  # type: ignore[no-untyped-call]
        argument = converter.decode(datum, trigger_metadata=metadata or {})
        return self.user(**{self.trigger.name: argument})


@dataclass
class Host:
    """Runs the functions of `app` over `store`, by the clock `now`.

    Once `over` is set nothing more is begun: messages that were received go back to their queue.
    `key` is the system key of the Event Grid extension, which its webhook asks for.
    """

    app: func.FunctionApp
    store: Store
    now: Callable[[], datetime]
    over: threading.Event = field(default_factory=threading.Event)
    failures: list[tuple[str, str]] = field(default_factory=list)
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)

    def __post_init__(self) -> None:
        found = [
            Function(str(f.get_function_name()), f.get_user_function(), f.get_trigger())
            for f in self.app.get_functions()
        ]
        self.functions = {f.name: f for f in found}
        self._queues = {f.settings["queueName"]: f for f in found if f.kind == "queueTrigger"}
        self._ticks = {f.name: self._schedule(f) for f in found if f.kind == "timerTrigger"}
        self._next = {name: tick.get_next(datetime) for name, tick in self._ticks.items()}

    def _schedule(self, function: Function) -> Any:
        return croniter(function.settings["schedule"], self.now(), second_at_beginning=True)

    def work(self) -> int:
        """Run every timer that is due and every message that shows itself; how many calls."""
        calls = 0
        while not self.over.is_set() and (done := self.timers() + self.messages()):
            calls += done
        return calls

    def timers(self) -> int:
        """Fire each timer whose time has come, once however long it was missed."""
        fired = 0
        for name, tick in self._ticks.items():
            if self._next[name] > self.now() or self.over.is_set():
                continue
            while self._next[name] <= self.now():
                self._next[name] = tick.get_next(datetime)
            past_due = json.dumps({"IsPastDue": False, "ScheduleStatus": None, "Schedule": {}})
            self._guarded(self.functions[name], meta.Datum(past_due, "json"))
            fired += 1
        return fired

    def fire(self, name: str) -> None:
        """Run one timer function now."""
        datum = meta.Datum(json.dumps({"IsPastDue": True, "Schedule": {}}), "json")
        self.functions[name].invoke(datum)

    def messages(self) -> int:
        """Hand over one batch of every queue."""
        handed = 0
        for queue, function in self._queues.items():
            for message in self.store.receive(queue, BATCH, HIDDEN):
                if self.over.is_set():
                    self.store.release(message)
                    continue
                self._hand(queue, function, message)
                handed += 1
        return handed

    def _hand(self, queue: str, function: Function, message: Message) -> None:
        at = _text(self.now().isoformat())
        metadata = {
            "Id": _text(message.id),
            "PopReceipt": _text(message.receipt),
            "DequeueCount": meta.Datum(str(message.dequeue_count), "json"),
            "InsertionTime": at,
            "ExpirationTime": at,
            "NextVisibleTime": at,
        }
        if self._guarded(function, _text(message.text), metadata):
            self.store.done(message)
        elif message.dequeue_count >= MAX_DEQUEUE and not queue.endswith("-poison"):
            self.store.send(f"{queue}-poison", message.text)
            self.store.done(message)
        else:
            self.store.release(message, RETRY)

    def _guarded(
        self,
        function: Function,
        datum: meta.Datum,
        metadata: Mapping[str, meta.Datum] | None = None,
    ) -> bool:
        try:
            function.invoke(datum, metadata)
        except Exception as error:  # noqa: BLE001  the host outlives what it hosts
            named = "" if isinstance(error, PortcullisError) else f"{type(error).__name__}: "
            self.failures.append((function.name, " ".join(f"{named}{error}".split())))
            return False
        return True

    def deliver(self, event: Mapping[str, Any]) -> None:
        """An event as Event Grid pushes it to the app's own trigger."""
        (function,) = (f for f in self.functions.values() if f.kind == "eventGridTrigger")
        function.invoke(meta.Datum(json.dumps(event), "json"))

    def webhook(self, request: Request) -> Response:
        """A request of Event Grid to `/runtime/webhooks/eventgrid?functionName=...`.

        As the Functions extension does: it answers the handshakes itself, calls the function for
        each event of a notification, and says 500 where a call fails, else 202. Without the key
        nobody learns whether there is such a function.
        """
        target = locate(request.url)
        shown = target.query.get("code") or request.headers.get("x-functions-key", "")
        if not secrets.compare_digest(shown.encode(), self.key.encode()):
            return Response(401)
        function = self.functions.get(target.query.get("functionname", ""))
        if function is None or function.kind != "eventGridTrigger":
            return Response(404)
        if request.method == "OPTIONS":
            return Response(200, {"Webhook-Allowed-Origin": request.headers[_ORIGIN]})
        sent = json.loads(request.body)
        kind = request.headers.get("aeg-event-type", "").lower()
        if kind == "subscriptionvalidation":
            code = sent[0]["data"]["validationCode"]
            return Response(200, {}, json.dumps({"validationResponse": code}).encode())
        if kind != "notification":
            return Response(400)
        events = sent if isinstance(sent, list) else [sent]
        done = [self._guarded(function, meta.Datum(json.dumps(one), "json")) for one in events]
        return Response(202 if all(done) else 500)

    @property
    def routes(self) -> set[str]:
        """The routes of HTTP functions that are no patterns."""
        http = (one for one in self.functions.values() if one.kind == "httpTrigger")
        return {one.settings["route"] for one in http if "{" not in one.settings["route"]}

    def request(self, method: str, path: str) -> func.HttpResponse:
        """A call to an HTTP function by its route; 404 where none has it."""
        for function in self.functions.values():
            if function.kind == "httpTrigger" and function.settings["route"] == path.strip("/"):
                datum = meta.Datum(
                    {
                        "method": _text(method),
                        "url": _text(f"https://localhost/{path.strip('/')}"),
                        "headers": {},
                        "query": {},
                        "params": {},
                        "body": meta.Datum(b"", "bytes"),
                    },
                    "http",
                )
                answer: func.HttpResponse = function.invoke(datum)
                return answer
        return func.HttpResponse(status_code=404)
