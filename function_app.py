"""The Azure Functions app: triggers and wiring, nothing else.

`PORTCULLIS_APP` picks what is registered: `gate` judges and never writes, `hand` holds only the
queue trigger that writes, `all` does both in one process. Nothing is built before the first call.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import threading
from pathlib import Path

# What is loaded stays: to look for garbage in it again and again is a tenth of a cold start.
gc.disable()

import azure.functions as func

from shared.errors import PortcullisError
from shared.hints import ACT, HINTS, SWEEPS
from shared.settings import App, Settings
from wiring import Gate, build
from wiring import console as build_console

ROOT = Path(__file__).parent
STORAGE = "AzureWebJobsStorage"
METHODS = ["GET", "HEAD", "POST"]

_settings = Settings.of(os.environ, ROOT)
_lock = threading.Lock()
_gate: Gate | None = None
_pages: func.AsgiMiddleware | None = None


def use(gate: Gate | None) -> None:
    """Run on this gate; None builds one from the environment at the next call."""
    global _gate, _pages
    _gate, _pages = gate, None


def gate() -> Gate:
    """The gate of this process, built at the first call."""
    global _gate  # noqa: PLW0603
    with _lock:
        if _gate is None:
            from shared.azure.credentials import credential  # noqa: PLC0415  slow to import

            gc.disable()
            try:
                _gate = build(_settings, credential(os.environ))
                gc.freeze()
            finally:
                gc.enable()
        return _gate


app = func.FunctionApp()


def hints(message: func.QueueMessage) -> None:
    """A hint, or an event that Event Grid delivered to the queue."""
    gate().worker.hints(message.get_body())


def hints_poison(message: func.QueueMessage) -> None:
    gate().worker.poison(HINTS, message.get_body())


def act(message: func.QueueMessage) -> None:
    """A hint that something may be written."""
    gate().worker.act(message.get_body())


def act_poison(message: func.QueueMessage) -> None:
    gate().worker.poison(ACT, message.get_body())


def changes(event: func.EventGridEvent) -> None:
    """An event that Event Grid delivered to the app itself; only noted here, never acted on.

    The binding hands over a CloudEvent in that schema, whatever the annotation says.
    """
    if isinstance(event, func.CloudEvent):
        kind, at, data = event.type, event.time, event.get_json()
    else:
        kind, at, data = event.event_type, event.event_time, event.get_json()
    body = {
        "subject": event.subject,
        "eventType": kind,
        "eventTime": at.isoformat() if at else None,
        "data": data,
    }
    gate().worker.hints(json.dumps(body))


def sweep(timer: func.TimerRequest) -> None:  # noqa: ARG001
    """Begins the sweep that is due by policy; the queue carries it on."""
    gate().sweep.tick()


def sweeps(message: func.QueueMessage) -> None:
    """The next part of a sweep."""
    gate().worker.sweeps(message.get_body())


def sweeps_poison(message: func.QueueMessage) -> None:
    gate().worker.poison(SWEEPS, message.get_body())


def ship(timer: func.TimerRequest) -> None:  # noqa: ARG001
    gate().worker.ship(gate().sinks)


def due(timer: func.TimerRequest) -> None:  # noqa: ARG001
    gate().due()


def health(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001
    """Whether the gate does its work; says nothing about the estate."""
    try:
        reasons, status = gate().health(), 200
    except PortcullisError as error:
        reasons, status = [str(error)], 503
    state = "degraded" if reasons else "ok"
    body = {"status": state, "app": _settings.app.value, "reasons": reasons}
    return func.HttpResponse(json.dumps(body), status_code=status, mimetype="application/json")


async def console(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    """The on-call review; who may come is the entrance's to say."""
    built = await asyncio.to_thread(pages)
    answer: func.HttpResponse = await built.handle_async(req, context)
    return answer


def pages() -> func.AsgiMiddleware:
    """The console of this process, built when somebody first asks for it."""
    global _pages  # noqa: PLW0603  one process, one console
    running = gate()
    with _lock:
        if _pages is None:
            _pages = func.AsgiMiddleware(  # type: ignore[no-untyped-call]
                build_console(running, os.environ)
            )
        return _pages


def _register() -> None:
    def queue(function: object, name: str) -> None:
        app.queue_trigger(arg_name="message", queue_name=name, connection=STORAGE)(function)

    if _settings.app is not App.GATE:
        queue(act, ACT)
    if _settings.app is App.HAND:
        return
    queue(hints, HINTS)
    queue(hints_poison, f"{HINTS}-poison")
    queue(act_poison, f"{ACT}-poison")
    queue(sweeps, SWEEPS)
    queue(sweeps_poison, f"{SWEEPS}-poison")
    app.event_grid_trigger(arg_name="event")(changes)
    app.timer_trigger(arg_name="timer", schedule="0 */5 * * * *", run_on_startup=False)(sweep)
    app.timer_trigger(arg_name="timer", schedule="*/30 * * * * *", run_on_startup=False)(ship)
    app.timer_trigger(arg_name="timer", schedule="0 * * * * *", run_on_startup=False)(due)
    app.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)(health)
    # Keys would let in whoever has one, unnamed: the entrance tells people by their tokens.
    app.route(route="{*path}", methods=METHODS, auth_level=func.AuthLevel.ANONYMOUS)(console)


_register()
# What is here now is never looked at again; what comes is looked at as ever.
gc.freeze()
gc.enable()
