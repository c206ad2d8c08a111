"""The entrance as Azure Functions calls it: through the package's own ASGI adapter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import azure.functions as func
import pytest
from starlette.applications import Starlette

from console import entrances
from console.safety import LARGEST
from shared.azure.signing_keys import signing_keys
from shared.settings import Settings
from simulator.adapter import transport
from simulator.tenant import TENANT_ID, Tenant
from tests.console.conftest import CLIENT, Sign

AZURE = {
    "WEBSITE_SITE_NAME": "gate",
    "WEBSITE_HOSTNAME": "gate.example",
    "WEBSITE_AUTH_ENABLED": "True",
    "PORTCULLIS_CONSOLE_TENANT": TENANT_ID,
    "PORTCULLIS_CONSOLE_CLIENT": CLIENT,
}


@pytest.fixture
def middleware(
    pages: Starlette, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> func.AsgiMiddleware:
    """The adapter around the guarded pages; Entra answers from the tenant."""

    def keys(authority: str, tenant_id: str) -> list[dict[str, Any]]:
        return signing_keys(authority, tenant_id, transport(tenant))

    monkeypatch.setattr("shared.azure.signing_keys.signing_keys", keys)
    settings = Settings.of(AZURE, Path("/app"))
    app = entrances.guarded(pages, settings, AZURE, tenant.clock.now)
    return func.AsgiMiddleware(app)  # type: ignore[no-untyped-call]


def call(
    middleware: func.AsgiMiddleware, method: str, body: bytes = b"", **headers: str
) -> func.HttpResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = func.HttpRequest(
        method, "https://gate.example/plans", headers=named, body=body, route_params={}
    )
    answer: func.HttpResponse = anyio.run(middleware.handle_async, asked, None)
    return answer


def test_the_adapter_changes_nothing(middleware: func.AsgiMiddleware, sign: Sign) -> None:
    """Who is known is known, in any casing of headers; others get one sentence."""
    known = call(middleware, "GET", X_MS_TOKEN_AAD_ID_TOKEN=sign())
    assert (known.status_code, b"petra@contoso.example" in known.get_body()) == (200, True)
    assert known.headers["strict-transport-security"]
    assert call(middleware, "GET", authorization=f"Bearer {sign()}").status_code == 200
    nobody = call(middleware, "GET")
    assert (nobody.status_code, b"Sign in first." in nobody.get_body()) == (401, True)


def test_what_is_sent_arrives_or_is_refused(middleware: func.AsgiMiddleware, sign: Sign) -> None:
    mine = {"X_MS_TOKEN_AAD_ID_TOKEN": sign(), "Origin": "https://gate.example"}
    assert b"approve=1" in call(middleware, "POST", b"approve=1", **mine).get_body()
    assert call(middleware, "POST", b"x" * (LARGEST + 1), **mine).status_code == 413
    other = {**mine, "Origin": "https://evil.example"}
    assert call(middleware, "POST", b"approve=1", **other).status_code == 403
