"""Long-running operations at the door to Azure: begun by a write, followed by looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.azure.arm import Arm
from shared.errors import Transient
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.azure.wire import (
    API,
    COSMOS,
    CREATE,
    NSG,
    PUT,
    SERVER,
    Mouth,
    Said,
    always,
    arm_of,
    change,
    sent,
)
from tests.made import ACCOUNT

LONG = {
    "asynchronous": (change(PUT, NSG, document={"location": "westeurope", "properties": {}}), 200),
    "location": (change(CREATE, f"{ACCOUNT}new", document={
        "location": "westeurope", "kind": "StorageV2", "sku": {"name": "Standard_LRS"}}), 202),
    "both": (change(target=COSMOS), 200),
    "operation as body": (change(target=SERVER), 202),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_an_operation_is_followed_to_its_end(
    tenant: Tenant, arm: Arm, clock: VirtualClock, name: str
) -> None:
    """Whatever the style: an address to poll, not done while it runs, done when it has ended."""
    wanted, status = LONG[name]
    answer = arm.write(wanted, "id")
    assert sent(tenant)[0][1] == status
    assert answer.operation is not None
    assert answer.operation.startswith("https://management.azure.com/")
    assert answer.wait >= 1
    progress = arm.poll(answer.operation)
    assert not progress.done
    assert progress.wait >= 1
    clock.advance(timedelta(minutes=5))
    ended = arm.poll(answer.operation)
    assert (ended.done, ended.error) == (True, "")
    assert len(sent(tenant)) == 1


@pytest.mark.parametrize("name", ["asynchronous", "both", "operation as body"])
def test_an_operation_that_fails_says_why(
    tenant: Tenant, arm: Arm, clock: VirtualClock, name: str
) -> None:
    """A failed operation answers 200 all the same; its code and words are kept."""
    tenant.fail_next_operation("*", "QuotaExceeded", "No more of these.")
    answer = arm.write(LONG[name][0], "id")
    clock.advance(timedelta(minutes=5))
    assert answer.operation is not None
    ended = arm.poll(answer.operation)
    assert ended.done
    assert "QuotaExceeded No more of these." in ended.error


@pytest.mark.parametrize(
    ("said", "done", "error"),
    [
        (Said(200, {"status": "InProgress"}), False, ""),
        (Said(200, {"status": "Running, Progress = 0%"}), False, ""),
        (Said(200, {"status": "Dequeued"}), False, ""),
        (Said(200, {"status": "Succeeded", "error": {"code": "None"}}), True, ""),
        (Said(200, {"status": "SUCCEEDED"}), True, ""),
        (Said(200, {"status": "failed", "error": {"code": "C"}}), True, "failed: C"),
        (Said(200, {"status": "Canceled"}), True, "canceled: no code"),
        (Said(200, {"properties": {"provisioningState": "Updating"}}), False, ""),
        (Said(200, {"properties": {"provisioningState": "Succeeded"}}), True, ""),
        (Said(200, {"properties": {}}), True, ""),
        (Said(202), False, ""),
        (Said(202, {"status": "Succeeded"}), False, ""),
        (Said(204), True, ""),
        (Said(200), True, ""),
        (Said(404, {"error": {"code": "InvalidResourceType"}}), True, ""),
        (Said(409, {"Error": {"Code": "Blocked"}}), True, ""),
    ],
)  # fmt: skip
def test_every_answer_to_a_poll(
    tenant: Tenant, mouth: Mouth, said: Said, done: Any, error: str
) -> None:
    """Free words, missing bodies and forgotten operations have their meaning."""
    mouth.answers = always(said)
    progress = arm_of(tenant, mouth=mouth).poll("https://management.azure.com/op?api-version=1")
    assert (progress.done, progress.error) == (done, error)


@pytest.mark.parametrize(
    "said",
    [Said(429, {}, {"Retry-After": "8"}), Said(500), Said(503, "<html>"), Said(401), Said(408),
     Said(200, '{"status": "Succ'), Said(200, "<html>")],
)  # fmt: skip
def test_a_poll_that_fails_says_nothing_of_the_operation(
    tenant: Tenant, mouth: Mouth, said: Said
) -> None:
    """A broken look is a passing fault: the operation goes on."""
    mouth.answers = always(said)
    with pytest.raises(Transient):
        arm_of(tenant, mouth=mouth).poll("https://management.azure.com/op?api-version=1")


def test_an_operation_elsewhere_is_not_followed(tenant: Tenant, mouth: Mouth) -> None:
    """An address on another host is not polled: the resource itself tells how it stands."""
    for header in ("Azure-AsyncOperation", "Location"):
        mouth.answers = always(Said(202, None, {header: "https://evil/op"}))
        answer = arm_of(tenant, mouth=mouth).write(change(), "id")
        own = f"https://management.azure.com{ACCOUNT}?api-version={API[ACCOUNT]}"
        assert answer.operation == own


def test_an_answer_that_is_not_settled_is_under_way(tenant: Tenant, mouth: Mouth) -> None:
    """A 200 that shows `Updating`, without any header, is no end; neither is a bare 202."""
    updating = {"id": ACCOUNT, "properties": {"provisioningState": "Updating"}}
    for said in (Said(200, updating), Said(201, updating), Said(202)):
        mouth.answers = always(said)
        answer = arm_of(tenant, mouth=mouth).write(change(), "id")
        assert answer.operation is not None
    mouth.answers = always(Said(200, '{"id": "brok'))
    answer = arm_of(tenant, mouth=mouth).write(change(), "id")
    assert (answer.resource, answer.operation) == (None, None)
