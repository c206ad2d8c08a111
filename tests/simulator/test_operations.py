"""Long-running operations: their four looks, their ends, and what they keep busy."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    COSMOS,
    GROUP,
    NIC,
    NSG,
    PIP,
    SERVER,
    VAULT,
    Client,
    code,
    interface,
)

DISK = f"{GROUP}/providers/Microsoft.Compute/disks/os1"
HERE: dict[str, Any] = {"location": "westeurope", "properties": {}}


def _look(answer: Any) -> tuple[int, bool, bool]:
    """Status, and whether the answer names an async-operation and a location to poll."""
    fields = answer.headers
    return answer.status_code, "Azure-AsyncOperation" in fields, "Location" in fields


@pytest.mark.parametrize(
    ("method", "resource_id", "there", "expected"),
    [
        ("PUT", NSG, False, (201, True, False)),
        ("PUT", NSG, True, (200, True, False)),
        ("DELETE", NSG, True, (202, True, True)),
        ("PUT", f"{NSG}/securityRules/s", True, (200, True, False)),
        ("DELETE", PIP, True, (202, True, True)),
        ("PATCH", PIP, True, (200, False, False)),
        ("PUT", ACCOUNT, False, (202, False, True)),
        ("PUT", ACCOUNT, True, (200, False, False)),
        ("PATCH", ACCOUNT, True, (200, False, False)),
        ("DELETE", ACCOUNT, True, (200, False, False)),
        ("PUT", VAULT, False, (200, False, False)),
        ("DELETE", VAULT, True, (200, False, False)),
        ("PUT", SERVER, False, (202, True, True)),
        ("DELETE", SERVER, True, (202, True, True)),
        ("DELETE", f"{SERVER}/firewallRules/a", True, (200, False, False)),
        ("PATCH", COSMOS, True, (200, True, True)),
        ("DELETE", COSMOS, True, (202, True, True)),
        ("PUT", DISK, False, (202, True, True)),
        ("DELETE", GROUP, True, (202, False, True)),
    ],
)
def test_each_type_has_its_own_look(
    tenant: Tenant,
    arm: Client,
    method: str,
    resource_id: str,
    expected: tuple[int, bool, bool],
    *,
    there: bool,
) -> None:
    if there:
        tenant.load({"id": resource_id, **HERE})
    body = None if method == "DELETE" else HERE
    if method == "PATCH" and resource_id == PIP:
        body = {"tags": {}}
    if "securityRules" in resource_id:
        body = {"properties": {"priority": 100, "direction": "Inbound", "access": "Deny",
                "protocol": "*", "sourceAddressPrefix": "*", "sourcePortRange": "*",
                "destinationAddressPrefix": "*", "destinationPortRange": "*"}}  # fmt: skip
    assert _look(arm.send(method, resource_id, body)) == expected


def test_a_network_write_shows_at_once_and_ends_by_the_clock(
    arm: Client, clock: VirtualClock
) -> None:
    answer = arm.put(NSG, {"location": "westeurope", "tags": {"v": "1"}})
    poll = answer.headers["Azure-AsyncOperation"]
    during = arm.get(NSG).json()
    assert (during["properties"]["provisioningState"], during["tags"]) == ("Updating", {"v": "1"})
    assert arm.get(poll).json() == {"status": "InProgress"}
    assert int(arm.get(poll).headers["Retry-After"]) >= 1
    clock.advance(timedelta(seconds=4))
    assert arm.get(poll).json() == {"status": "InProgress"}
    clock.advance(timedelta(seconds=1))
    assert arm.get(poll).json() == {"status": "Succeeded"}
    assert "Retry-After" not in arm.get(poll).headers
    assert arm.get(NSG).json()["properties"]["provisioningState"] == "Succeeded"


def test_a_cosmos_change_lands_at_the_end_in_its_own_words(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": COSMOS, "location": "West US", "properties": {"disableLocalAuth": False}})
    answer = arm.patch(COSMOS, {"properties": {"disableLocalAuth": True}})
    assert answer.json()["properties"]["provisioningState"] == "Updating"
    assert arm.get(COSMOS).json()["properties"]["disableLocalAuth"] is False
    poll = answer.headers["Azure-AsyncOperation"]
    assert "/locations/westus/operationsStatus/" in poll
    words = [arm.get(poll).json()["status"] for _ in range(3)]
    assert words == ["Enqueued", "Dequeued", "Dequeued"]
    tenant.settle()
    assert arm.get(poll).json()["status"] == "Succeeded"
    after = arm.get(COSMOS).json()["properties"]
    assert (after["disableLocalAuth"], after["provisioningState"]) == (True, "Succeeded")


def test_a_new_server_is_not_there_until_it_is(tenant: Tenant, arm: Client) -> None:
    answer = arm.put(SERVER, HERE)
    assert set(answer.json()) == {"operation", "startTime"}
    assert arm.get(SERVER).status_code == 404
    assert arm.get(answer.headers["Location"]).status_code == 202
    tenant.settle()
    assert arm.get(SERVER).json()["properties"]["state"] == "Ready"
    result = arm.get(answer.headers["Location"])
    assert (result.status_code, result.json()["id"]) == (200, SERVER)


def test_a_location_poll_answers_202_until_the_resource(tenant: Tenant, arm: Client) -> None:
    location = arm.put(ACCOUNT, HERE).headers["Location"]
    waiting = arm.get(location)
    assert (waiting.status_code, waiting.headers["Location"]) == (202, location)
    assert waiting.headers["Retry-After"] == "17"
    tenant.settle()
    assert arm.get(location).json()["name"] == "contoso"


def test_a_deleted_resource_is_there_until_the_end(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, **HERE})
    answer = arm.delete(NSG)
    assert arm.get(NSG).json()["properties"]["provisioningState"] == "Deleting"
    tenant.settle()
    assert arm.get(NSG).status_code == 404
    assert arm.get(answer.headers["Location"]).status_code == 204
    assert arm.delete(NSG).status_code == 204


def test_a_finished_cosmos_deletion_forgets_its_result(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": COSMOS, **HERE})
    location = arm.delete(COSMOS).headers["Location"]
    tenant.settle()
    assert code(arm.get(location)) == "InvalidResourceType"


@pytest.mark.parametrize(
    ("resource_id", "status", "expected"),
    [
        (COSMOS, 412, "PreconditionFailed"),
        (NSG, 429, "AnotherOperationInProgress"),
        (DISK, 409, "OperationNotAllowed"),
    ],
)
def test_a_busy_resource_refuses_in_its_providers_way(
    tenant: Tenant, arm: Client, resource_id: str, status: int, expected: str
) -> None:
    tenant.load({"id": resource_id, **HERE})
    arm.put(resource_id, HERE)
    for method in ("PUT", "DELETE"):
        answer = arm.send(method, resource_id, HERE if method == "PUT" else None)
        assert (answer.status_code, code(answer)) == (status, expected)
    tenant.settle()
    assert arm.put(resource_id, HERE).status_code in {200, 202}


@pytest.mark.parametrize("pattern", [COSMOS, "*/cosmos1", "Microsoft.DocumentDB/*"])
def test_an_ordered_failure_shows_in_the_poll_alone(
    tenant: Tenant, arm: Client, pattern: str
) -> None:
    """The poll answers 200 with Failed, and the account is what it was."""
    tenant.load({"id": COSMOS, "location": "westus", "properties": {"disableLocalAuth": False}})
    tenant.fail_next_operation(pattern, "InternalServerError", "Something broke.")
    answer = arm.patch(COSMOS, {"properties": {"disableLocalAuth": True}})
    assert answer.status_code == 200
    tenant.settle()
    poll = arm.get(answer.headers["Azure-AsyncOperation"])
    assert poll.status_code == 200
    assert poll.json()["status"] == "Failed"
    assert poll.json()["error"] == {"code": "InternalServerError", "message": "Something broke."}
    assert arm.get(COSMOS).json()["properties"]["disableLocalAuth"] is False
    events = tenant.events.take()
    assert [event["eventType"] for event in events] == ["Microsoft.Resources.ResourceWriteFailure"]
    assert arm.patch(COSMOS, {"properties": {"disableLocalAuth": True}}).status_code == 200


def test_a_failed_detachment_leaves_the_address_attached(tenant: Tenant, arm: Client) -> None:
    """Network shows the new body as Failed; what depends on success has not happened."""
    tenant.load({"id": PIP, "location": "westeurope"})
    tenant.load(interface(public=True))
    tenant.fail_next_operation("microsoft.network/networkinterfaces", "InternalError", "No.")
    arm.put(NIC, interface(public=False))
    tenant.settle()
    assert arm.get(NIC).json()["properties"]["provisioningState"] == "Failed"
    assert "ipConfiguration" in arm.get(PIP).json()["properties"]


def test_a_failed_deletion_gives_the_resource_back(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, **HERE})
    tenant.fail_next_operation(NSG, "InUse", "Still used.")
    arm.delete(NSG)
    tenant.settle()
    assert arm.get(NSG).json()["properties"]["provisioningState"] == "Succeeded"


def test_a_failed_creation_leaves_nothing_and_its_location_says_so(
    tenant: Tenant, arm: Client
) -> None:
    tenant.fail_next_operation("*/contoso", "AccountNameTaken", "The name is taken.")
    location = arm.put(ACCOUNT, HERE).headers["Location"]
    tenant.settle()
    answer = arm.get(location)
    assert (answer.status_code, code(answer)) == (409, "AccountNameTaken")
    assert tenant.read(ACCOUNT) is None


def test_some_polls_tell_their_times(tenant: Tenant, arm: Client, clock: VirtualClock) -> None:
    tenant.load({"id": DISK, **HERE})
    poll = arm.delete(DISK).headers["Azure-AsyncOperation"]
    assert set(arm.get(poll).json()) == {"status", "name", "startTime"}
    clock.advance(timedelta(minutes=1))
    ended = arm.get(poll).json()
    assert (ended["startTime"], ended["endTime"]) == (
        "2026-03-02T06:00:00.000Z",
        "2026-03-02T06:00:02.000Z",
    )


def test_access_to_a_disk_is_revoked_by_an_action(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": DISK, "location": "westeurope", "properties": {"diskState": "ActiveSAS"}})
    answer = arm.post(f"{DISK}/endGetAccess")
    assert _look(answer) == (202, True, True)
    assert arm.get(DISK).json()["properties"]["diskState"] == "ActiveSAS"
    tenant.settle()
    assert arm.get(DISK).json()["properties"]["diskState"] == "Unattached"
    granted = arm.post(f"{DISK}/beginGetAccess", {"access": "Read", "durationInSeconds": 300})
    tenant.settle()
    assert arm.get(DISK).json()["properties"]["diskState"] == "ActiveSAS"
    assert "accessSAS" in arm.get(granted.headers["Location"]).json()


def test_an_operation_that_outlives_its_group_lands_nowhere(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    """The group is gone before the server is made: the server does not come back from the dead."""
    tenant.operation_seconds = 60
    arm.put(SERVER, HERE)
    tenant.operation_seconds = 0
    tenant.remove(GROUP, by=ALICE)
    clock.advance(timedelta(minutes=2))
    assert tenant.read(SERVER) is None
    tenant.load({"id": GROUP})
    assert arm.get(SERVER).status_code == 404


@pytest.mark.parametrize(("seconds", "again"), [(0, "1"), (2.5, "3"), (40, "40")])
def test_clients_are_told_to_come_back_when_it_is_over(
    tenant: Tenant, arm: Client, seconds: float, again: str
) -> None:
    """A quick tenant keeps no client waiting, whatever the provider's own rhythm."""
    tenant.operation_seconds = seconds
    assert arm.put(SERVER, HERE).headers["Retry-After"] == again
    assert arm.put(NSG, HERE).headers["Retry-After"] == again


def test_operations_end_in_the_order_of_their_time(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    tenant.load({"id": COSMOS, **HERE})
    arm.patch(COSMOS, {"properties": {"disableLocalAuth": True}})
    arm.put(NSG, HERE)
    clock.advance(timedelta(hours=1))
    events = tenant.events.take()
    assert [event["subject"].rsplit("/", 1)[1] for event in events] == ["web", "cosmos1"]
    times = [event["eventTime"] for event in events]
    assert times == ["2026-03-02T06:00:05Z", "2026-03-02T06:01:00Z"]
