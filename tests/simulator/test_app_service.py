"""The platform in front of an app: whom it lets through, and what it says of them."""

from __future__ import annotations

import base64
import json
from typing import Any

import anyio
import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from simulator.app_service import SESSION, Authentication
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from tests.simulator.client import ALICE, ROBOT

CLIENT = "c0000000-0000-4000-8000-00000000000c"
SPOOFED = {
    "X-MS-CLIENT-PRINCIPAL-NAME": "root",
    "x-ms-token-aad-id-token": "forged",
    "X-MS-Client-Principal": "e30=",
}


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the headers that reach it."""
    sent = Request(scope).headers
    told = {name: value for name, value in sent.items() if name.startswith("x-ms-")}
    await JSONResponse(told)(scope, receive, send)


@pytest.fixture
def platform(tenant: Tenant, clock: VirtualClock) -> Authentication:
    tenant.entra.expose(CLIENT).assign(ALICE, "Reader")
    issuer = f"https://login.microsoftonline.com/{tenant.tenant_id}/v2.0"
    settings = {
        "platform": {"enabled": True},
        "globalValidation": {"requireAuthentication": True, "excludedPaths": ["/open", "/all/*"]},
        "identityProviders": {
            "azureActiveDirectory": {
                "registration": {"openIdIssuer": issuer, "clientId": CLIENT},
            }
        },
        "login": {"tokenStore": {"enabled": True}},
    }
    return Authentication(app, settings, tenant.entra, clock.now)


def ask(platform: Authentication, path: str = "/", **options: Any) -> httpx.Response:
    async def asked() -> httpx.Response:
        through = httpx.ASGITransport(platform)
        cookies = options.pop("cookies", None)
        async with httpx.AsyncClient(
            transport=through, base_url="https://app.example", cookies=cookies
        ) as client:
            return await client.get(path, **options)

    return anyio.run(asked)


def changed(platform: Authentication, **validation: Any) -> None:
    platform.settings = {**platform.settings, "globalValidation": validation}


@pytest.mark.parametrize(
    ("action", "status"),
    [(None, 401), ("Return401", 401), ("Return403", 403), ("AllowAnonymous", 200)],
)
def test_what_becomes_of_nobody(platform: Authentication, action: str | None, status: int) -> None:
    said = {"unauthenticatedClientAction": action} if action else {}
    changed(platform, requireAuthentication=True, **said)
    assert ask(platform).status_code == status


def test_an_action_that_is_none_is_refused(platform: Authentication, tenant: Tenant) -> None:
    changed(platform, unauthenticatedClientAction="Shrug")
    with pytest.raises(ValueError, match="unauthenticatedClientAction"):
        Authentication(app, platform.settings, tenant.entra, tenant.clock.now)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/open", 200),
        ("/OPEN", 200),
        ("/open/x", 401),
        ("/opening", 401),
        ("/all/x/y", 200),
        ("/all", 401),
        ("/allowed", 401),
    ],
)
def test_excluded_paths(platform: Authentication, path: str, status: int) -> None:
    """A path is itself, one with a star what is below it; headers are taken away there too."""
    answer = ask(platform, path, headers=SPOOFED)
    assert answer.status_code == status
    assert status == 401 or answer.json() == {}


def test_who_is_signed_in_is_told(platform: Authentication, clock: VirtualClock) -> None:
    """In place of what was sent, until the session ends; `/.auth/me` says it to the browser."""
    cookies = platform.sign_in(ALICE)
    told = ask(platform, cookies=cookies, headers=SPOOFED).json()
    assert told["x-ms-client-principal-id"] == ALICE.object_id
    assert told["x-ms-client-principal-name"] == ALICE.upn
    assert told["x-ms-client-principal-idp"] == "aad"
    principal = json.loads(base64.b64decode(told["x-ms-client-principal"]))
    assert {"typ": "roles", "val": "Reader"} in principal["claims"]
    token = told["x-ms-token-aad-id-token"]
    (me,) = ask(platform, "/.auth/me", cookies=cookies).json()
    assert (me["id_token"], me["user_id"]) == (token, ALICE.upn)
    clock.advance(SESSION)
    assert ask(platform, cookies=cookies).status_code == 401
    assert ask(platform, "/.auth/me", cookies=cookies).status_code == 401


def test_a_client_comes_with_a_token(
    platform: Authentication, tenant: Tenant, clock: VirtualClock
) -> None:
    """For this app, of this tenant, in time; its own signature it keeps to itself."""
    application = tenant.entra.applications[CLIENT]
    good = application.access_token(ROBOT, clock.now())
    told = ask(platform, headers={"Authorization": f"Bearer {good}"}).json()
    assert told["x-ms-client-principal-id"] == ROBOT.object_id
    assert "x-ms-token-aad-id-token" not in told
    claims = application.claims(ALICE, clock.now())
    key = application.keys[0]
    for bad in ({"aud": "another"}, {"iss": "another"}, {"exp": claims["nbf"]}):
        header = {"Authorization": f"Bearer {key.sign({**claims, **bad})}"}
        assert ask(platform, headers=header).status_code == 401
    forged = {"Authorization": f"Bearer {good[:-4]}AAAA"}
    assert ask(platform, headers=forged).status_code == 401


def test_turned_off_it_lets_everything_through(platform: Authentication) -> None:
    """Forged headers too, which is why the app must know; it is told by a variable."""
    assert platform.environment == {"WEBSITE_AUTH_ENABLED": "True"}
    platform.settings = {**platform.settings, "platform": {"enabled": False}}
    assert platform.environment == {"WEBSITE_AUTH_ENABLED": "False"}
    assert ask(platform, headers=SPOOFED).json()["x-ms-client-principal-name"] == "root"
