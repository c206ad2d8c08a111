"""A tenant over TLS that enforces roles, state on Azurite, and apps in processes of their own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from shared.hints import HINTS, Hint
from shared.model import ResourceId
from shared.settings import Settings
from shared.state import State
from shared.store import Store
from simulator import roles
from simulator.adapter import TenantCredential
from simulator.call import Identity
from simulator.clock import WallClock
from simulator.contoso import GATE, HAND
from simulator.faults import Lost
from simulator.processes import AppProcess, grant
from simulator.server import Serving, serve
from simulator.tenant import Request, Response, Tenant
from tests.apps.ahead import AHEAD
from tests.azurite import Azurite
from tests.engine.world import ALICE, GROUP, LIMITS, SUBSCRIPTION, enforce, storage
from tests.standin import Said
from wiring import kept

BLOB = "storage-public-blob-access"
LONGEST = 40.0


class Ahead(AppProcess):
    """An app whose clock is half an hour ahead."""

    module = "tests.apps.ahead"


class Watched(Tenant):
    """A tenant that tells of a chosen request, and then never answers it; or says `says`.

    `before` is called with the method of every request that it does answer.
    """

    def __init__(self, *, rbac: bool = True) -> None:
        super().__init__(WallClock(), rbac=rbac)
        self.stuck: tuple[Identity, str, str] | None = None
        self.arrived = False
        self.says: Said | None = None
        self.asked = 0
        self.before: Callable[[str], Any] = lambda _method: None

    def handle(self, request: Request) -> Response:
        if self.says is not None:
            self.asked += 1
            return Response(self.says.status, dict(self.says.headers), self.says.body.encode())
        self.before(request.method)
        if self.stuck is None or not self._chosen(request, *self.stuck[:2]):
            return super().handle(request)
        when, self.stuck = self.stuck[2], None
        if when == "after":
            super().handle(request)
        self.arrived = True
        raise Lost(timed_out=True)

    def _chosen(self, request: Request, who: Identity, method: str) -> bool:
        grant = self.tokens.grant(request.headers.get("authorization", "").removeprefix("Bearer "))
        return request.method == method and grant is not None and grant.identity == who


def until(holds: Callable[[], Any], what: Callable[[], str]) -> None:
    """Wait until it holds, or fail with `what`."""
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


_RECORD = re.compile(r"\d{4}-\d\d-\d\dT[\d:]{8} ")


@dataclass
class Stack:
    """Everything around the apps; they start when a test says so."""

    tenant: Watched
    azurite: Azurite
    doors: dict[str, Serving]
    policy: Path
    started: list[AppProcess] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    more: dict[str, str] = field(default_factory=dict)

    def environment(self, app: str, identity: str = "") -> dict[str, str]:
        return {
            **self.doors[identity or app].environment,
            "PORTCULLIS_APP": app,
            "PORTCULLIS_POLICY": str(self.policy),
            "PORTCULLIS_IDENTITIES": f"{GATE.object_id},{HAND.object_id}",
            "AzureWebJobsStorage": self.azurite.connection,
            **self.more,
        }

    def start(self, app: str, identity: str = "", *, ahead: bool = False) -> AppProcess:
        kind = Ahead if ahead else AppProcess
        made = kind(self.environment(app, identity), self.said.append)
        self.started.append(made)
        return made

    @property
    def complaints(self) -> list[str]:
        """What the apps said, without the records that they ship to their console."""
        return [line for line in self.said if not _RECORD.match(line)]

    def store(self) -> Store:
        settings = Settings.of(self.environment("gate"), self.policy.parent)
        return kept(settings, TenantCredential(self.tenant, GATE), now)

    def until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until it holds, and fail with what the apps said where it does not in time."""
        until(holds, lambda: f"{what} did not come; the apps said {self.said}")

    def writes(self) -> list[tuple[str, str]]:
        """(method, identity) of every write that Azure took from an app."""
        return [(w.method, w.identity) for w in self.tenant.writes if w.identity != ALICE.name]

    def deliver(self, store: Store, times: int = 1) -> None:
        """Event Grid's part."""
        for text in self.tenant.events.take_messages():
            for _ in range(times):
                store.send(HINTS, text)

    def pass_half_an_hour(self) -> None:
        """For Azurite; apps that know of it are `Ahead`."""
        self.azurite.advance(AHEAD)


def now() -> datetime:
    return datetime.now(UTC)


def hint(resource: str) -> str:
    return Hint(id=ResourceId(resource), source="event", first_seen=now()).to_text()


def _empty(azurite: Azurite) -> None:
    """Forget what other tests left under the names that apps use, which are always the same."""
    connection = azurite.connection
    with TableServiceClient.from_connection_string(connection) as tables:
        for table in list(tables.list_tables()):
            tables.delete_table(table.name)
    with QueueServiceClient.from_connection_string(connection) as queues:
        for queue in list(queues.list_queues()):
            queues.delete_queue(queue.name)


@pytest.fixture
def stack(tmp_path: Path, azurite: Azurite) -> Iterator[Stack]:
    _empty(azurite)
    tenant = Watched()
    tenant.load({"id": GROUP, "location": "westeurope"})
    grant(tenant, GATE, HAND, SUBSCRIPTION)
    tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, SUBSCRIPTION))
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"version: 1\n{LIMITS}\n{enforce(BLOB)}")
    with ExitStack() as left:
        doors = {
            app: left.enter_context(serve(tenant, identity=who, folder=tmp_path / app))
            for app, who in (("gate", GATE), ("hand", HAND))
        }
        made = Stack(tenant, azurite, doors, policy)
        yield made
        for one in made.started:
            one.kill()


@pytest.fixture
def store(stack: Stack) -> Iterator[Store]:
    """The state that the apps share."""
    made = stack.store()
    yield made
    made.close()  # type: ignore[attr-defined]


@pytest.fixture
def state(store: Store) -> State:
    return State.over(store, now)


@pytest.fixture
def account(stack: Stack) -> str:
    """An account that Alice has just opened to anonymous readers; its event is not taken yet."""
    rid = stack.tenant.load(storage())
    opened = {"properties": {"allowBlobPublicAccess": True}}
    stack.tenant.write(rid, opened, by=ALICE, method="PATCH")
    return rid
