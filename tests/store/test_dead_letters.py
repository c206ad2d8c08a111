"""Dead letters, on Azurite: what Event Grid gave up on is looked at all the same, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import ContainerClient

from shared.azure.dead_letters import CONTAINER, MOST, DeadLetters
from shared.errors import StoreUnavailable
from shared.hints import HINTS, SETTLE
from shared.settings import Settings
from shared.store import Store
from simulator.adapter import TenantCredential, transport
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.azurite import ACCOUNT as EMULATED
from tests.azurite import KEY, Azurite
from tests.engine.world import US
from tests.made import ACCOUNT, GROUP
from wiring import Gate, build

CREDENTIAL = AzureNamedKeyCredential(EMULATED, KEY)
OTHER = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv"
WRITE = "Microsoft.Resources.ResourceWriteSuccess"


@pytest.fixture
def container(azurite: Azurite) -> Iterator[ContainerClient]:
    """The container as an event subscription names it, empty."""
    client = ContainerClient(azurite.addresses["blob"], CONTAINER, credential=CREDENTIAL)
    try:
        client.create_container()
    except ResourceExistsError:
        client.delete_blobs(*[blob.name for blob in client.list_blobs()])
    yield client
    client.close()


@pytest.fixture
def gate(azurite: Azurite, store: Store, clock: VirtualClock) -> Iterator[Gate]:
    """A gate whose storage account is the emulator's, with state elsewhere."""
    settings = Settings.of({"AzureWebJobsStorage": azurite.connection}, Path())
    tenant = Tenant(clock)
    made = build(
        settings,
        TenantCredential(tenant, US),
        now=clock.now,
        transport=transport(tenant),
        store=store,
    )
    yield made
    made.arm.close()


def event(resource_id: str, **more: Any) -> dict[str, Any]:
    return {
        "subject": resource_id,
        "eventType": WRITE,
        "eventTime": "2026-03-02T06:00:00Z",
        "data": {"resourceUri": resource_id},
        "deadLetterReason": "MaxDeliveryAttemptsExceeded",
        **more,
    }


def cloud_event(resource_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "type": WRITE,
        "source": "/subscriptions/x",
        "subject": resource_id,
        "id": "1",
        "time": "2026-03-02T06:00:00Z",
        "data": {"resourceUri": resource_id},
        "deadletterreason": "TimeToLiveExceeded",
    }


def told(gate: Gate) -> list[str]:
    records = gate.state.outbox.records("health")
    return [str(r["Message"]) for r in records if r["Entry"] == "dead-letter"]


def test_what_was_not_delivered_is_looked_at_all_the_same(
    gate: Gate, container: ContainerClient, clock: VirtualClock
) -> None:
    """Each event becomes a hint, each blob a record that says why; then it is gone."""
    container.upload_blob("SYSTEM/SUB/2026/3/2/6/a.json", json.dumps([event(ACCOUNT)]))
    container.upload_blob("SYSTEM/SUB/2026/3/2/7/b.json", json.dumps([cloud_event(OTHER)] * 2))
    gate.due()
    clock.advance(SETTLE)
    shown = gate.state.store.receive(HINTS, 32, SETTLE)
    hinted = {json.loads(message.text)["id"] for message in shown}
    assert hinted == {ACCOUNT, OTHER}
    assert told(gate) == [
        "Event Grid gave up on 1 event: MaxDeliveryAttemptsExceeded",
        "Event Grid gave up on 2 events: TimeToLiveExceeded",
    ]
    assert list(container.list_blobs()) == []
    gate.due()
    assert len(told(gate)) == 2


@pytest.mark.parametrize("text", ["no json", "[]", '"x"', "[1, null]", "{}"])
def test_what_cannot_be_read_is_kept_and_told(
    gate: Gate, container: ContainerClient, text: str
) -> None:
    """A blob that holds no event is told as one, its text kept, and does not come again."""
    container.upload_blob("odd.json", text)
    gate.due()
    assert len(told(gate)) == 1
    kept = [row.value["text"] for row in gate.state.store.scan("unreadable")]
    assert text in kept
    assert list(container.list_blobs()) == []


def test_a_crash_before_the_end_tells_it_again_under_the_same_id(
    gate: Gate, container: ContainerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record is the same one, so the log holds it once."""
    container.upload_blob("a.json", json.dumps([event(ACCOUNT)]))
    monkeypatch.setattr(DeadLetters, "done", _dies)
    with pytest.raises(StoreUnavailable):
        gate.due()
    monkeypatch.undo()
    gate.due()
    rows = [row.value["Record"] for row in gate.state.store.scan("outbox", "health")]
    assert len({r["EventId"] for r in rows if r["Entry"] == "dead-letter"}) == 1
    assert list(container.list_blobs()) == []


def _dies(*_: object) -> None:
    raise StoreUnavailable("killed")


def test_many_are_taken_a_part_at_a_time(gate: Gate, container: ContainerClient) -> None:
    for i in range(MOST + 3):
        container.upload_blob(f"{i:04d}.json", json.dumps([event(f"{ACCOUNT}{i}")]))
    gate.due()
    assert len(list(container.list_blobs())) == 3
    gate.due()
    assert len(told(gate)) == MOST + 3


def test_no_container_is_no_letter(gate: Gate, container: ContainerClient) -> None:
    container.delete_container()
    gate.due()
    assert told(gate) == []


def test_an_account_that_is_away_is_said() -> None:
    """In one line that says which part, and the next minute asks again."""
    letters = DeadLetters("http://127.0.0.1:9/devstoreaccount1", CREDENTIAL)
    with pytest.raises(StoreUnavailable, match="dead letters in Azure Blobs: ") as caught:
        list(letters.each())
    assert "\n" not in str(caught.value)
    letters.close()
