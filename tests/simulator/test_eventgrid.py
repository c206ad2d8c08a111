"""System topics and event subscriptions as resources, and the handshake with a webhook."""

import base64
import json
from typing import Any

import pytest

from simulator import contoso
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from simulator.wire import Request, Response
from tests.simulator.client import ACCOUNT, GROUP, SUB, Client, code
from tests.simulator.grid import (
    GRAVE,
    HOOK,
    LISTENER,
    QUERY,
    QUEUE,
    TOPIC,
    TOPIC_BODY,
    WEBHOOK,
    Endpoint,
    change,
    listen,
)

SITE = f"{GROUP}/providers/Microsoft.Web/sites/gate"
FUNCTION = f"{SITE}/functions/changes"


@pytest.fixture
def topic(tenant: Tenant, arm: Client) -> str:
    """A system topic of the subscription, and a storage account."""
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    assert arm.put(TOPIC, TOPIC_BODY).status_code == 201
    tenant.settle()
    return TOPIC


def outcome(tenant: Tenant, arm: Client, body: dict[str, Any]) -> dict[str, Any]:
    """How the operation ends that creates an event subscription."""
    answer = arm.put(LISTENER, {"properties": body})
    assert answer.status_code == 201, answer.text()
    assert answer.json()["properties"]["provisioningState"] == "Creating"
    tenant.settle()
    found: dict[str, Any] = arm.get(answer.headers["Azure-AsyncOperation"]).json()
    return found


def test_a_source_has_one_system_topic(tenant: Tenant, arm: Client, topic: str) -> None:
    """The same one may be written again; a second is refused as Azure does, and so is a move."""
    assert arm.put(topic, {**TOPIC_BODY, "tags": {"by": "alice"}}).status_code == 201
    tenant.settle()
    answer = arm.put(f"{topic}-2", TOPIC_BODY)
    assert (answer.status_code, code(answer)) == (400, "InvalidRequest")
    assert answer.json()["error"]["message"] == (
        f"There is an existing tracked system topic for the given source {SUB}. "
        "Only one system topic is allowed per source."
    )
    properties = {**TOPIC_BODY["properties"], "source": f"{SUB[:-1]}3"}
    moved = arm.put(topic, {**TOPIC_BODY, "properties": properties})
    assert moved.json()["error"]["message"] == "System topic source cannot be modified."


@pytest.mark.parametrize(
    "change",
    [
        {"location": "westeurope"},
        {"properties": {"topicType": "Microsoft.Storage.StorageAccounts", "source": ACCOUNT}},
        {"properties": {**TOPIC_BODY["properties"], "source": f"{SUB[:-1]}3"}},
    ],
)
def test_topics_of_other_kinds_are_not_known(arm: Client, change: dict[str, Any]) -> None:
    answer = arm.put(TOPIC, {**TOPIC_BODY, **change})
    assert (answer.status_code, code(answer)) == (501, "SimulatorDoesNotKnow")


def test_a_handshake_in_the_event_grid_schema(
    tenant: Tenant, arm: Client, topic: str, clock: VirtualClock
) -> None:
    """The endpoint echoes the code of a validation event; its query is never shown again."""
    seen: list[Request] = []
    endpoint = Endpoint(clock)

    def hear(request: Request) -> Response:
        seen.append(request)
        return endpoint(request)

    tenant.grid.send = hear
    assert outcome(tenant, arm, {"destination": WEBHOOK})["status"] == "Succeeded"
    (request,) = seen
    (event,) = json.loads(request.body)
    assert (request.method, request.url) == ("POST", HOOK + QUERY)
    assert request.headers["aeg-event-type"] == "SubscriptionValidation"
    assert request.headers["aeg-subscription-name"] == "GATE"
    assert event["eventType"] == "Microsoft.EventGrid.SubscriptionValidationEvent"
    assert (event["topic"], event["subject"]) == (SUB, "")
    assert event["data"]["validationUrl"].startswith("https://")
    shown = arm.get(LISTENER).json()["properties"]
    assert shown["destination"]["properties"] == {"endpointBaseUrl": HOOK}
    assert (shown["provisioningState"], shown["topic"]) == ("Succeeded", topic)


def test_a_handshake_in_the_cloud_schema(tenant: Tenant, arm: Client, topic: str) -> None:
    """An OPTIONS that asks for an origin, which the endpoint must allow."""
    seen: list[Request] = []

    def allow(request: Request) -> Response:
        seen.append(request)
        return Response(200, {"webhook-allowed-origin": "eventgrid.azure.net"})

    tenant.grid.send = allow
    body = {"destination": WEBHOOK, "eventDeliverySchema": "CloudEventSchemaV1_0"}
    assert outcome(tenant, arm, body)["status"] == "Succeeded"
    assert [one.method for one in seen] == ["OPTIONS"]
    assert seen[0].headers["WebHook-Request-Origin"] == "eventgrid.azure.net"


def nobody(_: Request) -> Response:
    raise TimeoutError


ECHO = json.dumps({"validationResponse": "1"}).encode()
REFUSALS = {
    "silent": (nobody, "Http POST request failed with response code Unknown"),
    "absent": (lambda _: Response(404), "Http POST request failed with response code NotFound"),
    "accepted": (lambda _: Response(202), "Http POST request failed with response code Accepted"),
    "wrong": (lambda _: Response(200, {}, ECHO), "attempt to validate the provided endpoint"),
    "empty": (lambda _: Response(200), "attempt to validate the provided endpoint"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_failed_handshake_fails_the_operation(
    tenant: Tenant, arm: Client, topic: str, name: str
) -> None:
    """The error names the endpoint without its query; such a subscription gets nothing."""
    tenant.grid.send, words = REFUSALS[name]
    ended = outcome(tenant, arm, {"destination": WEBHOOK})
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "Url validation")
    assert words in ended["error"]["message"]
    assert HOOK in ended["error"]["message"]
    assert "hidden" not in ended["error"]["message"]
    assert arm.get(LISTENER).json()["properties"]["provisioningState"] == "Failed"
    change(tenant)
    assert tenant.grid.deliver() is None


@pytest.mark.parametrize("headers", [{}, {"WebHook-Allowed-Origin": "other.example"}])
def test_a_cloud_handshake_needs_the_origin(
    tenant: Tenant, arm: Client, topic: str, headers: dict[str, str]
) -> None:
    tenant.grid.send = lambda _: Response(200, headers)
    body = {"destination": WEBHOOK, "eventDeliverySchema": "CloudEventSchemaV1_0"}
    assert outcome(tenant, arm, body)["error"]["code"] == "Url validation"


def test_an_endpoint_that_fails_its_handshake_replaces_none(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """An update whose endpoint does not agree fails, and the old one goes on."""
    endpoint = Endpoint(clock)
    tenant.grid.send = endpoint
    listen(tenant)
    elsewhere = {"endpointType": "WebHook", "properties": {"endpointUrl": "https://b.example/"}}
    tenant.grid.send = lambda _: Response(404)
    listen(tenant, elsewhere)
    tenant.grid.send = endpoint
    change(tenant)
    tenant.grid.deliver()
    assert [one.url for one in endpoint.taken] == [HOOK + QUERY]


def test_what_is_delivered_to_must_be_there(tenant: Tenant, arm: Client, topic: str) -> None:
    gone = f"{ACCOUNT}gone"
    for body in (
        {"destination": {**QUEUE, "properties": {"resourceId": gone, "queueName": "q"}}},
        {
            "destination": QUEUE,
            "deadLetterDestination": {**GRAVE, "properties": {"resourceId": gone}},
        },
        {"destination": {"endpointType": "AzureFunction", "properties": {"resourceId": gone}}},
    ):
        ended = outcome(tenant, arm, body)
        assert ended["error"]["code"] == "Endpoint validation"
        assert f"resourceId: {gone}. Resource should pre-exist" in ended["error"]["message"]
        arm.delete(LISTENER)
        tenant.settle()


def test_a_functions_own_endpoint_shakes_no_hands(
    tenant: Tenant, arm: Client, topic: str, clock: VirtualClock
) -> None:
    """It is reached at its host's webhook, by the name of the function."""
    host = {"defaultHostName": "gate-x1.westeurope-01.azurewebsites.net"}
    tenant.load({"id": SITE, "location": "westeurope", "properties": host})
    tenant.load({"id": FUNCTION})
    endpoint = Endpoint(clock)
    tenant.grid.send = nobody
    body = {"endpointType": "AzureFunction", "properties": {"resourceId": FUNCTION}}
    assert outcome(tenant, arm, {"destination": body})["status"] == "Succeeded"
    tenant.grid.send = endpoint
    tenant.grid.deliver()
    urls = {one.url for one in endpoint.taken}
    path = "runtime/webhooks/eventgrid?functionName=changes"
    assert urls == {f"https://{host['defaultHostName']}/{path}"}


INVALID: list[dict[str, Any]] = [
    {},
    {"destination": {"endpointType": "WebHook", "properties": {}}},
    {"destination": {"endpointType": "WebHook", "properties": {"endpointBaseUrl": HOOK}}},
    {"destination": {"endpointType": "WebHook", "properties": {"endpointUrl": "http://a.example"}}},
    {"destination": {"endpointType": "StorageQueue", "properties": {"resourceId": ACCOUNT}}},
    {"destination": {"endpointType": "StorageQueue", "properties": {"queueName": "q"}}},
    {"destination": QUEUE, "retryPolicy": {"maxDeliveryAttempts": 31}},
    {"destination": QUEUE, "retryPolicy": {"eventTimeToLiveInMinutes": 0}},
    {"destination": QUEUE, "filter": {"includedEventTypes": ["Microsoft.Storage.BlobCreated"]}},
]
UNKNOWN: list[dict[str, Any]] = [
    {"destination": {"endpointType": "EventHub", "properties": {"resourceId": ACCOUNT}}},
    {"destination": QUEUE, "eventDeliverySchema": "CustomInputSchema"},
    {"destination": QUEUE, "expirationTimeUtc": "2030-01-01T00:00:00Z"},
    {"destination": QUEUE, "filter": {"enableAdvancedFilteringOnArrays": True}},
    {"destination": {**WEBHOOK, "properties": {"endpointUrl": HOOK, "maxEventsPerBatch": 5}}},
]


@pytest.mark.parametrize("body", INVALID)
def test_a_malformed_event_subscription_is_refused(
    arm: Client, topic: str, body: dict[str, Any]
) -> None:
    """A GET's answer sent back is one: the URL of a webhook must be given anew."""
    answer = arm.put(LISTENER, {"properties": body})
    assert (answer.status_code, code(answer)) == (400, "InvalidRequest")


@pytest.mark.parametrize("body", UNKNOWN)
def test_what_the_simulator_cannot_deliver_is_refused(
    arm: Client, topic: str, body: dict[str, Any]
) -> None:
    answer = arm.put(LISTENER, {"properties": body})
    assert (answer.status_code, code(answer)) == (501, "SimulatorDoesNotKnow")


def test_what_the_provider_fills_in(tenant: Tenant, arm: Client, topic: str) -> None:
    assert outcome(tenant, arm, {"destination": QUEUE})["status"] == "Succeeded"
    shown = arm.get(LISTENER).json()["properties"]
    assert shown["retryPolicy"] == {"maxDeliveryAttempts": 30, "eventTimeToLiveInMinutes": 1440}
    assert shown["eventDeliverySchema"] == "EventGridSchema"
    assert len(shown["filter"]["includedEventTypes"]) == 9
    assert shown["labels"] is None


def test_a_patch_changes_parts(tenant: Tenant, clock: VirtualClock, arm: Client) -> None:
    """Its body has no `properties`; a filter replaces the other, the destination stays."""
    tenant.grid.send = Endpoint(clock)
    listen(tenant, filter={"subjectEndsWith": "/a"})
    tenant.grid.send = nobody
    answer = arm.patch(LISTENER, {"filter": {"subjectBeginsWith": SUB}, "labels": ["x"]})
    assert answer.status_code == 201
    tenant.settle()
    shown = arm.get(LISTENER).json()["properties"]
    assert (shown["filter"]["subjectBeginsWith"], shown["filter"]["subjectEndsWith"]) == (SUB, "")
    assert shown["destination"]["properties"] == {"endpointBaseUrl": HOOK}
    assert (shown["labels"], shown["provisioningState"]) == (["x"], "Succeeded")
    tenant.grid.send = endpoint = Endpoint(clock)
    tenant.grid.deliver()
    assert {one.url for one in endpoint.taken} == {HOOK + QUERY}


def test_a_patch_may_change_the_way_of_delivery(
    tenant: Tenant, clock: VirtualClock, arm: Client
) -> None:
    """What is owed goes the new way, here to a queue under the topic's identity, and back."""
    tenant.grid.send = Endpoint(clock)
    listen(tenant)
    change(tenant)
    by_identity = {"identity": {"type": "SystemAssigned"}, "destination": QUEUE}
    assert arm.patch(LISTENER, {"deliveryWithResourceIdentity": by_identity}).status_code == 201
    tenant.settle()
    assert "destination" not in arm.get(LISTENER).json()["properties"]
    tenant.grid.deliver()
    assert len(tenant.grid.queues["changes"]) == 2
    arm.patch(LISTENER, {"destination": WEBHOOK})
    tenant.settle()
    assert "deliveryWithResourceIdentity" not in arm.get(LISTENER).json()["properties"]


def test_a_patched_endpoint_is_asked_in_the_schema_that_holds(
    tenant: Tenant, clock: VirtualClock, arm: Client
) -> None:
    tenant.grid.send = Endpoint(clock)
    listen(tenant, eventDeliverySchema="CloudEventSchemaV1_0")
    methods: list[str] = []

    def hear(request: Request) -> Response:
        methods.append(request.method)
        return Response(404)

    tenant.grid.send = hear
    arm.patch(LISTENER, {"destination": WEBHOOK})
    tenant.settle()
    assert methods == ["OPTIONS"]


@pytest.mark.parametrize(
    ("source", "kind"), [(ACCOUNT, "StorageQueue"), (SUB, "EventHub")], ids=["source", "kind"]
)
def test_loaded_ones_that_the_simulator_cannot_serve_hear_nothing(
    tenant: Tenant, source: str, kind: str
) -> None:
    """An estate of documents may hold topics of storage accounts, and other destinations."""
    tenant.load({"id": TOPIC, "location": "global", "properties": {"source": source}})
    destination = {**QUEUE, "endpointType": kind}
    properties = {"destination": destination, "provisioningState": "Succeeded"}
    tenant.load({"id": LISTENER, "properties": properties})
    change(tenant)
    assert tenant.grid.deliver() is None
    assert tenant.grid.queues == {}


def test_a_deleted_event_subscription_is_owed_nothing(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    tenant.grid.send = endpoint = Endpoint(clock)
    listen(tenant)
    change(tenant)
    answer = arm.delete(LISTENER)
    assert (answer.status_code, "Location" in answer.headers) == (202, True)
    tenant.settle()
    assert tenant.grid.deliver() is None
    assert endpoint.taken == []
    assert arm.get(LISTENER).status_code == 404


def test_a_topic_in_use_is_not_deleted(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    tenant.grid.send = Endpoint(clock)
    listen(tenant)
    assert code(arm.delete(TOPIC)) == "SimulatorDoesNotKnow"
    arm.delete(LISTENER)
    tenant.settle()
    assert arm.delete(TOPIC).status_code == 202


def test_an_event_subscription_on_the_subscription_itself(tenant: Tenant, arm: Client) -> None:
    """It hears of that subscription alone, and needs no topic; other scopes are not known."""
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    path = "providers/Microsoft.EventGrid/eventSubscriptions/gate"
    body = {"properties": {"destination": QUEUE}}
    assert arm.put(f"{SUB}/{path}", body).status_code == 201
    assert code(arm.put(f"{GROUP}/{path}", body)) == "SimulatorDoesNotKnow"
    tenant.settle()
    assert arm.get(f"{SUB}/{path}").json()["properties"]["topic"] == SUB
    tenant.grid.deliver()
    before = len(tenant.grid.queues["changes"])
    other = f"{SUB[:-1]}3/resourceGroups/other"
    tenant.load({"id": other, "location": "westeurope"})
    vault = f"{other}/providers/Microsoft.KeyVault/vaults/kv2"
    assert arm.put(vault, {"location": "westeurope", "properties": {}}).status_code == 200
    change(tenant)
    tenant.grid.deliver()
    assert len(tenant.grid.queues["changes"]) == before + 1


def test_contoso_is_subscribed_to_a_queue() -> None:
    """What changes in the demo's estate is told to the queue of its storage account."""
    tenant = Tenant(VirtualClock())
    contoso.estate(tenant)
    contoso.subscribe(tenant, "hints")
    tenant.write(contoso.WEBSITE, {"tags": {}}, by=contoso.ALICE, method="PATCH")
    tenant.grid.deliver()
    event = json.loads(base64.b64decode(tenant.grid.queues["hints"][-1]))
    assert event["data"]["authorization"]["scope"] == contoso.WEBSITE
