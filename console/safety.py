"""What stands around the whole console: nothing gets in unproven, nothing goes out unguarded.

One ASGI application around another. It knows no page and no record; what it answers by itself
says nothing about the estate.
"""

from __future__ import annotations

import html
from http import HTTPStatus
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.entrance import Entrance, Shut

LARGEST: Final = 64 * 1024
"""Bytes of a request's body; forms here hold a reason and an id."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""
_PROBLEM: Final = "application/problem+json"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_YEAR: Final = 365 * 24 * 60 * 60


class Guarded:
    """`app` behind `entrance`; `request.state.person` is who asks.

    `origins` are the console's own, as browsers write them (`https://gate.example.org`), all
    https; none where the entrance itself has made sure of the Host header, which then tells.
    """

    def __init__(
        self, app: ASGIApp, entrance: Entrance, origins: frozenset[str] = frozenset()
    ) -> None:
        self._app = app
        self._entrance = entrance
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, self._sending(scope, send))
        else:
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        try:
            arrived = await run_in_threadpool(self._entrance.arrive, request)
            if arrived is not None:
                await arrived(scope, receive, send)
                return
            person = await run_in_threadpool(self._entrance.person, request)
            self._check_origin(request)
            body = await _whole(request, receive)
        except Shut as shut:
            await refusal(request, shut)(scope, receive, send)
            return
        if body is None:
            return
        state = {**(scope.get("state") or {}), "person": person}
        # Whoever answers GET answers HEAD: what is sent back loses its body on the way.
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        await self._app({**scope, "state": state, "method": method}, _replay(body, receive), send)

    def _check_origin(self, request: Request) -> None:
        """Let no page of another site send anything.

        Raises:
            Shut: the browser says that one does.
        """
        if request.method in SAFE:
            return
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        # A form of a page without referrer is sent with this origin, also to its own site.
        hidden = site is not None and origin == "null"
        foreign = origin is not None and not hidden and origin not in self._own(request)
        if foreign or site not in {None, "same-origin"}:
            raise Shut(403, "This was sent by another site.")

    def _own(self, request: Request) -> frozenset[str]:
        host = request.headers.get("host", "")
        return self._origins or frozenset({f"{request.scope['scheme']}://{host}"})

    def _sending(self, scope: Scope, send: Send) -> Send:
        """`send` with what every answer says, and without a body for who asked for none."""
        headless = scope["method"] == "HEAD"

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", [])
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers["Cache-Control"] = _caching(scope, message["status"])
                if self._origins:
                    headers["Strict-Transport-Security"] = f"max-age={_YEAR}"
            elif message["type"] == "http.response.body" and headless:
                message = {**message, "body": b""}
            await send(message)

        return guarded


def _caching(scope: Scope, status: int) -> str:
    """Nothing is kept by a browser but files whose address changes with what is in them."""
    versioned = scope["path"].startswith("/static/") and b"v=" in scope["query_string"]
    if versioned and status == HTTPStatus.OK:
        return f"private, max-age={_YEAR}, immutable"
    return "no-store"


async def _whole(request: Request, receive: Receive) -> bytes | None:
    """The body; None where the client went away before its end.

    Raises:
        Shut: it is too long.
    """
    told = request.headers.get("content-length", "0")
    if not told.isdecimal() or int(told) > LARGEST:
        raise Shut(413, f"At most {LARGEST // 1024} KB can be sent here.")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > LARGEST:
            raise Shut(413, f"At most {LARGEST // 1024} KB can be sent here.")
        more = message.get("more_body", False)
    return bytes(body)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Hands out a body that was read before, and then whatever comes."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return left.pop() if left else await receive()

    return again


def refusal(request: Request, shut: Shut) -> Response:
    """The answer to a request that gets nothing: a problem for programs, a page for people."""
    headers = {"WWW-Authenticate": "Bearer"} if shut.status == HTTPStatus.UNAUTHORIZED else {}
    title = HTTPStatus(shut.status).phrase
    if is_api(request.scope["path"]):
        problem = {"type": "about:blank", "title": title, "status": shut.status}
        return JSONResponse(
            {**problem, "detail": str(shut)}, shut.status, headers, media_type=_PROBLEM
        )
    link = f'<p><a href="{html.escape(shut.sign_in)}">Sign in</a></p>' if shut.sign_in else ""
    page = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{title} - Portcullis</title></head>"
        f"<body><main><h1>{title}</h1><p>{html.escape(str(shut))}</p>{link}</main></body></html>"
    )
    return HTMLResponse(page, shut.status, headers)


def is_api(path: str) -> bool:
    """Whether programs ask here, and want their answers in JSON."""
    return path == "/api" or path.startswith("/api/")
