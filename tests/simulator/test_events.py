"""Activity events: who did what to which id, and how they arrive."""

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    ASSIGNMENTS,
    GROUP,
    LOCKS,
    NSG,
    ROBOT,
    SERVER,
    SUB,
    VAULT,
    Client,
    rule,
)

BODY: dict[str, Any] = {"location": "westeurope", "properties": {}}
_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_OBJECT = "http://schemas.microsoft.com/identity/claims/objectidentifier"


def _kinds(tenant: Tenant) -> list[str]:
    return [event["eventType"].rsplit(".", 1)[1] for event in tenant.events.take()]


def test_an_event_names_who_did_what(tenant: Tenant) -> None:
    """The subject of a write says `resourcegroups`, its authorization `resourceGroups`."""
    tenant.write(VAULT, BODY, by=ALICE)
    (event,) = tenant.events.take()
    assert event["topic"] == SUB
    assert event["subject"] == VAULT.replace("resourceGroups", "resourcegroups")
    assert event["eventType"] == "Microsoft.Resources.ResourceWriteSuccess"
    assert (event["dataVersion"], event["metadataVersion"]) == ("2", "1")
    data = event["data"]
    assert data["authorization"]["scope"] == VAULT
    assert data["authorization"]["action"] == "Microsoft.KeyVault/vaults/write"
    assert data["authorization"]["evidence"]["principalId"] == ALICE.object_id.replace("-", "")
    assert data["operationName"] == "Microsoft.KeyVault/vaults/write"
    assert data["resourceUri"] == event["subject"]
    assert (data["resourceProvider"], data["status"]) == ("Microsoft.KeyVault", "Succeeded")
    assert (data["tenantId"], data["subscriptionId"]) == (tenant.tenant_id, SUB.rsplit("/", 1)[1])


def test_people_and_programs_have_different_claims(tenant: Tenant) -> None:
    tenant.write(VAULT, BODY, by=ALICE)
    tenant.write(VAULT, BODY, by=ROBOT)
    alice, robot = [event["data"]["claims"] for event in tenant.events.take()]
    assert (alice[f"{_CLAIM}/upn"], alice["name"]) == (ALICE.upn, "alice")
    assert (robot["appid"], robot[_OBJECT]) == (ROBOT.app_id, ROBOT.object_id)
    assert not {f"{_CLAIM}/upn", "name"} & set(robot)


def test_the_request_is_named_except_on_create(tenant: Tenant, arm: Client) -> None:
    """Our own client-request-id comes back, but a creation's event has no httpRequest."""
    for send in (arm.put, arm.put, arm.patch):
        send(VAULT, BODY, x_ms_client_request_id="mine", x_ms_correlation_request_id="story")
    arm.delete(VAULT, x_ms_client_request_id="mine")
    create, update, patch, delete = [event["data"] for event in tenant.events.take()]
    assert "httpRequest" not in create
    assert [one["httpRequest"]["method"] for one in (update, patch, delete)] == [
        "PUT",
        "PATCH",
        "DELETE",
    ]
    assert {one["httpRequest"]["clientRequestId"] for one in (update, patch, delete)} == {"mine"}
    assert [one["correlationId"] for one in (create, update, patch)] == ["story"] * 3
    assert update["httpRequest"]["url"].startswith("https://management.azure.com/subscriptions/")


def test_the_answers_correlation_id_is_the_events(tenant: Tenant, arm: Client) -> None:
    answer = arm.put(VAULT, BODY)
    (event,) = tenant.events.take()
    assert event["data"]["correlationId"] == answer.headers["x-ms-correlation-request-id"]


def test_a_childs_event_has_the_child_as_subject(tenant: Tenant) -> None:
    tenant.load({"id": NSG, "location": "westeurope"})
    tenant.write(f"{NSG}/securityRules/ssh", rule(), by=ALICE)
    (event,) = tenant.events.take()
    assert event["subject"].endswith("/networkSecurityGroups/web/securityRules/ssh")
    operation = event["data"]["operationName"]
    assert operation == "Microsoft.Network/networkSecurityGroups/securityRules/write"


def test_reading_and_loading_are_silent(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": VAULT, "location": "westeurope"})
    for path in (VAULT, GROUP, f"{SUB}/providers/Microsoft.KeyVault/vaults", f"{VAULT}x"):
        arm.get(path)
    assert tenant.events.take() == []


@pytest.mark.parametrize("scope", ["", "/providers/Microsoft.Management/managementGroups/mg"])
def test_nothing_is_emitted_outside_of_subscriptions(
    tenant: Tenant, arm: Client, scope: str
) -> None:
    """No topic hears of a grant at the root or a management group: only a sweep sees it."""
    tenant.load({"id": "/providers/Microsoft.Management/managementGroups/mg"})
    definition = "/providers/Microsoft.Authorization/roleDefinitions/x"
    properties = {"principalId": ALICE.object_id, "roleDefinitionId": definition}
    path = f"{scope}/{ASSIGNMENTS}/dddddddd-0000-4000-8000-000000000001"
    assert arm.put(path, {"properties": properties}).status_code == 201
    assert arm.delete(path).status_code == 200
    assert tenant.events.take() == []


def test_an_event_waits_for_the_end_of_its_operation(
    tenant: Tenant, arm: Client, clock: VirtualClock
) -> None:
    arm.put(NSG, BODY)
    assert tenant.events.take() == []
    clock.advance(timedelta(seconds=90))
    (event,) = tenant.events.take()
    assert event["eventTime"] == "2026-03-02T06:00:05Z"
    assert tenant.events.take() == []


def test_actions_and_refusals_are_events_too(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": ACCOUNT, **BODY})
    arm.post(f"{ACCOUNT}/listKeys")
    assert _kinds(tenant) == ["ResourceActionSuccess"]
    tenant.load({"id": f"{GROUP}/{LOCKS}/keep", "properties": {"level": "ReadOnly"}})
    arm.patch(ACCOUNT, {"tags": {}})
    arm.delete(ACCOUNT)
    arm.post(f"{ACCOUNT}/listKeys")
    assert _kinds(tenant) == [
        "ResourceWriteFailure",
        "ResourceDeleteFailure",
        "ResourceActionFailure",
    ]


def test_what_never_reaches_a_provider_leaves_no_event(tenant: Tenant, arm: Client) -> None:
    """Malformed and misdirected requests are silent; one the provider refuses is not."""
    arm.put(f"{VAULT}?api-version=nonsense", BODY)
    arm.put(VAULT, [])
    arm.put(f"{SERVER}/firewallRules/all", {"properties": {}})
    assert _kinds(tenant) == []
    arm.put(VAULT, {"location": "westeurope", "properties": {"enablePurgeProtection": False}})
    (event,) = tenant.events.take()
    assert event["eventType"].endswith("ResourceWriteFailure")
    assert event["data"]["status"] == "Failed"


def test_a_groups_end_is_told_for_each_resource(tenant: Tenant) -> None:
    for resource_id in (VAULT, SERVER):
        tenant.load({"id": resource_id, **BODY})
    tenant.remove(GROUP, by=ALICE)
    subjects = {event["subject"] for event in tenant.events.take()}
    assert subjects == {VAULT, SERVER, GROUP}


def _decoded(message: str) -> Any:
    return json.loads(base64.b64decode(message))


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("encoding", ["base64", "plain"])
def test_messages_hold_one_event_each(tenant: Tenant, encoding: Any, *, array: bool) -> None:
    tenant.write(VAULT, BODY, by=ALICE)
    tenant.write(VAULT, BODY, by=ALICE)
    messages = tenant.events.take_messages(encoding=encoding, array=array)
    decoded = [json.loads(one) if encoding == "plain" else _decoded(one) for one in messages]
    events = [one[0] if array else one for one in decoded]
    assert [event["data"]["operationName"] for event in events] == [
        "Microsoft.KeyVault/vaults/write"
    ] * 2
    assert tenant.events.take_messages() == []


def test_the_cloud_form_has_other_names(tenant: Tenant) -> None:
    tenant.write(VAULT, BODY, by=ALICE)
    (message,) = tenant.events.take_messages(form="cloudevents")
    event = _decoded(message)
    assert set(event) == {"id", "source", "subject", "type", "time", "data", "specversion"}
    assert (event["source"], event["specversion"]) == (SUB, "1.0")


def test_the_old_form_holds_strings(tenant: Tenant) -> None:
    tenant.write(VAULT, BODY, by=ALICE)
    tenant.write(VAULT, BODY, by=ALICE)
    event = _decoded(tenant.events.take_messages(form="strings")[1])
    assert event["dataVersion"] == ""
    for name in ("authorization", "claims", "httpRequest"):
        assert isinstance(json.loads(event["data"][name]), dict)


def _stories(seed: int, **faults: Any) -> list[str]:
    """The operations that arrive after twenty writes under the given trouble."""
    tenant = Tenant(seed=seed)
    tenant.load({"id": GROUP})
    for number in range(20):
        tenant.write(f"{VAULT}-{number:02d}", BODY, by=ALICE)
    messages = tenant.events.take_messages(**faults)
    return [_decoded(message)["subject"].rsplit("-", 1)[1] for message in messages]


def test_delivery_can_repeat_lose_and_mix(tenant: Tenant) -> None:
    """At least once and in any order; the same seed gives the same trouble."""
    everything = [f"{number:02d}" for number in range(20)]
    assert _stories(1) == everything
    doubled = _stories(1, duplicate=1.0)
    assert sorted(doubled) == sorted(everything * 2)
    assert _stories(1, drop=1.0) == []
    some = _stories(1, drop=0.5)
    assert 0 < len(some) < 20
    mixed = _stories(1, shuffle=True)
    assert mixed != everything
    assert sorted(mixed) == everything
    assert _stories(1, shuffle=True, drop=0.3) == _stories(1, shuffle=True, drop=0.3)
