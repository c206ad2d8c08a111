"""A system topic and an event subscription for tests of Event Grid, and an endpoint."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from simulator.wire import Request, Response
from tests.simulator.client import ACCOUNT, ALICE, GROUP, SUB, VAULT

TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/changes"
LISTENER = f"{TOPIC}/eventSubscriptions/gate"
HOOK = "https://gate.example/hook"
QUERY = "?code=hidden"
TOPIC_BODY: dict[str, Any] = {
    "location": "global",
    "properties": {"topicType": "Microsoft.Resources.Subscriptions", "source": SUB},
}
WEBHOOK = {"endpointType": "WebHook", "properties": {"endpointUrl": HOOK + QUERY}}
QUEUE = {
    "endpointType": "StorageQueue",
    "properties": {"resourceId": ACCOUNT, "queueName": "changes"},
}
GRAVE = {
    "endpointType": "StorageBlob",
    "properties": {"resourceId": ACCOUNT, "blobContainerName": "lost"},
}


class Endpoint:
    """A webhook that agrees to every handshake and answers notifications as it is told.

    `answers` are the next statuses, the last one for ever; a callable is asked. `taken` are the
    requests that it got, without handshakes, and `at` when.
    """

    def __init__(self, clock: VirtualClock, *answers: int | Callable[[], int]) -> None:
        self.answers = list(answers or (200,))
        self.taken: list[Request] = []
        self.at: list[datetime] = []
        self._clock = clock

    def __call__(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(200, {"WebHook-Allowed-Origin": "eventgrid.azure.net"})
        if request.headers["aeg-event-type"] == "SubscriptionValidation":
            code = json.loads(request.body)[0]["data"]["validationCode"]
            return Response(200, {}, json.dumps({"validationResponse": code}).encode())
        self.taken.append(request)
        self.at.append(self._clock.now())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return Response(answer if isinstance(answer, int) else answer())

    @property
    def subjects(self) -> list[str]:
        """The last segment of what each notification is about."""
        events = [json.loads(one.body) for one in self.taken]
        found = [one[0] if isinstance(one, list) else one for one in events]
        return [event["subject"].rsplit("/", 1)[-1] for event in found]

    @property
    def gaps(self) -> list[float]:
        """Seconds between the notifications."""
        return [(b - a).total_seconds() for a, b in zip(self.at, self.at[1:], strict=False)]


def listen(tenant: Tenant, destination: dict[str, Any] | None = None, **more: Any) -> None:
    """Have the topic, a storage account, and an event subscription; their own events are gone."""
    if tenant.read(ACCOUNT) is None:
        tenant.load({"id": ACCOUNT, "location": "westeurope"})
        tenant.write(TOPIC, TOPIC_BODY, by=ALICE)
    properties = {"destination": destination or WEBHOOK, **more}
    tenant.write(LISTENER, {"properties": properties}, by=ALICE)
    sending, tenant.grid.send = tenant.grid.send, lambda _: Response(200)
    tenant.grid.deliver()
    tenant.grid.send = sending
    tenant.grid.queues.clear()


def change(tenant: Tenant, *names: str) -> None:
    """Alice writes a key vault for each name."""
    for name in names or ("kv1",):
        body = {"location": "westeurope", "properties": {}}
        tenant.write(f"{VAULT.rsplit('/', 1)[0]}/{name}", body, by=ALICE)


def wait(tenant: Tenant, clock: VirtualClock, **time: float) -> None:
    """Let time pass, delivering whenever something is due."""
    end = clock.now() + timedelta(**time)
    while True:
        due = tenant.grid.deliver()
        if due is None or due > end:
            break
        clock.advance(max(due - clock.now(), timedelta(0)))
    clock.advance(end - clock.now())


def hearing(tenant: Tenant, clock: VirtualClock, *answers: Any, **more: Any) -> Endpoint:
    """An endpoint that the tenant delivers to."""
    tenant.grid.send = endpoint = Endpoint(clock, *answers)
    listen(tenant, **more)
    return endpoint


def letters(tenant: Tenant) -> list[dict[str, Any]]:
    """Every dead letter, in the order of writing."""
    return [one for blob in tenant.grid.blobs.values() for one in json.loads(blob)]
