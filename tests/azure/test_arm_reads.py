"""Reads, lists and tokens at the door to Azure: what a broken answer is never taken for."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from shared.azure.arm import Arm
from shared.errors import Refused, Transient, Unauthenticated, Why
from shared.model import ResourceId
from simulator import roles
from simulator.adapter import transport
from simulator.clock import VirtualClock
from simulator.faults import Fault
from simulator.tenant import Identity, Tenant
from tests.azure.wire import (
    API,
    LOST,
    VAULTS,
    Mouth,
    Said,
    always,
    arm_of,
    sent,
)
from tests.made import ACCOUNT, SUB

# --- reads


def test_a_list_may_be_narrowed(tenant: Tenant, arm: Arm) -> None:
    """The filter reaches the provider, quotes and slashes and all; an unknown one is refused."""
    ada, bob = (f"22222222-0000-0000-0000-00000000000{i}" for i in (1, 2))
    for who in (ada, bob):
        tenant.load(roles.assignment(who, roles.CONTRIBUTOR, SUB))
    grants = f"{SUB}/providers/Microsoft.Authorization/roleAssignments"
    found = arm.list(f"{grants}?$filter=principalId eq '{bob}'", "2022-04-01")
    assert [one.get("/properties/principalId") for one in found] == [bob]
    assert len(list(arm.list(grants, "2022-04-01"))) == 2
    with pytest.raises(Transient, match="colour"):
        list(arm.list(f"{grants}?$filter=colour eq '/a/b'", "2022-04-01"))


@pytest.mark.parametrize("what", LOST)
def test_a_read_is_tried_once_more_where_the_connection_fails(
    tenant: Tenant, arm: Arm, what: Any
) -> None:
    """One lost answer does not matter, two are a passing fault."""
    tenant.faults.add(Fault(what))
    found = arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert found is not None
    tenant.faults.add(Fault(what, times=2))
    with pytest.raises(Transient):
        arm.get(ResourceId(ACCOUNT), API[ACCOUNT])


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_read_that_azure_puts_off_is_not_tried_again(
    tenant: Tenant, arm: Arm, status: int
) -> None:
    """The delay is data for the queue: no thread sleeps, and no second request makes it worse."""
    for wait in ("1", "2"):
        tenant.faults.add(Fault("status", status=status, headers={"Retry-After": wait}))
        with pytest.raises(Transient) as caught:
            arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
        assert caught.value.retry_after == float(wait)
    assert sent(tenant, "GET") == [("GET", status)] * 2


def test_a_read_says_when_it_was_asked_and_shows_the_casing(
    tenant: Tenant, arm: Arm, clock: VirtualClock
) -> None:
    """`read_at` is the instant before the answer; the id is spelled as Azure spells it."""
    found = arm.get(ResourceId(ACCOUNT.upper()), API[ACCOUNT])
    assert found is not None
    assert (found.id.text, found.read_at) == (ACCOUNT, clock.now())


@pytest.mark.parametrize(
    "code",
    ["ResourceNotFound", "ResourceGroupNotFound", "NotFound", "ParentResourceNotFound", ""],
)
def test_gone_is_what_azure_calls_gone(tenant: Tenant, arm: Arm, code: str) -> None:
    """A 404 that says so means that it does not exist; a list is empty then."""
    tenant.faults.add(Fault("status", times=2, status=404, code=code))
    assert arm.get(ResourceId(ACCOUNT), API[ACCOUNT]) is None
    assert list(arm.list(f"{ACCOUNT}/children", API[ACCOUNT])) == []


@pytest.mark.parametrize(
    "code", ["SubscriptionNotFound", "InvalidResourceType", "InvalidSubscriptionId", "Odd"]
)
def test_other_404s_are_no_proof(tenant: Tenant, arm: Arm, code: str) -> None:
    """A subscription out of sight, or a type not known, does not mean that the thing is gone."""
    tenant.faults.add(Fault("status", times=2, status=404, code=code))
    with pytest.raises(Refused) as caught:
        arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert (caught.value.why, caught.value.code) == (Why.NOT_FOUND, code)
    with pytest.raises(Refused):
        list(arm.list(f"{ACCOUNT}/children", API[ACCOUNT]))


def test_a_subscription_out_of_sight_is_not_a_resource_gone(arm: Arm) -> None:
    """The tenant's own answer for another subscription is a refusal, never None."""
    other = ACCOUNT.replace(SUB, "/subscriptions/99999999-9999-4999-8999-999999999999")
    with pytest.raises(Refused):
        arm.get(ResourceId(other), API[ACCOUNT])


@pytest.mark.parametrize("body", ["<html>not found</html>", "not found", "[]", '"gone"'])
def test_a_404_of_something_in_between_is_no_proof(tenant: Tenant, mouth: Mouth, body: str) -> None:
    """A proxy's page that says 404 does not make a resource vanish."""
    mouth.answers = always(Said(404, body))
    arm = arm_of(tenant, mouth=mouth)
    with pytest.raises(Transient):
        arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
    with pytest.raises(Transient):
        list(arm.list(f"{ACCOUNT}/children", API[ACCOUNT]))


@pytest.mark.parametrize(
    "body", ['{"id": "/x", "prop', "", "null", "[]", "7", "<html>", "[" * 100_000]
)
def test_a_broken_answer_is_not_an_empty_resource(tenant: Tenant, mouth: Mouth, body: str) -> None:
    """A 200 that holds no JSON object is a passing fault of get, list and ask."""
    mouth.answers = always(Said(200, body))
    arm = arm_of(tenant, mouth=mouth)
    for call in (
        lambda: arm.get(ResourceId(ACCOUNT), API[ACCOUNT]),
        lambda: list(arm.list(f"{ACCOUNT}/children", API[ACCOUNT])),
        lambda: arm.ask("/providers/Microsoft.ResourceGraph/resources", "2022-10-01", {}),
    ):
        with pytest.raises(Transient, match="not a JSON object"):
            call()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": None},
        {"id": f"{ACCOUNT}2", "properties": {}},
        {"id": VAULTS + "/contoso", "properties": {}},
        {"properties": {"allowBlobPublicAccess": True, "provisioningState": "Succeeded"}},
        {"error": {"code": "X"}},
        {"value": []},
    ],
)
def test_an_answer_about_something_else_is_no_answer(
    tenant: Tenant, mouth: Mouth, body: dict[str, Any]
) -> None:
    """A 200 whose document is not that of the resource says nothing of it."""
    mouth.answers = always(Said(200, body))
    with pytest.raises(Transient, match="answered with another document") as caught:
        arm_of(tenant, mouth=mouth).get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert "the ARM endpoint management.azure.com answered" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_scope_written_in_another_way_keeps_the_asked_id(tenant: Tenant, mouth: Mouth) -> None:
    """A role definition is shown at the root or at a scope: it is the one that was asked for."""
    asked = f"{SUB}/providers/Microsoft.Authorization/roleDefinitions/one"
    body = {"id": "/providers/microsoft.authorization/roleDefinitions/ONE", "properties": {}}
    mouth.answers = always(Said(200, body))
    found = arm_of(tenant, mouth=mouth).get(ResourceId(asked), "2022-04-01")
    assert found is not None
    assert found.id.text == asked


# --- lists


def vaults(tenant: Tenant, count: int) -> list[str]:
    return [
        tenant.load({"id": f"{VAULTS}/kv{i:02}", "location": "westeurope", "properties": {}})
        for i in range(count)
    ]


def test_a_list_goes_on_over_empty_pages(tenant: Tenant, arm: Arm) -> None:
    """Every item of every page, past empty pages in between and at the end, once."""
    expected = vaults(tenant, 7)
    tenant.listing.page_size = 2
    tenant.listing.empty_page_after = 2
    found = [r.id.text for r in arm.list(VAULTS, "2023-07-01")]
    assert found == expected
    assert len(sent(tenant, "GET")) > 4


def test_a_page_that_fails_fails_the_list(tenant: Tenant, arm: Arm) -> None:
    """A list is whole or not at all: a fault on a later page rises."""
    vaults(tenant, 4)
    tenant.listing.page_size = 2
    tenant.faults.add(Fault("status", skip=1, status=503, headers={"Retry-After": "9"}))
    with pytest.raises(Transient) as caught:
        list(arm.list(VAULTS, "2023-07-01"))
    assert caught.value.retry_after == 9


@pytest.mark.parametrize("end", [None, ""])
def test_every_way_in_which_a_list_ends(tenant: Tenant, mouth: Mouth, end: Any) -> None:
    """A next link that is null, empty or missing ends it."""
    items = [{"id": ACCOUNT}]
    arm = arm_of(tenant, mouth=mouth)
    for body in ({"value": items, "nextLink": end}, {"value": items}):
        mouth.answers = always(Said(200, body))
        assert [r.id.text for r in arm.list(VAULTS, "2023-07-01")] == [ACCOUNT]
    mouth.answers = always(Said(200, {"value": []}))
    assert list(arm.list(VAULTS, "2023-07-01")) == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"error": {"code": "X"}},
        {"properties": {}},
        {"value": None},
        {"value": {}},
        {"value": {"id": ACCOUNT}},
        {"value": "abc"},
        {"value": [{"id": ACCOUNT}, None]},
        {"value": [{"id": ACCOUNT}, 7]},
        {"value": [{"id": ACCOUNT}, {"id": 5}]},
        {"value": [{"id": ACCOUNT}, {"name": "nameless"}]},
    ],
)
def test_a_page_of_something_else_is_no_empty_list(
    tenant: Tenant, mouth: Mouth, body: dict[str, Any]
) -> None:
    """What cannot be told to be a resource may be the one that violates: the list is not had."""
    mouth.answers = always(Said(200, body))
    with pytest.raises(Transient, match="answered with a page"):
        list(arm_of(tenant, mouth=mouth).list(VAULTS, "2023-07-01"))


def test_the_next_link_is_followed_as_it_stands(tenant: Tenant, mouth: Mouth) -> None:
    """Its api-version, its token's spelling and an explicit port are Azure's own."""
    link = f"https://management.azure.com:443{VAULTS}?api-version=1999-01-01&%24skipToken=a%2Bb"
    mouth.answers = lambda _method, url: Said(
        200, {"value": [{"id": url}], "nextLink": None if "skipToken" in url else link}
    )
    found = list(arm_of(tenant, mouth=mouth).list(VAULTS, "2023-07-01"))
    assert len(found) == 2
    assert mouth.heard[1][1] == link


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/subscriptions",
        "https://management.azure.com.evil.example/x",
        "https://management.azure.com@evil.example/x",
        "https://management.azure.com:8443/x",
        "http://management.azure.com/x",
        "//evil.example/x",
        "/subscriptions/relative",
        "https://management.azure.com:port/x",
        "https://[evil/x",
        "javascript:alert(1)",
        7,
        {"href": "https://management.azure.com/x"},
    ],
)
def test_the_token_goes_to_no_other_host(tenant: Tenant, mouth: Mouth, link: Any) -> None:
    """A next link that leads elsewhere is refused, and nothing is sent there at all."""
    mouth.answers = always(Said(200, {"value": [], "nextLink": link}))
    with pytest.raises(Refused, match="another host") as caught:
        list(arm_of(tenant, mouth=mouth).list(VAULTS, "2023-07-01"))
    assert "\n" not in str(caught.value)
    assert len(mouth.heard) == 1


def test_pages_without_end(tenant: Tenant, mouth: Mouth) -> None:
    """A list whose pages lead in a circle is refused, not followed for ever."""
    here = f"https://management.azure.com{VAULTS}?api-version=2023-07-01"
    mouth.answers = always(Said(200, {"value": [], "nextLink": here}))
    with pytest.raises(Refused, match="do not end"):
        list(arm_of(tenant, mouth=mouth).list(VAULTS, "2023-07-01"))


# --- tokens


def test_an_expired_token_is_one_clear_line(tenant: Tenant, arm: Arm) -> None:
    """It says what was asked and what Azure said, and that it is the identity's matter."""
    tenant.faults.add(Fault("token-expired", times=0))
    with pytest.raises(Unauthenticated) as caught:
        arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert "401 ExpiredAuthenticationToken" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(sent(tenant, "GET")) == 1


def test_another_tenants_token(tenant: Tenant) -> None:
    """A token of another tenant's is refused in one line that names both."""

    class Foreign(Tenant):
        def token(self, identity: Identity, **more: Any) -> str:
            return super().token(identity, **{**more, "tenant_id": str(uuid.UUID(int=7))})

    foreign = Foreign(tenant.clock)
    with pytest.raises(Unauthenticated, match="InvalidAuthenticationTokenTenant") as caught:
        arm_of(foreign).get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert str(uuid.UUID(int=7)) in str(caught.value)


def test_no_token_to_be_had(tenant: Tenant) -> None:
    """Where the identity gives no token the call says so in one line, and asks Azure nothing."""
    from azure.identity import CredentialUnavailableError  # noqa: PLC0415  slow to import

    class Broken:
        def get_token(self, *_: str, **__: Any) -> Any:
            raise CredentialUnavailableError(message="no managed identity\nwas found here")

        get_token_info = get_token

    arm = Arm(Broken(), {}, tenant.clock.now, transport=transport(tenant))
    with pytest.raises(Unauthenticated, match="no managed identity was found here"):
        arm.get(ResourceId(ACCOUNT), API[ACCOUNT])
    assert tenant.requests == []
