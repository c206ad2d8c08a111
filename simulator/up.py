"""The tenant over TLS, and gate and hand as processes, until Ctrl-C: for a person to play with.

`python -m simulator.up` keeps state in a file, `python -m simulator.up azurite` on Azurite.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from console.entrances import TOKEN
from shared.errors import PortcullisError
from shared.hints import HINTS
from shared.settings import JOBS, Settings
from shared.store import Store
from simulator import contoso, roles
from simulator.adapter import TenantCredential
from simulator.alone import AZ_LOGIN, exports, stopping
from simulator.clock import WallClock
from simulator.processes import AppProcess, Ended, grant
from simulator.server import Serving, serve
from simulator.tenant import Tenant
from wiring import kept

HERE = Path(".portcullis")
TOLD = HERE / "up.json"
NEXT = HERE / "console-token"
POLL = 0.5
STORES = ("file", "azurite")
_MEANS = {
    "gate": "nothing is judged any more",
    "hand": "nothing is written any more, orders wait",
    "Azurite": "state and queues are gone",
}

Variables = dict[str, str]


def main(arguments: list[str]) -> int:
    out = Console(highlight=False)
    wanted = arguments[0] if arguments else STORES[0]
    if wanted not in STORES:
        out.print(f"no store {wanted}: {' or '.join(STORES)}", style="red", markup=False)
        return 2
    if (pid := _other()) is not None:
        out.print(f"make up runs already, as process {pid}: stop it first", style="red")
        return 1
    HERE.mkdir(exist_ok=True)
    stop = stopping()
    up = Up(out, estate())
    try:
        with up.running(wanted) as told:
            _greet(out, told, up.way_in)
            lead_az(out, up.tenant, told.yours)
            up.watch(stop)
    except (Ended, PortcullisError) as error:
        out.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    out.print("stopped")
    return 1 if up.dead else 0


def estate() -> Tenant:
    """Contoso, with roles enforced: you are its owner, gate and hand may do what they must."""
    tenant = Tenant(WallClock(), rbac=True)
    contoso.estate(tenant)
    grant(tenant, contoso.GATE, contoso.HAND, contoso.SUBSCRIPTION)
    you, scope = contoso.YOU, contoso.SUBSCRIPTION
    tenant.load(roles.assignment(you.object_id, roles.OWNER, scope, principalType=you.kind))
    return tenant


def _other() -> int | None:
    """The process of another `make up` in this folder."""
    try:
        pid = int(json.loads(TOLD.read_text(encoding="utf-8"))["pid"])
        os.kill(pid, 0)
    except (OSError, ValueError, KeyError):
        return None
    return pid


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a person is told."""

    arm: str
    app: str
    environment: Variables
    yours: Serving


@dataclass
class Up:
    """The stack: what was started is ended, in the order that loses nothing."""

    out: Console
    tenant: Tenant
    children: dict[str, Callable[[], int | None]] = field(default_factory=dict)
    dead: set[str] = field(default_factory=set)
    told: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def running(self, store: str) -> Iterator[Told]:
        """Start it all; what to tell."""
        with ExitStack() as left:
            # A door for each identity: what you change is not taken for the apps' work.
            gates, hands, yours = (
                left.enter_context(
                    serve(self.tenant, identity=who, folder=(HERE / "tls" / name).resolve())
                )
                for name, who in (
                    ("gate", contoso.GATE),
                    ("hand", contoso.HAND),
                    ("you", contoso.YOU),
                )
            )
            state = left.enter_context(self._state(store))
            left.enter_context(self._event_grid(state))
            entrance = {TOKEN: str(NEXT.resolve())}
            gate, hand = (
                left.enter_context(self._app(name, {**directory(door), **state, **more}))
                for name, door, more in (("gate", gates, entrance), ("hand", hands, {}))
            )
            url = gate.ready()
            hand.ready()
            left.enter_context(self._telling(url, yours, state))
            yield Told(arm=yours.url, app=url, environment=yours.environment, yours=yours)

    @contextmanager
    def _state(self, store: str) -> Iterator[Variables]:
        """The variables that say where state is; it is empty, as the tenant is new."""
        policy = os.environ.get("PORTCULLIS_POLICY", "policy.yaml")
        own = {
            "PORTCULLIS_POLICY": str(Path(policy).resolve()),
            "PORTCULLIS_RECORDS": str((HERE / "records.jsonl").resolve()),
            "PORTCULLIS_IDENTITIES": f"{contoso.GATE.object_id},{contoso.HAND.object_id}",
            "PORTCULLIS_STORAGE": "",
        }
        if store == "azurite":
            with self._azurite() as connection:
                yield {**own, "PORTCULLIS_STATE": "", JOBS: connection}
            return
        for name in ("state.db", "state.db-wal", "state.db-shm"):
            (HERE / name).unlink(missing_ok=True)
        yield {**own, "PORTCULLIS_STATE": str((HERE / "state.db").resolve()), JOBS: ""}

    @contextmanager
    def _azurite(self) -> Iterator[str]:
        from tests.azurite import Azurite, missing  # noqa: PLC0415  only where it is wanted

        if why := missing():
            raise Ended(f"no Azurite to keep state in: {why}")
        azurite = Azurite()
        self.children["Azurite"] = lambda: azurite.code
        try:
            yield azurite.connection
        finally:
            azurite.stop()

    @contextmanager
    def _app(self, name: str, environment: Variables) -> Iterator[AppProcess]:
        process = AppProcess({**environment, "PORTCULLIS_APP": name}, self._hear)
        self.children[name] = lambda: process.code
        try:
            yield process
        finally:
            process.stop()

    def _hear(self, line: str) -> None:
        self.out.print(line, markup=False, soft_wrap=True)

    @contextmanager
    def _event_grid(self, state: Variables) -> Iterator[None]:
        """A system topic tells the queue of hints what happens in the tenant."""
        settings = Settings.of(state, Path())
        store = kept(settings, TenantCredential(self.tenant, contoso.GATE), _now)
        self.tenant.grid.put_message = lambda queue, text: self._put(store, queue, text)
        contoso.subscribe(self.tenant, HINTS, by=contoso.YOU)
        over = threading.Event()
        thread = threading.Thread(target=self._deliver, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(10)
            store.close()  # type: ignore[attr-defined]

    def _put(self, store: Store, queue: str, text: str) -> None:
        """What a queue does not take Event Grid keeps, and tries again."""
        try:
            store.send(queue, text)
        except PortcullisError as error:
            self._hear(f"Event Grid: an event waits: {error}")
            raise OSError(str(error)) from error

    def _deliver(self, over: threading.Event) -> None:
        while not over.wait(POLL):
            self.tenant.grid.deliver()

    @contextmanager
    def _telling(self, url: str, yours: Serving, state: Variables) -> Iterator[None]:
        """`portcullis` in another terminal of this folder finds us."""
        environment = {**directory(yours), **state, "PORTCULLIS_APP": "all"}
        self.told = {
            "pid": os.getpid(),
            "console": url,
            "token": _next(),
            "environment": environment,
        }
        _write(TOLD, json.dumps(self.told, indent=2))
        try:
            yield
        finally:
            TOLD.unlink(missing_ok=True)
            NEXT.unlink(missing_ok=True)

    @property
    def way_in(self) -> str:
        """The console's address, which is good for one visit."""
        return f"{self.told['console']}/?token={self.told['token']}"

    def _look_at_the_way_in(self) -> None:
        """One that was used has another after it: that is written and said."""
        if not self.told or (token := _next()) == self.told["token"]:
            return
        self.told["token"] = token
        _write(TOLD, json.dumps(self.told, indent=2))
        self.out.print(f"the console again    {self.way_in}", markup=False, soft_wrap=True)

    def watch(self, stop: threading.Event) -> None:
        """Until told to stop; a child that ends, and a way in that was used, is said."""
        while not stop.wait(POLL):
            self._look_at_the_way_in()
            for name, code in self.children.items():
                if name not in self.dead and (ended := code()) is not None:
                    self.dead.add(name)
                    means = f"{_MEANS[name]}; Ctrl-C, and make up again"
                    how = f"by signal {-ended}" if ended < 0 else f"with {ended}"
                    line = f"{name} ended {how}: {means}"
                    self.out.print(line, style="red", markup=False, soft_wrap=True)


def directory(door: Serving) -> Variables:
    """The variables of a door, Microsoft Graph beside ARM."""
    return {**door.environment, "PORTCULLIS_DIRECTORY": door.url}


def _now() -> datetime:
    return datetime.now(UTC)


def _write(path: Path, text: str) -> None:
    """Whole or not at all, and for its owner alone: it holds the way in."""
    draft = path.with_suffix(".draft")
    draft.write_text(text, encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)


def _next() -> str:
    """The token that is good next; empty where the gate has not written any."""
    try:
        return NEXT.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def _greet(out: Console, told: Told, way_in: str) -> None:
    out.print("[bold]Portcullis is up[/] over a simulated tenant; Ctrl-C stops both.")
    out.print(f"  the console, once    {way_in}", markup=False, soft_wrap=True)
    out.print(f"  the app's health     {told.app}/health")
    out.print(f"  the tenant's ARM     {told.arm}")
    out.print("  its policy           policy.yaml here: edit it, it is read again")
    out.print("In another terminal of this folder, these talk to it:")
    out.print("  .venv/bin/portcullis sweep")
    out.print("  .venv/bin/portcullis findings")
    out.print("  .venv/bin/portcullis access review")
    out.print(f"  .venv/bin/portcullis plan {contoso.WEBSITE}", soft_wrap=True)
    out.print("Point the Azure SDKs at the tenant with")
    for name, value in told.environment.items():
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
    sys.exit(main(sys.argv[1:]))
