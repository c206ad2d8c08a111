"""What the event subscriptions of a deployment let through, by the filters of Event Grid."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra import events as module
from infra.events import MOST_VALUES, events
from shared.errors import Unusable
from shared.policy import Policy
from simulator.eventgrid_filters import completed, wants
from tests.engine.world import ALICE, CONTROLS, GROUP, SUBSCRIPTION, World, policy, storage
from tests.infra.bicep import File
from tests.infra.conftest import generated

MODULES = Path(module.__file__).parent / "modules"
GRANTED = "Microsoft.Compute/disks/beginGetAccess/action"
TOPIC = f"{GROUP}/providers/Microsoft.EventGrid/systemTopics/portcullis"
KEPT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/portcullis"
TOLD = {
    "source": SUBSCRIPTION,
    "resourceId": KEPT,
    "queueName": generated("app.json")["hints"],
    "blobContainerName": generated("app.json")["deadLetters"],
}
"""What a deployment fills in, by the property that takes it."""


def event(kind: str, operation: str) -> dict[str, Any]:
    return {
        "subject": "/subscriptions/s/resourceGroups/g",
        "eventType": f"Microsoft.Resources.Resource{kind}",
        "data": {"operationName": operation},
    }


def times(one: dict[str, Any], among: list[dict[str, Any]]) -> int:
    """In how many of the event subscriptions it is delivered."""
    return sum(wants(completed(each["filter"]), one) for each in among)


@pytest.mark.parametrize(
    ("kind", "operation", "delivered"),
    [
        ("WriteSuccess", "Microsoft.Storage/storageAccounts/write", 1),
        ("DeleteSuccess", "Microsoft.Storage/storageAccounts/delete", 1),
        ("ActionSuccess", GRANTED, 1),
        ("ActionSuccess", GRANTED.upper(), 1),
        ("ActionSuccess", "Microsoft.Storage/storageAccounts/listKeys/action", 0),
        ("WriteFailure", "Microsoft.Storage/storageAccounts/write", 0),
        ("WriteCancel", "Microsoft.Storage/storageAccounts/write", 0),
        ("DeleteFailure", "Microsoft.Storage/storageAccounts/delete", 0),
        ("ActionFailure", GRANTED, 0),
    ],
)
def test_what_happened_is_delivered_once(kind: str, operation: str, delivered: int) -> None:
    """All writes and deletes, of actions those that a control asks for, and no failure."""
    assert times(event(kind, operation), generated("events.json")) == delivered


def test_every_action_that_a_control_asks_for_is_delivered() -> None:
    asked = {action for one in CONTROLS.values() for action in one.detector.actions}
    assert GRANTED in asked
    for action in asked:
        assert times(event("ActionSuccess", action), generated("events.json")) == 1


def judges_use(mode: str) -> Policy:
    return policy(f"rules: [{{control: iam-assignment-unused, mode: {mode}}}]")


def test_every_action_is_a_use_where_unused_roles_are_taken() -> None:
    """Nobody loses a role over uses that were filtered away."""
    used = event("ActionSuccess", "Microsoft.Storage/storageAccounts/listKeys/action")
    assert times(used, events(CONTROLS, judges_use("approve"))) == 1
    assert times(used, events(CONTROLS, judges_use("audit"))) == 0


def test_more_than_a_filter_takes_is_refused() -> None:
    """Azure would refuse the template later."""
    (one, *_) = CONTROLS.values()
    many = tuple(f"Microsoft.X/y/do{at}/action" for at in range(MOST_VALUES + 1))
    asks_much = replace(one, detector=replace(one.detector, actions=many))
    with pytest.raises(Unusable, match="takes 25"):
        events({one.id: asks_much}, policy(""))


def made(file: str, symbol: str) -> list[dict[str, Any]]:
    """The documents of a resource as a template makes them."""
    read = File(MODULES / file, {})
    return [filled(body) for body in read.bodies(read.resources[symbol])]


def filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: TOLD[key] if key in TOLD else filled(one)
            for key, one in value.items()
            if key not in ("parent", "name", "tags", "dependsOn")
        }
    return [filled(one) for one in value] if isinstance(value, list) else value


def test_what_the_templates_make_wakes_the_gate() -> None:
    """Azure takes the topic and the event subscriptions as they are; a change ends as a finding."""
    world = World()
    (account,) = world.load(storage(), {**storage(), "id": KEPT})[:1]
    (topic,) = made("topic.bicep", "made")
    world.tenant.write(TOPIC, topic, by=ALICE)
    for at, body in enumerate(made("subscriptions.bicep", "toQueue")):
        world.tenant.write(f"{TOPIC}/eventSubscriptions/{at}", body, by=ALICE)
    world.tenant.grid.put_message = world.store.send
    gate = world.gate()
    world.change(account, {"allowBlobPublicAccess": True})
    for _ in range(3):
        world.tenant.grid.deliver()
        world.drain(gate)
        world.clock.advance(timedelta(seconds=10))
    opened = [one["Control"] for one in world.records(gate, "findings") if one["Open"]]
    assert "storage-public-blob-access" in opened
