"""How events are delivered: what is sent, tried again, held back, repeated and given up."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.eventgrid_retry import SCHEDULE, SPREAD
from simulator.tenant import Tenant
from simulator.wire import Request, Response
from tests.simulator.client import ALICE, GROUP, SUB, VAULT
from tests.simulator.grid import (
    HOOK,
    QUERY,
    QUEUE,
    TOPIC_BODY,
    change,
    hearing,
    listen,
    wait,
)


def nobody(_: Request) -> Response:
    raise ConnectionRefusedError


# --- what is sent


def test_a_notification(tenant: Tenant, clock: VirtualClock) -> None:
    """One event in an array, with Event Grid's headers; the query of the URL is kept."""
    endpoint = hearing(tenant, clock)
    change(tenant)
    tenant.grid.deliver()
    (request,) = endpoint.taken
    (event,) = json.loads(request.body)
    assert (request.method, request.url) == ("POST", HOOK + QUERY)
    assert event["data"]["operationName"] == "Microsoft.KeyVault/vaults/write"
    assert request.headers["content-type"] == "application/json; charset=utf-8"
    assert {k: v for k, v in request.headers.items() if k.startswith("aeg")} == {
        "aeg-event-type": "Notification",
        "aeg-subscription-name": "GATE",
        "aeg-delivery-count": "0",
        "aeg-data-version": "2",
        "aeg-metadata-version": "1",
        "aeg-output-event-id": event["id"],
    }


def test_a_notification_in_the_cloud_schema(tenant: Tenant, clock: VirtualClock) -> None:
    """One event, no array around it."""
    endpoint = hearing(tenant, clock, eventDeliverySchema="CloudEventSchemaV1_0")
    change(tenant)
    tenant.grid.deliver()
    (request,) = endpoint.taken
    event = json.loads(request.body)
    assert (event["source"], event["specversion"]) == (SUB, "1.0")
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["aeg-metadata-version"] == "1.0"


@pytest.mark.parametrize("schema", ["EventGridSchema", "CloudEventSchemaV1_0"])
def test_a_queue_gets_single_events_in_base64(tenant: Tenant, schema: str) -> None:
    listen(tenant, QUEUE, eventDeliverySchema=schema)
    change(tenant)
    tenant.grid.deliver()
    (text,) = tenant.grid.queues["changes"]
    event = json.loads(base64.b64decode(text))
    assert event["subject"].endswith("/vaults/kv1")
    assert ("specversion" in event) is (schema != "EventGridSchema")


def test_only_what_happens_later_is_delivered(tenant: Tenant, clock: VirtualClock) -> None:
    """Neither what was before the event subscription nor what is loaded silently."""
    change(tenant, "before")
    endpoint = hearing(tenant, clock)
    tenant.load({"id": f"{VAULT}-loaded", "location": "westeurope"})
    change(tenant, "after")
    tenant.grid.deliver()
    assert endpoint.subjects == ["after"]


@pytest.mark.parametrize("status", range(200, 205))
def test_these_codes_are_success(tenant: Tenant, clock: VirtualClock, status: int) -> None:
    hearing(tenant, clock, status)
    change(tenant)
    assert tenant.grid.deliver() is None


# --- tried again


def test_the_retry_schedule(tenant: Tenant, clock: VirtualClock) -> None:
    """10 s, 30 s, 1, 5, 10 and 30 minutes, 1, 3 and 6 hours, a little more each time; not more."""
    endpoint = hearing(tenant, clock, 500)
    change(tenant)
    wait(tenant, clock, days=3)
    counts = [one.headers["aeg-delivery-count"] for one in endpoint.taken]
    assert counts == [str(n) for n in range(10)]
    for gap, step in zip(endpoint.gaps, SCHEDULE, strict=True):
        assert step <= gap <= step * (1 + SPREAD)
    assert endpoint.gaps != list(SCHEDULE)
    assert SCHEDULE == (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600)


@pytest.mark.parametrize(("status", "least"), [(503, 30), (408, 120), (302, 10), (205, 10)])
def test_some_codes_wait_longer(
    tenant: Tenant, clock: VirtualClock, status: int, least: int
) -> None:
    endpoint = hearing(tenant, clock, status, 200)
    change(tenant)
    wait(tenant, clock, hours=1)
    (gap,) = endpoint.gaps
    assert least <= gap <= least * (1 + SPREAD)


@pytest.mark.parametrize("trouble", [TimeoutError, ConnectionRefusedError])
def test_no_answer_is_a_failure(
    tenant: Tenant, clock: VirtualClock, trouble: type[OSError]
) -> None:
    def fail() -> int:
        raise trouble

    endpoint = hearing(tenant, clock, fail, 200)
    change(tenant)
    wait(tenant, clock, minutes=5)
    assert endpoint.subjects == ["kv1", "kv1"]


def test_a_late_success_is_a_duplicate(tenant: Tenant, clock: VirtualClock) -> None:
    """Thirty seconds are in time; who needs longer has the event, and gets it again."""

    def slowly(seconds: float) -> int:
        clock.advance(timedelta(seconds=seconds))
        return 200

    endpoint = hearing(tenant, clock, lambda: slowly(30), lambda: slowly(31), 200)
    change(tenant, "quick", "slow")
    wait(tenant, clock, minutes=5)
    assert endpoint.subjects == ["quick", "slow", "slow"]


def test_an_app_that_is_away_for_an_hour_loses_nothing(tenant: Tenant, clock: VirtualClock) -> None:
    endpoint = hearing(tenant, clock)
    tenant.grid.send = nobody
    names = [f"kv{n}" for n in range(30)]
    for name in names:
        change(tenant, name)
        wait(tenant, clock, minutes=2)
    tenant.grid.send = endpoint
    wait(tenant, clock, hours=3)
    assert sorted(endpoint.subjects) == sorted(names)
    assert tenant.grid.dropped == []


def test_a_queue_that_is_away_gets_its_messages_later(tenant: Tenant, clock: VirtualClock) -> None:
    listen(tenant, QUEUE)
    keep = tenant.grid.put_message

    def away(queue: str, text: str) -> None:
        raise ConnectionRefusedError(queue, text)

    tenant.grid.put_message = away
    change(tenant)
    wait(tenant, clock, minutes=1)
    tenant.grid.put_message = keep
    wait(tenant, clock, minutes=10)
    assert len(tenant.grid.queues["changes"]) == 1


def test_a_fault_of_the_endpoints_stand_in_loses_nothing(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """What is no answer at all rises to the owner, and the event is still due."""

    def broken() -> int:
        raise ZeroDivisionError

    endpoint = hearing(tenant, clock, broken, 200)
    change(tenant)
    with pytest.raises(ZeroDivisionError):
        tenant.grid.deliver()
    tenant.grid.deliver()
    assert endpoint.subjects == ["kv1", "kv1"]


def test_an_endpoint_that_asks_for_more_meanwhile_gets_no_second_copy(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """Whoever delivers while a delivery is under way leaves that one alone."""

    def impatient() -> int:
        tenant.grid.deliver()
        return 200

    endpoint = hearing(tenant, clock, impatient, 200)
    change(tenant, "a", "b")
    tenant.grid.deliver()
    assert endpoint.subjects == ["a", "b"]


# --- held back


def test_probation_holds_new_events_back(tenant: Tenant, clock: VirtualClock) -> None:
    """After a 404 nothing is tried for five minutes, new events included."""
    endpoint = hearing(tenant, clock, 404, 200)
    change(tenant, "first")
    wait(tenant, clock, minutes=1)
    change(tenant, "second")
    wait(tenant, clock, minutes=3)
    assert endpoint.subjects == ["first"]
    wait(tenant, clock, minutes=2)
    assert sorted(endpoint.subjects) == ["first", "first", "second"]


def test_an_endpoint_that_keeps_failing_is_left_alone_for_longer(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """With ten failures in a row the pauses grow, to three hours; one success ends that."""
    endpoint = hearing(tenant, clock, *[500] * 20, *[200] * 10, 500, 200)
    change(tenant, *[f"kv{n}" for n in range(10)])
    wait(tenant, clock, hours=20)
    pauses = [round(gap / 60) for gap in endpoint.gaps[9:19]]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 180, 180]
    assert len(endpoint.taken) == 20 + 10
    change(tenant, "later")
    wait(tenant, clock, hours=1)
    assert endpoint.subjects[-2:] == ["later", "later"]
    assert endpoint.gaps[-1] < 12


def test_each_event_subscription_has_its_own_troubles(tenant: Tenant, clock: VirtualClock) -> None:
    """A queue beside a webhook that is gone gets every event at once."""
    endpoint = hearing(tenant, clock, 404)
    path = f"{SUB}/providers/Microsoft.EventGrid/eventSubscriptions/archive"
    tenant.write(path, {"properties": {"destination": QUEUE}}, by=ALICE)
    tenant.grid.deliver()
    tenant.grid.queues.clear()
    tried = len(endpoint.taken)
    change(tenant, "a", "b")
    tenant.grid.deliver()
    assert len(tenant.grid.queues["changes"]) == 2
    assert len(endpoint.taken) == tried


# --- repeated and mixed


def _heard(seed: int, **knobs: Any) -> list[str]:
    """The names of ten changes, as they arrive under the given trouble."""
    clock = VirtualClock()
    tenant = Tenant(clock, seed=seed)
    tenant.load({"id": GROUP})
    endpoint = hearing(tenant, clock)
    for name, value in knobs.items():
        setattr(tenant.grid, name, value)
    change(tenant, *[f"kv{n}" for n in range(10)])
    assert tenant.grid.deliver() is None
    return endpoint.subjects


def test_duplicates_and_disorder_repeat_by_seed() -> None:
    everything = [f"kv{n}" for n in range(10)]
    assert _heard(1) == everything
    assert sorted(_heard(1, duplicates=1.0)) == sorted(everything * 2)
    some = _heard(1, duplicates=0.5)
    assert set(some) == set(everything)
    assert 10 < len(some) < 20
    mixed = _heard(1, shuffles=True)
    assert mixed != everything
    assert sorted(mixed) == everything
    assert _heard(1, shuffles=True, duplicates=0.5) == _heard(1, shuffles=True, duplicates=0.5)
    assert _heard(2, shuffles=True) != mixed


# --- over the wire


@contextmanager
def _listening() -> Iterator[tuple[str, list[Any]]]:
    """A webhook on loopback, and what it was sent."""
    taken: list[Any] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            events = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            taken.append((self.headers["aeg-event-type"], self.path, events[0]["subject"]))
            code = events[0]["data"].get("validationCode")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"validationResponse": code}).encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook?code=1", taken
        finally:
            server.shutdown()
            thread.join()


def test_an_endpoint_on_loopback_is_really_asked(tenant: Tenant) -> None:
    """Nothing arranged: the handshake and the event go over HTTP."""
    with _listening() as (url, taken):
        tenant.write(f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/t", TOPIC_BODY, by=ALICE)
        destination = {"endpointType": "WebHook", "properties": {"endpointUrl": url}}
        body = {"properties": {"destination": destination}}
        listener = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/t/eventSubscriptions/s"
        tenant.write(listener, body, by=ALICE)
        change(tenant)
        tenant.grid.deliver()
    assert [kind for kind, _, _ in taken] == ["SubscriptionValidation"] + ["Notification"] * 2
    assert {path for _, path, _ in taken} == {"/hook?code=1"}
    assert taken[-1][2].endswith("/vaults/kv1")


def test_no_other_host_is_reached(tenant: Tenant) -> None:
    """Left as it is, a tenant asks nobody outside of this machine."""
    with pytest.raises(OSError, match=r"loopback alone, not gate\.example"):
        tenant.grid.send(Request("POST", HOOK))


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:port/", "http://127.0.0.1:1/\u00e9", "http://127.0.0.1:1/"]
)
def test_an_address_that_nobody_answers_at_is_just_that(tenant: Tenant, url: str) -> None:
    with pytest.raises(ConnectionError):
        tenant.grid.send(Request("POST", url))
