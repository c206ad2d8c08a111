"""The tenant over TLS on loopback, for clients that cannot be given an object.

Unmodified azure-identity and azure-core reach it with environment variables alone: ARM's
endpoint, the certificate bundle, and the managed-identity endpoint of App Service.
"""

import asyncio
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from uvicorn.protocols.http.h11_impl import H11Protocol

from simulator.call import Identity
from simulator.faults import Lost
from simulator.tenant import Tenant
from simulator.tls import issue
from simulator.wire import Request, Response, answer

ARM_VARIABLE = "PORTCULLIS_ARM_ENDPOINT"
_METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]
_GRACE = 10.0
_HOPELESS = 3600.0


@dataclass
class Serving:
    """A running server.

    `environment` holds the variables that point a client at it; the managed identity that they
    give is `identity`.
    """

    url: str
    port: int
    ca_bundle: Path
    environment: dict[str, str]
    identity: Identity
    _transports: "_Transports"

    @property
    def connections(self) -> int:
        """TCP connections accepted so far."""
        return self._transports.accepted


@contextmanager
def serve(
    tenant: Tenant,
    port: int = 0,
    *,
    identity: Identity | None = None,
    folder: Path | None = None,
) -> Iterator[Serving]:
    """Serve `tenant` on 127.0.0.1; port 0 lets the system choose.

    `identity` is whom the managed-identity endpoint gives tokens for; by default a service
    principal named `managed-identity`. Certificates go to `folder`, or to one that is removed
    at the end. Raises OSError where the port is taken.
    """
    with tempfile.TemporaryDirectory() as scratch:
        certificates = issue(folder or Path(scratch))
        who = identity or managed_identity()
        secret = secrets.token_hex(16)
        transports = _Transports()
        listener = _listen(port)
        chosen = int(listener.getsockname()[1])
        url = f"https://127.0.0.1:{chosen}"
        config = uvicorn.Config(
            _application(tenant, who, secret, transports),
            http=transports.protocol(),
            lifespan="off",
            log_level="warning",
            access_log=False,
            ssl_certfile=certificates.server,
            ssl_keyfile=certificates.server,
            timeout_graceful_shutdown=1,
        )
        with _running(_Server(config, transports), listener):
            environment = {
                "IDENTITY_ENDPOINT": f"{url}/msi/token",
                "IDENTITY_HEADER": secret,
                "REQUESTS_CA_BUNDLE": str(certificates.ca_bundle),
                "SSL_CERT_FILE": str(certificates.ca_bundle),
                ARM_VARIABLE: url,
            }
            yield Serving(url, chosen, certificates.ca_bundle, environment, who, transports)


def managed_identity() -> Identity:
    """The identity of an app that nobody named."""
    return Identity(
        "managed-identity",
        "33333333-3333-4333-8333-333333333333",
        app_id="44444444-4444-4444-8444-444444444444",
        kind="ServicePrincipal",
    )


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(1024)
    return listener


@contextmanager
def _running(server: uvicorn.Server, listener: socket.socket) -> Iterator[None]:
    def run() -> None:
        asyncio.run(server.serve(sockets=[listener]))

    thread = threading.Thread(target=run, name="simulated-azure", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise OSError("the simulated tenant's server did not start")
            time.sleep(0.005)
        yield
    finally:
        server.should_exit = True
        thread.join(_GRACE)
        listener.close()


class _Transports:
    """The server's connections: counted, hurried on, and broken when trouble is ordered."""

    def __init__(self) -> None:
        """Begin without any."""
        self.accepted = 0
        self._open: dict[int, Any] = {}

    def opened(self, transport: Any) -> None:
        self.accepted += 1
        self._open[transport.get_extra_info("peername")[1]] = transport

    def closed(self, transport: Any) -> None:
        self._open = {port: one for port, one in self._open.items() if one is not transport}

    def abort(self, client_port: int) -> None:
        """Cut the connection that comes from a client's port, with what was not sent."""
        transport = self._open.get(client_port)
        if transport is not None:
            transport.abort()

    async def abort_all(self) -> None:
        """Cut every connection, and let the loop notice before it ends."""
        while self._open:
            for transport in list(self._open.values()):
                transport.abort()
            await asyncio.sleep(0)

    def protocol(self) -> type[H11Protocol]:
        """An HTTP protocol for uvicorn that reports here."""
        transports = self

        class Reporting(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                transports.opened(transport)
                _hurry(transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.closed(self.transport)
                super().connection_lost(exc)

            def data_received(self, data: bytes) -> None:
                # The kernel falls back to delayed acknowledgements; ask anew each time.
                _hurry(self.transport)
                super().data_received(data)

        return Reporting


class _Server(uvicorn.Server):
    """Ends at once: no client of a simulated tenant is owed a long goodbye."""

    def __init__(self, config: uvicorn.Config, transports: _Transports) -> None:
        """Serve by `config`; `transports` are cut at the end."""
        super().__init__(config)
        self._transports = transports

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._transports.abort_all()
        await super().shutdown(sockets)


def _hurry(transport: Any) -> None:
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _application(
    tenant: Tenant, identity: Identity, secret: str, transports: _Transports
) -> Starlette:
    async def arm(request: HttpRequest) -> HttpResponse:
        body = await request.body()
        sent = Request(request.method, _url(request), dict(request.headers), body)
        try:
            received = tenant.handle(sent)
        except Lost as lost:
            await _lose(request, transports, timed_out=lost.timed_out)
            return HttpResponse(status_code=499)
        return _http(received)

    async def token(request: HttpRequest) -> HttpResponse:
        if not secrets.compare_digest(request.headers.get("x-identity-header", ""), secret):
            return _http(
                answer(401, {"statusCode": 401, "message": "The identity header is wrong."})
            )
        resource = request.query_params.get("resource")
        if not resource:
            return _http(answer(400, {"statusCode": 400, "message": "resource is required."}))
        return _http(answer(200, _token_body(tenant, identity, resource)))

    return Starlette(
        routes=[
            Route("/msi/token", token, methods=["GET"]),
            Route("/{path:path}", arm, methods=_METHODS),
        ]
    )


def _token_body(tenant: Tenant, identity: Identity, resource: str) -> dict[str, str]:
    """App Service's form; the expiry is on the client's clock, which is the real one."""
    life = int(tenant.tokens.life.total_seconds())
    return {
        "access_token": tenant.token(identity),
        "expires_on": str(int(time.time()) + life),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": identity.app_id or "",
    }


async def _lose(request: HttpRequest, transports: "_Transports", *, timed_out: bool) -> None:
    """Leave the client without an answer: until it hangs up, or by breaking the connection."""
    if not timed_out and request.client is not None:
        transports.abort(request.client.port)
    with suppress(TimeoutError):
        async with asyncio.timeout(_HOPELESS):
            while (await request.receive())["type"] != "http.disconnect":
                pass


def _url(request: HttpRequest) -> str:
    """The URL as the client wrote it: escapes are the tenant's to undo, once."""
    scope = request.scope
    query = scope["query_string"].decode("latin-1")
    path = scope["raw_path"].decode("latin-1")
    host = request.headers.get("host", "management.azure.com")
    return f"https://{host}{path}{'?' if query else ''}{query}"


def _http(response: Response) -> HttpResponse:
    return HttpResponse(response.body, response.status, response.headers)
