"""The function app over HTTP, as its host serves it.

HTTP functions by their routes, Event Grid's webhook, and everything else is the console's.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.host import WEBHOOK, Host
from simulator.wire import Request


@dataclass
class Site:
    """An ASGI application; `console` answers what is no function's."""

    host: Host
    console: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].rstrip("/")
        if path.casefold() == WEBHOOK:
            answer = await self._event_grid(HttpRequest(scope, receive))
        elif scope["method"] == "GET" and path.strip("/") in self.host.routes:
            answer = await run_in_threadpool(self._function, path)
        else:
            await self.console(scope, receive, send)
            return
        await answer(scope, receive, send)

    def _function(self, path: str) -> HttpResponse:
        given = self.host.request("GET", path)
        return HttpResponse(given.get_body(), given.status_code, media_type=given.mimetype)

    async def _event_grid(self, request: HttpRequest) -> HttpResponse:
        sent = Request(
            request.method, str(request.url), dict(request.headers), await request.body()
        )
        given = await run_in_threadpool(self.host.webhook, sent)
        return HttpResponse(given.body, given.status, given.headers)
