"""Signing in, by the real azure-identity: who is let in, and how Entra refuses the others."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential, WorkloadIdentityCredential

from simulator.adapter import transport
from simulator.clock import VirtualClock
from simulator.entra import AUTHORITY
from simulator.federation import Issuer
from simulator.jwt import claims_of
from simulator.tenant import Request, Response, Tenant
from tests.simulator.client import ALICE, GROUP, ROBOT

SCOPE = "https://management.azure.com/.default"
SUBJECT = "system:serviceaccount:portcullis:hand"
SECRET = "open sesame"  # noqa: S105  opens nothing
ANOTHER = "barley"
NOBODY = "99999999-9999-4999-8999-999999999999"
CLUSTER = Issuer("https://cluster.example/")
BY_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def _secret(tenant: Tenant, **instead: str) -> ClientSecretCredential:
    known = {"directory": tenant.tenant_id, "client": ROBOT.app_id or "", "secret": SECRET}
    given = {**known, **instead}
    return ClientSecretCredential(
        given["directory"],
        given["client"],
        given["secret"],
        transport=transport(tenant),
    )


def _reads(tenant: Tenant, token: str) -> Response:
    path = f"{GROUP}?api-version=2024-01-01"
    return tenant.handle(Request("GET", path, {"Authorization": f"Bearer {token}"}))


@pytest.fixture(autouse=True)
def robot(tenant: Tenant) -> None:
    tenant.entra.register(ROBOT, SECRET)
    tenant.entra.federate(ROBOT, CLUSTER, SUBJECT)


def test_a_secret_lets_an_app_in(tenant: Tenant) -> None:
    token = _secret(tenant).get_token(SCOPE).token
    assert claims_of(token)["appid"] == ROBOT.app_id
    assert _reads(tenant, token).status == 200
    assert tenant.requests[-1].identity == ROBOT.name
    assert len(tenant.requests) == 1, "signing in is no request to ARM"


def test_an_app_may_have_several_secrets(tenant: Tenant) -> None:
    tenant.entra.register(ROBOT, ANOTHER)
    assert _secret(tenant, secret=ANOTHER).get_token(SCOPE).token
    assert _secret(tenant).get_token(SCOPE).token


@pytest.mark.parametrize(
    ("instead", "why"),
    [
        ({"secret": "wrong"}, "AADSTS7000215: Invalid client secret"),
        ({"client": NOBODY}, f"AADSTS700016: Application with identifier '{NOBODY}'"),
        ({"directory": NOBODY}, f"{NOBODY}"),
    ],
)
def test_clients_hear_what_is_wrong(tenant: Tenant, instead: dict[str, str], why: str) -> None:
    with pytest.raises(ClientAuthenticationError, match=why):
        _secret(tenant, **instead).get_token(SCOPE)


@pytest.mark.parametrize(
    ("instead", "status", "error", "number"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": NOBODY}, 400, "unauthorized_client", 700016),
        ({"scope": None}, 400, "invalid_request", 900144),
        ({"scope": "https://management.azure.com/x"}, 400, "invalid_scope", 1002012),
        ({"scope": "https://nobody.example/.default"}, 400, "invalid_resource", 500011),
    ],
)
def test_refusals_are_in_entras_form(
    tenant: Tenant, instead: dict[str, str | None], status: int, error: str, number: int
) -> None:
    answer = _post(tenant, **instead)
    told = answer.json()
    assert (answer.status, told["error"], told["error_codes"]) == (status, error, [number])
    assert told["error_description"].startswith(f"AADSTS{number}: ")
    assert f"Trace ID: {told['trace_id']}" in told["error_description"]


def test_another_tenant_is_not_found(tenant: Tenant) -> None:
    path = f"{AUTHORITY}/{NOBODY}"
    discovery = tenant.handle(Request("GET", f"{path}/v2.0/.well-known/openid-configuration"))
    asked = tenant.handle(Request("POST", f"{path}/oauth2/v2.0/token", {}, b"client_id=x"))
    assert (discovery.status, discovery.json()["error"]) == (400, "invalid_tenant")
    assert (asked.status, asked.json()["error"]) == (400, "invalid_request")
    assert discovery.json()["error_codes"] == asked.json()["error_codes"] == [90002]


@pytest.mark.parametrize("grant", ["password", "refresh_token"])
def test_what_is_not_known_here_is_said(tenant: Tenant, grant: str) -> None:
    answer = _post(tenant, grant_type=grant)
    assert (answer.status, answer.json()["error"]["code"]) == (501, "SimulatorDoesNotKnow")
    elsewhere = tenant.handle(Request("GET", f"{AUTHORITY}/common/oauth2/v2.0/authorize"))
    assert elsewhere.status == 501


def _post(tenant: Tenant, **instead: str | None) -> Response:
    known = {
        "grant_type": "client_credentials",
        "client_id": ROBOT.app_id,
        "client_secret": SECRET,
        "scope": SCOPE,
    }
    form = {name: value for name, value in {**known, **instead}.items() if value is not None}
    url = f"{AUTHORITY}/{tenant.tenant_id}/oauth2/v2.0/token"
    return tenant.handle(Request("POST", url, {}, urlencode(form).encode()))


def test_a_user_has_no_registration(tenant: Tenant) -> None:
    with pytest.raises(ValueError, match="alice has no app id"):
        tenant.entra.register(ALICE, "secret")


def test_a_workload_is_let_in_by_its_clusters_word(tenant: Tenant, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(CLUSTER.assertion(SUBJECT, tenant.clock.now()), encoding="utf-8")
    credential = WorkloadIdentityCredential(
        tenant_id=tenant.tenant_id,
        client_id=ROBOT.app_id or "",
        token_file_path=str(file),
        transport=transport(tenant),
    )
    assert _reads(tenant, credential.get_token(SCOPE).token).status == 200


def _other_assertion(tenant: Tenant, what: str) -> str:
    now, later = tenant.clock.now(), timedelta(days=1)
    made: dict[str, Callable[[], str]] = {
        "expired": lambda: CLUSTER.assertion(SUBJECT, now - later),
        "early": lambda: CLUSTER.assertion(SUBJECT, now + later),
        "subject": lambda: CLUSTER.assertion("system:serviceaccount:other:hand", now),
        "issuer": lambda: Issuer("https://elsewhere.example/").assertion(SUBJECT, now),
        "audience": lambda: CLUSTER.assertion(SUBJECT, now, audience="api://other"),
        "forged": lambda: Issuer(CLUSTER.url).assertion(SUBJECT, now),
        "nonsense": lambda: "not.a-token",
    }
    return made[what]()


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("expired", 700024),
        ("early", 700024),
        ("issuer", 700211),
        ("subject", 700213),
        ("audience", 700212),
        ("forged", 700027),
        ("nonsense", 50027),
    ],
)
def test_a_bad_assertion_lets_nobody_in(tenant: Tenant, what: str, number: int) -> None:
    answer = _post(
        tenant,
        client_secret=None,
        client_assertion_type=BY_ASSERTION,
        client_assertion=_other_assertion(tenant, what),
    )
    told: dict[str, Any] = answer.json()
    assert told["error_codes"] == [number]
    assert "access_token" not in told


def test_tokens_are_kept_while_good_and_renewed_in_time(
    tenant: Tenant, clock: VirtualClock
) -> None:
    """The client keeps what lives long; what is about to end it asks for anew."""
    credential = _secret(tenant)
    assert credential.get_token(SCOPE).token == credential.get_token(SCOPE).token
    tenant.token_life = timedelta(minutes=4)
    short = _secret(tenant)
    first = short.get_token(SCOPE).token
    clock.advance(tenant.token_life)
    refused = _reads(tenant, first)
    assert (refused.status, refused.json()["error"]["code"]) == (401, "ExpiredAuthenticationToken")
    assert _reads(tenant, short.get_token(SCOPE).token).status == 200


CONSOLE = "c0000000-0000-4000-8000-00000000000c"


def _checked(tenant: Tenant, token: str) -> dict[str, Any]:
    """What a token says, its signature checked with the keys that Entra publishes."""
    url = f"{AUTHORITY}/{tenant.tenant_id}/discovery/v2.0/keys"
    keys = jwt.PyJWKSet.from_dict(tenant.handle(Request("GET", url)).json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    lax: Any = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}
    found: dict[str, Any] = jwt.decode(token, key, ["RS256"], audience=CONSOLE, options=lax)
    return found


def test_people_sign_in_to_an_app(tenant: Tenant) -> None:
    """With the app's roles, and signed so that the app can check it, also after a roll-over."""
    console = tenant.entra.expose(CONSOLE.upper())
    console.assign(ALICE, "Reader", "Operator")
    old = console.id_token(ALICE, tenant.clock.now())
    tenant.entra.rotate()
    new = console.access_token(ALICE, tenant.clock.now(), client="terminal")
    assert _checked(tenant, old)["roles"] == ["Operator", "Reader"]
    said = _checked(tenant, new)
    assert (said["oid"], said["scp"], said["azp"]) == (
        ALICE.object_id,
        "user_impersonation",
        "terminal",
    )
    assert said["iss"] == f"{AUTHORITY}/{tenant.tenant_id}/v2.0"
    assert said["sub"] != ALICE.object_id
    assert old.partition(".")[0] != new.partition(".")[0]


def test_an_app_gets_a_token_for_another_app(tenant: Tenant) -> None:
    """For itself: nobody's consent is in it, and subject and object are one."""
    tenant.entra.expose(CONSOLE).assign(ROBOT, "Reader")
    token = _secret(tenant).get_token(f"api://{CONSOLE}/.default").token
    said = _checked(tenant, token)
    assert (said["sub"], said["azp"], said["roles"]) == (
        ROBOT.object_id,
        ROBOT.app_id,
        ["Reader"],
    )
    assert "scp" not in said
    assert _reads(tenant, token).status == 401, "Azure takes no token for an app"
