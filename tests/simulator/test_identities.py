"""Tokens: whom they name, how long they are good, and how bad ones are refused."""

from datetime import timedelta

import pytest

from simulator.adapter import TenantCredential
from simulator.clock import VirtualClock
from simulator.faults import Fault
from simulator.jwt import claims_of
from simulator.tenant import Request, Tenant
from tests.simulator.client import ALICE, GROUP, ROBOT, Client, code

PATH = f"{GROUP}?api-version=2024-01-01"
_ARM_HOSTS = ("azure.com", "azure.com/", "core.windows.net", "core.windows.net/")


def _ask(tenant: Tenant, authorization: str | None) -> tuple[int, str]:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = tenant.handle(Request("GET", PATH, headers))
    challenge = answer.headers.get("WWW-Authenticate", "")
    assert (answer.status == 401) is challenge.startswith("Bearer authorization_uri=")
    return answer.status, answer.json().get("error", {}).get("code", "")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "AuthenticationFailed"),
        ("", "AuthenticationFailed"),
        ("Bearer", "AuthenticationFailedInvalidHeader"),
        ("Basic abc", "AuthenticationFailedInvalidHeader"),
        ("Bearer nonsense", "InvalidAuthenticationToken"),
    ],
)
def test_without_a_known_token_nobody_is_let_in(
    tenant: Tenant, header: str | None, expected: str
) -> None:
    assert _ask(tenant, header) == (401, expected)


def test_a_token_says_whose_it_is_and_what_for(tenant: Tenant, clock: VirtualClock) -> None:
    """Clients read these claims; times are the tenant's."""
    now = int(clock.now().timestamp())
    robot = claims_of(tenant.token(ROBOT, audience="https://vault.azure.net"))
    assert robot["aud"] == "https://vault.azure.net"
    assert robot["iss"] == f"https://sts.windows.net/{tenant.tenant_id}/"
    assert (robot["oid"], robot["appid"]) == (ROBOT.object_id, ROBOT.app_id)
    assert (robot["nbf"], robot["exp"], robot["tid"]) == (now, now + 3600, tenant.tenant_id)
    assert (robot["idtyp"], claims_of(tenant.token(ALICE))["upn"]) == ("app", ALICE.upn)


def test_a_token_that_was_tampered_with_is_nobodys(tenant: Tenant) -> None:
    """Whoever writes another name into a token has none."""
    head, _, signature = tenant.token(ROBOT).split(".")
    body = tenant.token(ALICE).split(".")[1]
    assert _ask(tenant, f"Bearer {head}.{body}.{signature}") == (401, "InvalidAuthenticationToken")


@pytest.mark.parametrize("audience", [f"https://management.{h}" for h in _ARM_HOSTS])
def test_arm_takes_its_own_tokens(tenant: Tenant, audience: str) -> None:
    assert _ask(tenant, f"Bearer {tenant.token(ALICE, audience=audience)}") == (200, "")


@pytest.mark.parametrize("audience", ["https://graph.microsoft.com", "https://vault.azure.net"])
def test_arm_refuses_tokens_for_others(tenant: Tenant, audience: str) -> None:
    token = tenant.token(ALICE, audience=audience)
    assert _ask(tenant, f"Bearer {token}") == (401, "InvalidAuthenticationTokenAudience")


def test_a_token_is_good_for_an_hour(tenant: Tenant, clock: VirtualClock) -> None:
    token = tenant.add_identity(ALICE)
    clock.advance(timedelta(minutes=59))
    assert _ask(tenant, f"Bearer {token}") == (200, "")
    clock.advance(timedelta(minutes=1))
    assert _ask(tenant, f"Bearer {token}") == (401, "ExpiredAuthenticationToken")
    assert _ask(tenant, f"Bearer {tenant.token(ALICE)}") == (200, "")


def test_a_tokens_life_can_be_set(tenant: Tenant, clock: VirtualClock) -> None:
    tenant.token_life = timedelta(minutes=5)
    token = tenant.token(ALICE)
    clock.advance(tenant.token_life)
    assert _ask(tenant, f"Bearer {token}") == (401, "ExpiredAuthenticationToken")


def test_another_tenants_token_is_refused(tenant: Tenant) -> None:
    token = tenant.token(ALICE, tenant_id="99999999-9999-4999-8999-999999999999")
    assert _ask(tenant, f"Bearer {token}") == (401, "InvalidAuthenticationTokenTenant")


def test_the_log_names_who_asked(tenant: Tenant) -> None:
    Client(tenant, ALICE).get(GROUP)
    Client(tenant, ROBOT).get(GROUP)
    _ask(tenant, None)
    assert [entry.identity for entry in tenant.requests] == ["alice", "robot", ""]


def test_a_credential_renews_on_the_tenants_clock(tenant: Tenant, clock: VirtualClock) -> None:
    """A client that lives for days of virtual time is never locked out by its own token."""
    arm = Client(tenant)
    for _ in range(4):
        assert arm.get(GROUP).status_code == 200
        clock.advance(timedelta(hours=7))
    credential = TenantCredential(tenant, ROBOT)
    assert credential.get_token("scope").token == credential.get_token_info("scope").token


def test_a_token_can_be_made_to_expire(tenant: Tenant, arm: Client) -> None:
    tenant.faults.add(Fault("token-expired"))
    assert code(arm.get(GROUP)) == "ExpiredAuthenticationToken"
    assert arm.get(GROUP).status_code == 200
