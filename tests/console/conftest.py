"""Pages behind an entrance, and a tenant whose people knock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.app_tokens import Application
from simulator.clock import VirtualClock
from simulator.tenant import Identity, Tenant

CLIENT = "c0000000-0000-4000-8000-00000000000c"
PETRA = Identity("Petra", "aaaaaaaa-0000-4000-8000-00000000000a", upn="petra@contoso.example")
DAEMON = Identity(
    "reports",
    "bbbbbbbb-0000-4000-8000-00000000000b",
    app_id="dddddddd-0000-4000-8000-00000000000d",
    kind="ServicePrincipal",
)


async def who(request: Request) -> Response:
    """Says who asks, and what came with it."""
    person = request.state.person
    sent = (await request.body()).decode()
    roles = sorted(person.roles)
    return JSONResponse({"name": person.name, "id": person.id, "roles": roles, "sent": sent})


async def static(request: Request) -> Response:
    del request
    return PlainTextResponse("body {}", headers={"Cache-Control": "public", "X-Frame-Options": "x"})


@pytest.fixture
def pages() -> Starlette:
    """What lies behind: every page says who asks."""
    return Starlette(
        routes=[
            Route("/static/{path:path}", static),
            Route("/{path:path}", who, methods=["GET", "POST", "PUT", "DELETE"]),
        ]
    )


@pytest.fixture
def tenant(clock: VirtualClock) -> Tenant:
    return Tenant(clock)


@pytest.fixture
def registration(tenant: Tenant) -> Application:
    """The console's app registration, where Petra may do everything."""
    made = tenant.entra.expose(CLIENT)
    made.assign(PETRA, "Reader", "Approver", "Operator")
    return made


Sign = Callable[..., str]


@pytest.fixture
def sign(registration: Application, tenant: Tenant) -> Sign:
    """An ID token for Petra with some claims changed; None takes one out."""

    def signed(**changed: Any) -> str:
        claims = {**registration.claims(PETRA, tenant.clock.now()), **changed}
        kept = {name: value for name, value in claims.items() if value is not None}
        return registration.keys[0].sign(kept)

    return signed
