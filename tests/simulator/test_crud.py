"""Reading and writing by id: what holds for every type."""

import pytest

from simulator.tenant import Tenant, WriteRefused
from tests.simulator.client import (
    ACCOUNT,
    ALICE,
    GROUP,
    LOCKS,
    NSG,
    SERVER,
    SUB,
    VAULT,
    Client,
    code,
)

WIDGET = f"{GROUP}/providers/Contoso.Factory/widgets/w1"


def test_ids_compare_without_case_and_keep_their_first_casing(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": NSG, "location": "westeurope"})
    shouted = arm.get(NSG.upper().replace("/SUBSCRIPTIONS", "/subscriptions"))
    assert shouted.status_code == 200
    assert shouted.json()["id"] == NSG
    arm.put(NSG.lower(), {"location": "westeurope"})
    tenant.settle()
    assert arm.get(NSG).json()["id"] == NSG


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("?x=1", "MissingApiVersionParameter"),
        ("?api-version=", "MissingApiVersionParameter"),
        ("?api-version=latest", "InvalidApiVersionParameter"),
        ("?api-version=2024-1-1", "InvalidApiVersionParameter"),
    ],
)
def test_an_api_version_is_required_and_looks_like_one(
    arm: Client, query: str, expected: str
) -> None:
    answer = arm.get(GROUP + query)
    assert (answer.status_code, code(answer)) == (400, expected)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/subscriptions/nobody/resourceGroups/g", "SubscriptionNotFound"),
        (f"{SUB}/resourceGroups/nobody", "ResourceGroupNotFound"),
        (NSG.replace("Prod-RG", "nobody"), "ResourceGroupNotFound"),
        (NSG, "ResourceNotFound"),
        (f"{NSG}/securityRules/ssh", "ParentResourceNotFound"),
        (f"{SERVER}/firewallRules/all", "ParentResourceNotFound"),
        (f"{ACCOUNT}/blobServices/default", "ParentResourceNotFound"),
    ],
)
def test_what_is_missing_is_named(arm: Client, path: str, expected: str) -> None:
    """The 404 tells whether the subscription, the group, the parent or the resource is missing."""
    answer = arm.get(path)
    assert (answer.status_code, code(answer)) == (404, expected)


def test_nothing_is_created_below_a_missing_parent(tenant: Tenant, arm: Client) -> None:
    answer = arm.put(f"{NSG}/securityRules/ssh", {"properties": {}})
    assert (answer.status_code, code(answer)) == (404, "ParentResourceNotFound")
    assert tenant.read(NSG) is None


def test_an_unknown_type_reads_writes_and_deletes_plainly(arm: Client) -> None:
    created = arm.put(WIDGET, {"location": "westeurope", "properties": {"colour": "red"}})
    assert created.status_code == 201
    assert arm.put(WIDGET, {"location": "westeurope", "properties": {}}).status_code == 200
    assert "colour" not in arm.get(WIDGET).json()["properties"]
    assert [arm.delete(WIDGET).status_code, arm.delete(WIDGET).status_code] == [200, 204]
    assert arm.get(WIDGET).status_code == 404


@pytest.mark.parametrize("method", ["PATCH", "POST"])
def test_what_the_simulator_was_not_taught_it_refuses(
    tenant: Tenant, arm: Client, method: str
) -> None:
    """A guess would let a test pass by accident, so the answer names what is missing."""
    tenant.load({"id": WIDGET, "location": "westeurope"})
    path = WIDGET if method == "PATCH" else f"{WIDGET}/explode"
    answer = arm.send(method, path, {})
    assert (answer.status_code, code(answer)) == (501, "SimulatorDoesNotKnow")
    assert "Contoso.Factory/widgets" in answer.json()["error"]["message"]


def test_a_type_without_patch_says_so(tenant: Tenant, arm: Client) -> None:
    lock = f"{GROUP}/{LOCKS}/keep"
    tenant.load({"id": lock, "properties": {"level": "CanNotDelete"}})
    assert arm.patch(lock, {"properties": {"notes": "x"}}).status_code == 405


@pytest.mark.parametrize("body", [[], "text", 3, None])
def test_a_body_that_is_no_object_is_refused(arm: Client, body: object) -> None:
    answer = arm.put(VAULT, body)
    assert (answer.status_code, code(answer)) == (400, "InvalidRequestContent")


def test_a_resource_needs_a_location_and_keeps_it(tenant: Tenant, arm: Client) -> None:
    assert code(arm.put(VAULT, {"properties": {}})) == "LocationRequired"
    assert arm.put(VAULT, {"location": "West Europe", "properties": {}}).status_code == 200
    moved = arm.put(VAULT, {"location": "northeurope", "properties": {}})
    assert (moved.status_code, code(moved)) == (409, "InvalidResourceLocation")
    same = arm.put(VAULT, {"location": "westeurope", "properties": {}})
    assert (same.status_code, same.json()["location"]) == (200, "West Europe")


@pytest.mark.parametrize("status", [200, 404])
def test_every_answer_can_be_traced(tenant: Tenant, arm: Client, status: int) -> None:
    """Request ids are on refusals as on successes; the caller's own come back."""
    if status == 200:
        tenant.load({"id": NSG, "location": "westeurope"})
    answer = arm.get(
        NSG, x_ms_client_request_id="mine", x_ms_correlation_request_id="the-whole-story"
    )
    assert answer.status_code == status
    assert answer.headers["x-ms-client-request-id"] == "mine"
    assert answer.headers["x-ms-correlation-request-id"] == "the-whole-story"
    assert len(answer.headers["x-ms-request-id"]) == 36
    assert [entry.correlation_id for entry in tenant.requests] == ["the-whole-story"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_nobody_writes_a_subscription(tenant: Tenant, arm: Client, method: str) -> None:
    assert code(arm.send(method, SUB, {})) == "SimulatorDoesNotKnow"
    assert tenant.read(GROUP) is not None


@pytest.mark.parametrize("path", ["/tenants/x", "/providers", f"{GROUP}/providers/"])
def test_a_path_that_is_no_id_is_not_found(arm: Client, path: str) -> None:
    answer = arm.get(path)
    assert (answer.status_code, code(answer)) == (404, "InvalidResourceId")


def test_an_id_may_end_in_a_collection(tenant: Tenant, arm: Client) -> None:
    """Some services have such resources: they are themselves, not their parents."""
    parent = f"{GROUP}/providers/Microsoft.Web/sites/shop/extensions/MSDeploy"
    tenant.load({"id": f"{parent}/status", "properties": {"complete": True}})
    answer = arm.get(f"{parent}/status")
    assert (answer.json()["id"], answer.json()["properties"]) == (
        f"{parent}/status",
        {"complete": True},
    )


def test_head_tells_existence_without_a_body(tenant: Tenant, arm: Client) -> None:
    assert [arm.send("HEAD", GROUP).status_code, arm.send("HEAD", NSG).status_code] == [204, 404]
    assert arm.send("HEAD", NSG).text() == ""


def test_deleting_a_group_takes_everything_in_it(tenant: Tenant, arm: Client) -> None:
    tenant.load({"id": f"{SERVER}/firewallRules/all", "properties": {}})
    answer = arm.delete(GROUP)
    assert answer.status_code == 202
    assert arm.get(SERVER).status_code == 200
    tenant.settle()
    assert tenant.read(f"{SERVER}/firewallRules/all") is None
    assert code(arm.get(SERVER)) == "ResourceGroupNotFound"
    assert code(arm.delete(GROUP)) == "ResourceGroupNotFound"


def test_children_that_always_exist_need_not_be_made(tenant: Tenant, arm: Client) -> None:
    """`blobServices/default` is there as long as its account is, and can be changed."""
    tenant.load({"id": ACCOUNT, "location": "westeurope"})
    service = f"{ACCOUNT}/blobServices/default"
    assert arm.get(service).json()["properties"]["deleteRetentionPolicy"]["enabled"] is False
    body = {"properties": {"deleteRetentionPolicy": {"enabled": True, "days": 7}}}
    assert arm.put(service, body).status_code == 200
    assert arm.get(service).json()["properties"] == body["properties"]
    assert arm.get(f"{ACCOUNT}/blobServices/other").status_code == 404


def test_a_person_writes_through_the_same_door(tenant: Tenant) -> None:
    """`write` goes through `handle`: it is logged, refused like any request, and finished."""
    tenant.write(NSG, {"location": "westeurope"}, by=ALICE)
    tenant.write(NSG, lambda nsg: nsg.update(tags={"a": "b"}), by=ALICE, method="PATCH")
    document = tenant.read(NSG)
    assert document is not None
    assert document["tags"] == {"a": "b"}
    assert document["properties"]["provisioningState"] == "Succeeded"
    assert [(entry.method, entry.identity) for entry in tenant.writes] == [
        ("PUT", "alice"),
        ("PATCH", "alice"),
    ]
    with pytest.raises(WriteRefused, match="InvalidRequestContent"):
        tenant.write(NSG, {"properties": {"securityRules": []}}, by=ALICE, method="PATCH")
    tenant.remove(NSG, by=ALICE)
    assert tenant.read(NSG) is None


def test_reading_gives_a_copy(tenant: Tenant) -> None:
    tenant.load({"id": ACCOUNT, "location": "westeurope", "properties": {"a": [1]}})
    first = tenant.read(ACCOUNT)
    assert first is not None
    first["properties"]["a"].append(2)
    second = tenant.read(ACCOUNT)
    assert second is not None
    assert second["properties"]["a"] == [1]


def test_equal_seeds_give_equal_tenants() -> None:
    """Etags and generated ids repeat, so a failing run can be run again."""

    def story(seed: int) -> list[object]:
        tenant = Tenant(seed=seed)
        tenant.load({"id": GROUP, "location": "westeurope"})
        tenant.write(NSG, {"location": "westeurope"}, by=ALICE)
        return [tenant.read(NSG), tenant.events.take()]

    assert story(1) == story(1)
    assert story(1) != story(2)
