"""The tenant over TLS and the function app, running until Ctrl-C: for a person to play with."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import socket
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from rich.console import Console
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from shared.errors import PortcullisError
from shared.hints import HINTS
from simulator import contoso
from simulator.alone import AZ_LOGIN, exports, stopping
from simulator.clock import WallClock
from simulator.host import Host
from simulator.server import Serving, serve
from simulator.tenant import Tenant

HERE = Path(".portcullis")
TOLD = HERE / "up.json"
POLL = 0.5


def main() -> int:
    out = Console(highlight=False)
    if (pid := _other()) is not None:
        out.print(f"make up runs already, as process {pid}: stop it first", style="red")
        return 1
    HERE.mkdir(exist_ok=True)
    tenant = Tenant(WallClock())
    contoso.estate(tenant)
    own = {
        "PORTCULLIS_APP": "all",
        "PORTCULLIS_STATE": str(HERE / "state.db"),
        "PORTCULLIS_RECORDS": str(HERE / "records.jsonl"),
        "PORTCULLIS_IDENTITIES": contoso.GATE.object_id,
    }
    # One door for the app's identity, one for yours: what you change is not taken for its work.
    with (
        serve(tenant, identity=contoso.GATE, folder=HERE / "tls" / "app") as apps,
        serve(tenant, identity=contoso.YOU, folder=HERE / "tls" / "you") as yours,
    ):
        os.environ.update({**apps.environment, **own})
        _fresh_state()
        with _app(tenant, out) as url:
            environment = {**yours.environment, **own}
            told = {"pid": os.getpid(), "console": url, "token": "", "environment": environment}
            _write(TOLD, json.dumps(told, indent=2))
            try:
                _greet(out, yours.url, url, yours.environment)
                lead_az(out, tenant, yours)
                stopping().wait()
            finally:
                TOLD.unlink(missing_ok=True)
    out.print("stopped")
    return 0


def _other() -> int | None:
    """The process of another `make up` in this folder."""
    try:
        pid = int(json.loads(TOLD.read_text(encoding="utf-8"))["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return pid


def _fresh_state() -> None:
    """The tenant is new at every start, so what was remembered of the last one is not true."""
    for name in ("state.db", "state.db-wal", "state.db-shm"):
        (HERE / name).unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner alone: it holds the way in."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)


@contextlib.contextmanager
def _app(tenant: Tenant, out: Console) -> Iterator[str]:
    """The function app under its host, with Event Grid's part played; its address."""
    import function_app  # noqa: PLC0415  reads the environment that was just set

    gate = function_app.gate()
    host = Host(function_app.app, gate.state.store, lambda: datetime.now(UTC))
    over = threading.Event()

    def answer(request: Request) -> Response:
        given = host.request(request.method, request.url.path)
        return Response(given.get_body(), given.status_code, media_type=given.mimetype)

    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    routes = [Route("/{path:path}", answer, methods=["GET"])]
    config = uvicorn.Config(Starlette(routes=routes), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    threads = [
        threading.Thread(target=_work, args=(tenant, host, over, out), daemon=True),
        threading.Thread(target=_serve, args=(server, listener), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        server.should_exit = True
        for thread in threads:
            thread.join(10)
        gate.worker.ship(gate.sinks)
        gate.close()


def _work(tenant: Tenant, host: Host, over: threading.Event, out: Console) -> None:
    """Deliver events and run what is due, until over."""
    while not over.wait(POLL):
        try:
            for message in tenant.events.take_messages():
                host.store.send(HINTS, message)
            host.work()
        except PortcullisError as error:
            out.print(f"the host: {error}", style="red", markup=False)
        while host.failures:
            name, failure = host.failures.pop(0)
            out.print(f"{name} failed: {failure}", style="red", markup=False)


def _serve(server: uvicorn.Server, listener: socket.socket) -> None:
    asyncio.run(server.serve(sockets=[listener]))


def _greet(out: Console, arm: str, app: str, environment: dict[str, Any]) -> None:
    out.print("[bold]Portcullis is up[/] over a simulated tenant; Ctrl-C stops both.")
    out.print(f"  the app's health     {app}/health")
    out.print(f"  the tenant's ARM     {arm}")
    out.print("  its policy           policy.yaml here: edit it, it is read again")
    out.print("In another terminal of this folder, these talk to it:")
    out.print("  .venv/bin/portcullis sweep")
    out.print("  .venv/bin/portcullis findings")
    out.print(f"  .venv/bin/portcullis plan {contoso.WEBSITE}", soft_wrap=True)
    out.print("Point the Azure SDKs at the tenant with")
    for name, value in environment.items():
        out.print(f"  export {name}={value}", markup=False, soft_wrap=True)


def lead_az(out: Console, tenant: Tenant, yours: Serving) -> None:
    """Let an app of yours in, and say how: `az` signs in with a secret, which a user has not."""
    secret = secrets.token_hex(20)
    tenant.entra.register(contoso.TERMINAL, secret)
    if tenant.access is not None:
        tenant.load(contoso.owner("70000000-0000-4000-8000-0000000000aa", contoso.TERMINAL))
    # What az remembers is of the last tenant: its tokens are no good here.
    settings = (HERE / "azure").resolve()
    shutil.rmtree(settings, ignore_errors=True)
    variables = {
        **yours.proxied,
        "AZURE_TENANT_ID": tenant.tenant_id,
        "AZURE_CLIENT_ID": str(contoso.TERMINAL.app_id),
        "AZURE_CLIENT_SECRET": secret,
        "AZURE_SUBSCRIPTION_ID": contoso.SUBSCRIPTION.rsplit("/", 1)[-1],
        "AZURE_CONFIG_DIR": str(settings),
    }
    _write(HERE / "az.sh", "".join(f"{line}\n" for line in exports(variables)))
    out.print("Point az, and other tools that know Azure's host names alone, at it with")
    out.print(f"  . {HERE / 'az.sh'}", markup=False)
    out.print(f"  {AZ_LOGIN}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
