"""What Event Grid gives up: when, why, and what a person finds of it."""

import json

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from simulator.wire import Request
from tests.simulator.client import ALICE, GROUP, VAULT
from tests.simulator.grid import GRAVE, QUEUE, change, hearing, letters, listen, wait


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, "BadRequest"), (413, "PayloadTooLarge"), (401, "Unauthorized"), (403, "Forbidden")],
)
def test_some_codes_are_never_tried_again(
    tenant: Tenant, clock: VirtualClock, status: int, outcome: str
) -> None:
    """The event is a dead letter after five minutes, with what became of it."""
    endpoint = hearing(tenant, clock, status, deadLetterDestination=GRAVE)
    sent = clock.now()
    change(tenant)
    wait(tenant, clock, minutes=4)
    assert tenant.grid.blobs == {}
    wait(tenant, clock, days=2)
    assert len(endpoint.taken) == 1
    (letter,) = letters(tenant)
    assert letter["subject"].endswith("/vaults/kv1")
    stamp = sent.isoformat().replace("+00:00", "Z")
    assert {k: v for k, v in letter.items() if k not in json.loads(endpoint.taken[0].body)[0]} == {
        "deadLetterReason": f"UndeliverableDueToHttp{outcome}",
        "deliveryAttempts": 1,
        "lastDeliveryOutcome": outcome,
        "publishTime": stamp,
        "lastDeliveryAttemptTime": stamp,
    }


def test_an_azure_function_may_be_unauthorized_for_a_while(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """A 401 of a webhook is final, one of an Azure resource is tried again after five minutes."""
    function = f"{GROUP}/providers/Microsoft.Web/sites/gate/functions/changes"
    tenant.load({"id": function})
    destination = {"endpointType": "AzureFunction", "properties": {"resourceId": function}}
    endpoint = hearing(tenant, clock, 401, 200, destination=destination)
    change(tenant)
    wait(tenant, clock, hours=1)
    assert endpoint.gaps == [300]


def test_dead_letters_under_the_topics_identity(tenant: Tenant, clock: VirtualClock) -> None:
    by_identity = {"identity": {"type": "SystemAssigned"}, "deadLetterDestination": GRAVE}
    hearing(tenant, clock, 400, deadLetterWithResourceIdentity=by_identity)
    change(tenant)
    wait(tenant, clock, hours=1)
    assert len(letters(tenant)) == 1


def test_where_dead_letters_lie(tenant: Tenant, clock: VirtualClock) -> None:
    """The event subscription in capitals, then year, month, day, hour; what is due is one blob."""
    hearing(tenant, clock, 400, deadLetterDestination=GRAVE)
    change(tenant, "a", "b")
    wait(tenant, clock, hours=1)
    (name,) = tenant.grid.blobs
    assert name.startswith("lost/GATE/2026/3/2/6/")
    assert name.endswith(".json")
    assert [one["subject"].rsplit("/", 1)[-1] for one in letters(tenant)] == ["a", "b"]


def test_a_dead_letter_in_the_cloud_schema(tenant: Tenant, clock: VirtualClock) -> None:
    hearing(
        tenant,
        clock,
        400,
        deadLetterDestination=GRAVE,
        eventDeliverySchema="CloudEventSchemaV1_0",
    )
    change(tenant)
    wait(tenant, clock, hours=1)
    (letter,) = letters(tenant)
    assert (letter["specversion"], letter["deadletterreason"]) == (
        "1.0",
        "UndeliverableDueToHttpBadRequest",
    )


def test_the_most_attempts(tenant: Tenant, clock: VirtualClock) -> None:
    policy = {"maxDeliveryAttempts": 3}
    endpoint = hearing(tenant, clock, 500, deadLetterDestination=GRAVE, retryPolicy=policy)
    change(tenant)
    wait(tenant, clock, hours=1)
    (letter,) = letters(tenant)
    assert (letter["deadLetterReason"], letter["deliveryAttempts"], len(endpoint.taken)) == (
        "MaxDeliveryAttemptsExceeded",
        3,
        3,
    )


def test_the_time_to_live_is_noticed_at_the_next_attempt(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """Thirty minutes allow six attempts, as Microsoft's page reckons; the end is seen at 46."""
    policy = {"eventTimeToLiveInMinutes": 30, "maxDeliveryAttempts": 10}
    endpoint = hearing(tenant, clock, 500, deadLetterDestination=GRAVE, retryPolicy=policy)
    change(tenant)
    wait(tenant, clock, minutes=45)
    assert (len(endpoint.taken), tenant.grid.blobs) == (6, {})
    wait(tenant, clock, minutes=10)
    (letter,) = letters(tenant)
    assert (letter["deadLetterReason"], letter["deliveryAttempts"]) == ("TimeToLiveExceeded", 6)
    assert len(endpoint.taken) == 6


def test_an_event_may_die_on_probation_untried(tenant: Tenant, clock: VirtualClock) -> None:
    policy = {"eventTimeToLiveInMinutes": 3}
    endpoint = hearing(tenant, clock, 404, deadLetterDestination=GRAVE, retryPolicy=policy)
    change(tenant, "first")
    wait(tenant, clock, minutes=1)
    change(tenant, "second")
    wait(tenant, clock, hours=1)
    assert endpoint.subjects == ["first"]
    second = letters(tenant)[-1]
    assert (second["lastDeliveryOutcome"], second["deliveryAttempts"]) == ("Probation", 0)
    assert "lastDeliveryAttemptTime" not in second


def test_without_a_container_what_is_given_up_is_gone(tenant: Tenant, clock: VirtualClock) -> None:
    hearing(tenant, clock, 400)
    change(tenant)
    wait(tenant, clock, hours=1)
    assert tenant.grid.blobs == {}
    (lost,) = tenant.grid.dropped
    assert lost["deadLetterReason"] == "UndeliverableDueToHttpBadRequest"


@pytest.mark.parametrize(("hours", "kept"), [(3, 1), (5, 0)])
def test_dead_letters_wait_four_hours_for_their_container(
    tenant: Tenant, clock: VirtualClock, hours: int, kept: int
) -> None:
    keep = tenant.grid.put_blob

    def away(container: str, name: str, content: bytes) -> None:
        raise ConnectionRefusedError(container, name, content)

    hearing(tenant, clock, 400, deadLetterDestination=GRAVE)
    tenant.grid.put_blob = away
    change(tenant)
    wait(tenant, clock, hours=hours)
    tenant.grid.put_blob = keep
    wait(tenant, clock, hours=1)
    assert (len(letters(tenant)), len(tenant.grid.dropped)) == (kept, 1 - kept)


def test_what_is_given_up_long_after_its_last_attempt_has_its_four_hours(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """Twelve hours lie between the last attempts, and the end is noticed at the next."""
    keep = tenant.grid.put_blob

    def away(container: str, name: str, content: bytes) -> None:
        raise ConnectionRefusedError(container, name, content)

    endpoint = hearing(tenant, clock, 500, deadLetterDestination=GRAVE)
    tenant.grid.put_blob = away
    change(tenant)
    wait(tenant, clock, hours=26)
    tenant.grid.put_blob = keep
    wait(tenant, clock, hours=1)
    assert (len(endpoint.taken), len(letters(tenant))) == (10, 1)


def test_dead_letters_without_their_container_any_more_are_gone(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """An update that names no container leaves nowhere to put what was given up before."""
    hearing(tenant, clock, 400, deadLetterDestination=GRAVE)
    change(tenant)
    tenant.grid.deliver()
    listen(tenant)
    wait(tenant, clock, hours=1)
    assert (letters(tenant), len(tenant.grid.dropped)) == ([], 1)


def test_what_is_too_large_for_a_queue_is_given_up(tenant: Tenant, clock: VirtualClock) -> None:
    """A queue's message holds 64 KiB after base64."""
    listen(tenant, QUEUE, deadLetterDestination=GRAVE)
    headers = {"authorization": f"Bearer {tenant.token(ALICE)}"}
    long = {**headers, "x-ms-correlation-request-id": "c" * 49_000}
    body = json.dumps({"location": "westeurope", "properties": {}}).encode()
    tenant.handle(Request("PUT", f"{VAULT}?api-version=2024-01-01", long, body))
    wait(tenant, clock, hours=1)
    assert "changes" not in tenant.grid.queues
    assert [one["lastDeliveryOutcome"] for one in letters(tenant)] == ["PayloadTooLarge"]
