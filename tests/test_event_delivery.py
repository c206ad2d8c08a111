"""From a change in Azure through Event Grid to the app: at least once, in no order, in the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from types import ModuleType
from typing import Any, cast

import pytest

from shared.azure.dead_letters import DeadLetters, Letter
from shared.hints import HINTS
from shared.policy import Policy
from shared.store.embedded import EmbeddedStore
from simulator.host import Host
from simulator.wire import Request, Response
from tests.engine.world import ALICE, GROUP, SUBSCRIPTION, World, enforce, policy, storage
from wiring import Gate

BLOB = "storage-public-blob-access"
HOST = "https://gate.example/runtime/webhooks/eventgrid"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/changes"
KEPT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/portcullis"
WEBHOOK = {
    "endpointType": "WebHook",
    "properties": {"endpointUrl": f"{HOST}?functionName=changes&code=hidden"},
}
QUEUE = {"endpointType": "StorageQueue", "properties": {"resourceId": KEPT, "queueName": HINTS}}
SCHEMAS = ["EventGridSchema", "CloudEventSchemaV1_0"]


@pytest.fixture
def world() -> World:
    world = World()
    # What is at stake is Event Grid: sweeps, which find what it loses, are rare here.
    world.policy = policy(f"sweeps: {{full: 48h, incremental: 47h}}\n{enforce(BLOB)}")
    world.load({**storage(), "id": KEPT})
    world.gate().sweep.run()
    world.drain(world.gate())
    return world


@pytest.fixture
def gate(world: World) -> Gate:
    return world.gate()


@pytest.fixture
def app(load: Callable[[str], ModuleType], gate: Gate) -> ModuleType:
    module = load("all")
    module.use(gate)
    return module


@pytest.fixture
def host(world: World, app: ModuleType) -> Iterator[Host]:
    """The app over the world's tenant, where Event Grid's own requests and messages arrive."""
    host = Host(app.app, world.store, world.clock.now, key="hidden")
    world.tenant.grid.send = host.webhook
    world.tenant.grid.put_message = world.store.send
    yield host
    assert isinstance(world.store, EmbeddedStore)
    world.store.close()


def subscribe(world: World, destination: dict[str, Any], **more: Any) -> None:
    """A system topic of the subscription, and an event subscription that gets everything."""
    properties = {"topicType": "Microsoft.Resources.Subscriptions", "source": SUBSCRIPTION}
    world.tenant.write(TOPIC, {"location": "global", "properties": properties}, by=ALICE)
    body = {"properties": {"destination": destination, **more}}
    world.tenant.write(f"{TOPIC}/eventSubscriptions/gate", body, by=ALICE)


def pass_time(world: World, host: Host, minutes: float = 5) -> None:
    """Let Event Grid deliver and the host work while the clock goes on."""
    end = world.clock.now() + timedelta(minutes=minutes)
    while world.clock.now() < end:
        world.tenant.grid.deliver()
        host.work()
        world.clock.advance(timedelta(seconds=10))


def cured(world: World, gate: Gate, rid: str) -> None:
    """One write of ours, one story, and the account as it should be."""
    assert world.our_writes() == ["PATCH contoso"]
    assert world.properties(rid)["allowBlobPublicAccess"] is False
    assert world.entries(gate).count("remediated") == 1


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("destination", [WEBHOOK, QUEUE], ids=["webhook", "queue"])
def test_a_change_is_cured_once_however_it_is_told(
    world: World, gate: Gate, host: Host, destination: dict[str, Any], schema: str
) -> None:
    """Every event twice and in any order, to the trigger or to the queue: one remediation."""
    (rid,) = world.load(storage())
    subscribe(world, destination, eventDeliverySchema=schema)
    world.tenant.grid.duplicates, world.tenant.grid.shuffles = 1.0, True
    world.change(rid, {"allowBlobPublicAccess": True})
    for number in range(5):
        world.tenant.write(rid, {"tags": {"n": str(number)}}, by=ALICE, method="PATCH")
    pass_time(world, host)
    cured(world, gate, rid)
    assert host.failures == []
    assert world.tenant.grid.dropped == []


def away(_: Request) -> Response:
    raise ConnectionRefusedError


@pytest.mark.parametrize("trouble", [away, lambda _: Response(500), lambda _: Response(404)])
def test_an_app_that_is_away_for_an_hour_misses_nothing(
    world: World, gate: Gate, host: Host, trouble: Callable[[Request], Response]
) -> None:
    """What happened meanwhile is told when the app is back, within Event Grid's pauses."""
    (rid,) = world.load(storage())
    subscribe(world, WEBHOOK)
    world.tenant.grid.send = trouble
    world.change(rid, {"allowBlobPublicAccess": True})
    pass_time(world, host, 60)
    assert world.our_writes() == []
    world.tenant.grid.send = host.webhook
    pass_time(world, host, 120)
    cured(world, gate, rid)
    assert world.tenant.grid.dropped == []


class Broken:
    """A policy that code trips over so many times."""

    def __init__(self, times: int, sound: Policy) -> None:
        self._left = times
        self._sound = sound

    def __getattr__(self, name: str) -> Any:
        if self._left:
            self._left -= 1
            raise RuntimeError("a fault in the code")
        return getattr(self._sound, name)


def test_an_app_that_fails_inside_is_told_again(world: World, gate: Gate, host: Host) -> None:
    """A function that raises is a 500 at the webhook; once it is mended the event comes anew."""
    (rid,) = world.load(storage())
    subscribe(world, WEBHOOK)
    world.tenant.grid.deliver()
    world.policy = cast(Policy, Broken(3, world.policy))
    world.change(rid, {"allowBlobPublicAccess": True})
    pass_time(world, host, 10)
    failed = [name for name, _ in host.failures]
    assert len(failed) == 3
    assert "changes" in failed
    cured(world, gate, rid)


class Grave:
    """The dead letters that Event Grid wrote, as the app finds them in their container."""

    def __init__(self, blobs: dict[str, bytes]) -> None:
        self._blobs = blobs

    def each(self) -> Iterator[Letter]:
        for name, content in list(self._blobs.items()):
            yield Letter(name, content.decode())

    def done(self, letter: Letter) -> None:
        del self._blobs[letter.name]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_event_grid_gives_up_is_cured_and_told(
    world: World, gate: Gate, host: Host, schema: str
) -> None:
    """A dead letter is read as the hint that it was, and a person sees why it came so late."""
    (rid,) = world.load(storage())
    grave = {"resourceId": KEPT, "blobContainerName": "deadletters"}
    subscribe(
        world,
        WEBHOOK,
        eventDeliverySchema=schema,
        retryPolicy={"maxDeliveryAttempts": 2, "eventTimeToLiveInMinutes": 1440},
        deadLetterDestination={"endpointType": "StorageBlob", "properties": grave},
    )
    world.tenant.grid.deliver()
    world.tenant.grid.send = lambda _: Response(500)
    world.change(rid, {"allowBlobPublicAccess": True})
    pass_time(world, host, 10)
    blobs = world.tenant.grid.blobs
    assert gate.worker.undelivered(cast(DeadLetters, Grave(blobs))) == 1
    pass_time(world, host, 2)
    cured(world, gate, rid)
    (told,) = world.records(gate, "health")
    assert (told["Entry"], blobs) == ("dead-letter", {})
    assert "1 event: MaxDeliveryAttemptsExceeded" in told["Message"]


def test_a_webhook_of_no_function_is_refused(world: World, host: Host) -> None:
    """The host answers 404 for a function that it does not have, so nobody can subscribe it."""
    url = f"{HOST}?functionName=sweep&code=hidden"
    answer = host.webhook(Request("POST", url, {"aeg-event-type": "Notification"}, b"[]"))
    assert answer.status == 404
    wrong = {**WEBHOOK, "properties": {"endpointUrl": url}}
    subscribe(world, wrong)
    document = world.tenant.read(f"{TOPIC}/eventSubscriptions/gate")
    assert document is not None
    assert document["properties"]["provisioningState"] == "Failed"
