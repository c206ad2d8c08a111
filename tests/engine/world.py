"""A tenant, a clock and gates over one store: what the engine's tests run in."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from rules import controls
from shared import policy_file
from shared.hints import ACT, HINTS, Hint
from shared.look import Look
from shared.model import GROUP_MEMBERS, ResourceId, of_directory, of_state
from shared.outbox import Record
from shared.policy import Policy
from shared.settings import App, Settings
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.adapter import TenantCredential, transport
from simulator.call import Identity
from simulator.clock import VirtualClock
from simulator.principals import Principals
from simulator.tenant import Tenant
from wiring import Gate, build

US = Identity(
    name="portcullis",
    object_id="aaaaaaaa-0000-4000-8000-000000000001",
    app_id="aaaaaaaa-0000-4000-8000-000000000002",
    kind="ServicePrincipal",
)
ALICE = Identity(
    name="Alice",
    object_id="bbbbbbbb-0000-4000-8000-000000000001",
    kind="User",
    upn="alice@contoso.example",
)
SUBSCRIPTION = "/subscriptions/00000000-0000-0000-0000-000000000001"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
LIMITS = "limits: [{writes: 100, per: estate}]"
GRAPH = "https://graph.microsoft.com"
CONTROLS = controls()

Killer = Callable[[str], None]


class Killed(BaseException):
    """The process ends here, as by a power cut."""


def policy(text: str) -> Policy:
    """A policy with a roomy limit where it says none."""
    limits = "" if "limits:" in text else f"{LIMITS}\n"
    return policy_file.load(f"version: 1\n{limits}{text}", CONTROLS)


def enforce(*ids: str, **more: Any) -> str:
    extra = "".join(f", {k}: {v}" for k, v in more.items())
    lines = [f"  - {{control: {i}, mode: enforce{extra}}}" for i in ids]
    return "rules:\n" + "\n".join(lines) + "\n"


def storage(name: str = "contoso", **properties: Any) -> dict[str, Any]:
    safe = {
        "allowBlobPublicAccess": False,
        "supportsHttpsTrafficOnly": True,
        "publicNetworkAccess": "Disabled",
        "provisioningState": "Succeeded",
        "creationTime": "2025-01-01T00:00:00Z",
    }
    return {
        "id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/{name}",
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "properties": {**safe, **properties},
    }


class Fragile:
    """A store that ends the process at the operation that `kill` chooses."""

    def __init__(self, store: Store, kill: Killer) -> None:
        self._store = store
        self._kill = kill

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)

        def operation(*args: Any, **kwargs: Any) -> Any:
            self._kill(f"before {name}")
            found = real(*args, **kwargs)
            self._kill(f"after {name}")
            return found

        return operation


def arranged(tenant: Tenant) -> Tenant:
    """The tenant with those who act in it, where we may read the directory."""
    tenant.add_identity(US)
    tenant.add_identity(ALICE)
    tenant.principals.add_managed_identity(US.object_id, "portcullis", str(US.app_id))
    tenant.directory.allow(US, "User.Read.All", "GroupMember.Read.All", "Application.Read.All")
    return tenant


def place(tenant: Tenant, document: dict[str, Any]) -> str:
    """Put a document where it belongs: principals into the directory, all else into ARM."""
    resource_id = ResourceId(document["id"])
    if not of_directory(resource_id):
        return tenant.load(document)
    _declare(tenant.principals, resource_id.name, document["properties"])
    if GROUP_MEMBERS.matches(resource_id):
        tenant.principals.join(resource_id.text.split("/")[-3], resource_id.name)
    return resource_id.text


def _declare(principals: Principals, object_id: str, about: dict[str, Any]) -> None:
    name = about["displayName"]
    match about["@odata.type"]:
        case "#microsoft.graph.user":
            upn, guest = about.get("userPrincipalName", name), about.get("userType") == "Guest"
            enabled = about.get("accountEnabled", True)
            principals.add_user(object_id, name, upn=upn, enabled=enabled, guest=guest)
        case "#microsoft.graph.group":
            principals.add_group(object_id, name)
        case _ if about.get("servicePrincipalType") == "ManagedIdentity":
            principals.add_managed_identity(object_id, name, object_id)
        case _:
            principals.add_application(object_id, name, object_id)


def shown_by_graph(document: dict[str, Any]) -> bool:
    """Whether the simulated tenant can show it: our own state is not there, and of a principal
    nothing is held back from who may read.
    """
    if of_state(ResourceId(document["id"])):
        return False
    about = document.get("properties") or {}
    whole = "displayName" in about and None not in about.values()
    return whole or not of_directory(ResourceId(document["id"]))


@dataclass
class World:
    """One tenant and one state; any number of gates over them."""

    clock: VirtualClock = field(default_factory=VirtualClock)
    rbac: bool = False
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.tenant = arranged(Tenant(self.clock, rbac=self.rbac))
        self.store: Store = EmbeddedStore(self.clock.now)
        self.policy = policy("")

    def gate(
        self,
        *,
        app: App = App.ALL,
        store: Store | None = None,
        directory: str | None = GRAPH,
        who: Identity = US,
    ) -> Gate:
        """One that asks as `who`; what the deployment writes under is we all the same."""
        return build(
            replace(
                self.settings,
                app=app,
                identities=frozenset({US.object_id}),
                directory=directory,
            ),
            TenantCredential(self.tenant, who),
            now=self.clock.now,
            transport=transport(self.tenant),
            store=store or self.store,
            policy=lambda: self.policy,
            pause=self.clock.pause,
        )

    def load(self, *documents: dict[str, Any]) -> list[str]:
        return [place(self.tenant, copy.deepcopy(d)) for d in documents]

    def change(self, resource: str, properties: dict[str, Any]) -> None:
        """Alice edits a resource."""
        self.tenant.write(resource, {"properties": properties}, by=ALICE, method="PATCH")

    def properties(self, resource: str) -> dict[str, Any]:
        document = self.tenant.read(resource)
        assert document is not None, f"{resource} is gone"
        return dict(document["properties"])

    def hint(self, resource: str, source: str = "event") -> Hint:
        return Hint(id=ResourceId(resource), source=source, first_seen=self.clock.now())

    def look(self, gate: Gate, resource: str) -> Look:
        return gate.engine.reconcile(self.hint(resource))

    def run(self, gate: Gate, *, hours: float = 0.02, step: float = 6) -> None:
        """Let time pass, delivering events, waking what is due and handing over messages."""
        end = self.clock.now() + timedelta(hours=hours)
        while self.clock.now() < end:
            self.deliver()
            gate.worker.due()
            self.drain(gate)
            self.clock.advance(timedelta(seconds=step))
        self.drain(gate)

    def deliver(self, **how: Any) -> None:
        for text in self.tenant.events.take_messages(**how):
            self.store.send(HINTS, text)

    def drain(self, gate: Gate) -> None:
        """Hand over every message that shows itself."""
        for queue, take in ((HINTS, gate.worker.hints), (ACT, gate.worker.act)):
            if queue == ACT and not gate.engine.may_write:
                continue
            while messages := self.store.receive(queue, 8, timedelta(minutes=10)):
                for message in messages:
                    take(message.text)
                    self.store.done(message)

    def our_writes(self) -> list[str]:
        """`METHOD name` of every write of ours that Azure took."""
        return [
            f"{r.method} {r.path.rsplit('/', 1)[-1]}"
            for r in self.tenant.writes
            if r.identity == US.name and not r.path.casefold().endswith("/resources")
        ]

    def records(self, gate: Gate, stream: str = "actions") -> list[Record]:
        return list(gate.state.outbox.records(stream))

    def entries(self, gate: Gate) -> list[str]:
        return [r["Entry"] for r in self.records(gate)]

    def transitions(self, gate: Gate) -> list[str]:
        return [r["Transition"] for r in self.records(gate, "findings")]

    def decision(self, gate: Gate, resource: str, control: str) -> dict[str, Any]:
        for standing in gate.state.findings.of(ResourceId(resource)):
            if standing.control == control:
                return dict(standing.value["Decision"] or {})
        return {}


def kills() -> Iterator[tuple[int, Killer, list[str]]]:
    """A killer for the first operation, the second, ...: endless; stop when one kills nothing."""
    at = 0
    while True:
        seen: list[str] = []

        def kill(name: str, at: int = at, seen: list[str] = seen) -> None:
            seen.append(name)
            if len(seen) == at + 1:
                raise Killed(name)

        yield at, kill, seen
        at += 1
