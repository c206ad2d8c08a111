"""The tenant over TLS on loopback, for clients that cannot be given an object.

Unmodified clients reach it with environment variables alone, in two forms. Direct: ARM's endpoint,
the certificate bundle, and the managed-identity endpoint of App Service. Proxied: Azure's own host
names through a proxy, and a client secret.
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

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import Response as HttpResponse
from starlette.routing import Route

from simulator.audiences import is_known
from simulator.call import Identity
from simulator.connections import Transports
from simulator.faults import Lost
from simulator.latency import Latency
from simulator.proxy import Proxy
from simulator.tenant import Tenant
from simulator.tls import issue
from simulator.wire import ARM, Request, Response, answer

ARM_VARIABLE = "PORTCULLIS_ARM_ENDPOINT"
_METHODS = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"]
_GRACE = 10.0
_HOPELESS = 3600.0


@dataclass
class Serving:
    """A running server.

    `environment` points a client at it directly, as a managed identity; `proxied` lets a client
    that knows nothing but Azure's host names find it, signed in by a client secret. Whom both
    give is `identity`; for a user, who has no app registration, `proxied` names no secret.
    `latency` is the way there and back: none, until it is changed.
    """

    url: str
    port: int
    ca_bundle: Path
    environment: dict[str, str]
    proxied: dict[str, str]
    identity: Identity
    latency: Latency
    _transports: Transports
    _proxy: Proxy

    @property
    def connections(self) -> int:
        """TCP connections accepted so far."""
        return self._transports.accepted

    @property
    def turned_away(self) -> list[str]:
        """The first lines of requests that the proxy refused, oldest first."""
        return list(self._proxy.turned_away)


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
        transports, latency = Transports(), Latency()
        listener, door = _listen(port), _listen(0)
        chosen = _port_of(listener)
        proxy = Proxy(chosen)
        config = uvicorn.Config(
            _application(tenant, who, secret, transports, latency),
            http=transports.protocol(),
            lifespan="off",
            log_level="warning",
            access_log=False,
            ssl_certfile=certificates.server,
            ssl_keyfile=certificates.server,
            timeout_graceful_shutdown=1,
        )
        with _running(_Server(config, transports), listener, proxy, door):
            url = f"https://127.0.0.1:{chosen}"
            trust = {
                "REQUESTS_CA_BUNDLE": str(certificates.ca_bundle),
                "SSL_CERT_FILE": str(certificates.ca_bundle),
            }
            direct = {
                "IDENTITY_ENDPOINT": f"{url}/msi/token",
                "IDENTITY_HEADER": secret,
                **trust,
                ARM_VARIABLE: url,
            }
            proxied = {
                "HTTPS_PROXY": f"http://127.0.0.1:{_port_of(door)}",
                "NO_PROXY": "",
                **trust,
                "CURL_CA_BUNDLE": str(certificates.ca_bundle),
                **_client_secret(tenant, who),
            }
            bundle = certificates.ca_bundle
            yield Serving(url, chosen, bundle, direct, proxied, who, latency, transports, proxy)


def _client_secret(tenant: Tenant, identity: Identity) -> dict[str, str]:
    """Register an app with a secret of its own; nothing for a user."""
    if not identity.app_id:
        return {}
    secret = secrets.token_hex(20)
    tenant.entra.register(identity, secret)
    return {
        "AZURE_TENANT_ID": tenant.tenant_id,
        "AZURE_CLIENT_ID": identity.app_id,
        "AZURE_CLIENT_SECRET": secret,
    }


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


def _port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@contextmanager
def _running(
    server: uvicorn.Server, listener: socket.socket, proxy: Proxy, door: socket.socket
) -> Iterator[None]:
    async def run() -> None:
        through = await proxy.listen(door)
        try:
            await server.serve(sockets=[listener])
        finally:
            through.close()
            proxy.cut()

    thread = threading.Thread(
        target=lambda: asyncio.run(run()), name="simulated-azure", daemon=True
    )
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


class _Server(uvicorn.Server):
    """Ends at once: no client of a simulated tenant is owed a long goodbye."""

    def __init__(self, config: uvicorn.Config, transports: Transports) -> None:
        """Serve by `config`; `transports` are cut at the end."""
        super().__init__(config)
        self._transports = transports

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._transports.abort_all()
        await super().shutdown(sockets)


def _application(
    tenant: Tenant, identity: Identity, secret: str, transports: Transports, latency: Latency
) -> Starlette:
    async def arm(request: HttpRequest) -> HttpResponse:
        body = await request.body()
        await asyncio.sleep(latency.of(request.method, request.url.path))
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
        if resource.rstrip("/") == f"https://{request.headers.get('host')}":
            resource = ARM
        if not is_known(resource):
            why = f"AADSTS500011: The resource principal named {resource} was not found."
            return _http(answer(400, {"statusCode": 400, "message": why}))
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
        "access_token": tenant.token(identity, audience=resource),
        "expires_on": str(int(time.time()) + life),
        "resource": resource,
        "token_type": "Bearer",
        "client_id": identity.app_id or "",
    }


async def _lose(request: HttpRequest, transports: Transports, *, timed_out: bool) -> None:
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
