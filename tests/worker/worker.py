"""A Functions worker with the app in it, and what the host would send it.

Timers and Event Grid events arrive as JSON, queue messages as text with what the queue knows
about them, requests as their parts. The tests see what came of a call in the state and in the
tenant, both shared with the worker's process.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any

from shared.hints import Hint
from shared.model import ResourceId
from shared.settings import App
from shared.state import State
from shared.store.embedded import EmbeddedStore
from simulator.clock import WallClock
from simulator.server import serve
from simulator.tenant import Tenant
from tests.engine.world import ALICE, US, enforce, storage

ROOT = Path(__file__).parents[2]
BLOB = "storage-public-blob-access"
POLICY = f"version: 1\n{enforce(BLOB)}limits: [{{writes: 100, per: estate}}]\n"
_FOREIGN = ("PORTCULLIS_", "AZURE", "IDENTITY_", "FUNCTIONS_", "PYTHON")
_WHEN = "2026-03-02T06:00:00+00:00"


class Failed(Exception):
    """The host would be told that the call failed, with this message."""


class Worker:
    """Calls functions in a worker process."""

    def __init__(self, orders: IO[str], answers: IO[str], complaints: IO[str]) -> None:
        self._orders = orders
        self._answers = answers
        self._complaints = complaints
        indexed = self._answer()
        self.functions: dict[str, list[dict[str, Any]]] = indexed["functions"]
        self.loaded = Path(indexed["loaded"])

    def queue(self, function: str, text: str) -> None:
        """A message of a storage queue, at its first attempt."""
        metadata = {
            "Id": ("string", "5f0a6a5e-0000-4000-8000-000000000001"),
            "PopReceipt": ("string", "AgAAAAMAAAAAAAAA"),
            "DequeueCount": ("json", "1"),
            "InsertionTime": ("json", f'"{_WHEN}"'),
            "ExpirationTime": ("json", f'"{_WHEN}"'),
            "NextVisibleTime": ("json", f'"{_WHEN}"'),
            "QueueTrigger": ("string", text),
        }
        self._call(function, "string", text, metadata)

    def timer(self, function: str) -> None:
        tick = {"Schedule": {"AdjustForDST": True}, "ScheduleStatus": None, "IsPastDue": False}
        self._call(function, "json", json.dumps(tick))

    def event(self, function: str, event: Mapping[str, Any]) -> None:
        """One event that Event Grid pushed, in either schema."""
        self._call(function, "json", json.dumps(event), {"data": ("json", "{}")})

    def get(self, function: str, path: str) -> tuple[int, dict[str, Any]]:
        """The status and the JSON body of a GET."""
        parts = {"method": "GET", "url": f"https://localhost{path}", "body": ""}
        nothing: dict[str, str] = {}
        request = {**parts, "headers": nothing, "params": nothing, "query": nothing}
        returned = self._call(function, "http", request)
        assert returned is not None, f"{function} answered nothing"
        return returned["status"], json.loads(returned["body"])

    def _call(
        self, function: str, kind: str, value: Any, metadata: Mapping[str, Any] | None = None
    ) -> dict[str, Any] | None:
        order = {"function": function, "id": "1", "data": [kind, value], "metadata": metadata or {}}
        print(json.dumps(order), file=self._orders, flush=True)
        returned: dict[str, Any] | None = self._answer()["returned"]
        return returned

    def _answer(self) -> dict[str, Any]:
        line = self._answers.readline()
        if not line:
            self._complaints.seek(0)
            raise RuntimeError(f"the worker ended: {self._complaints.read()[-2000:]}")
        answer: dict[str, Any] = json.loads(line)
        if "fault" in answer:
            raise Failed(answer["fault"])
        return answer


@contextmanager
def running(python: Path, package: Path, environment: Mapping[str, str]) -> Iterator[Worker]:
    """A worker process that ends with the block, with the app that is unpacked in `package`.

    Only `environment` points it anywhere.
    """
    kept = {k: v for k, v in os.environ.items() if not k.upper().startswith(_FOREIGN)}
    path = os.pathsep.join([str(package), str(ROOT)])
    own = {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONWARNINGS": "error"}
    pipe = subprocess.PIPE
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(  # noqa: S603  our own module
            [str(python), "-P", "-m", "tests.worker.process", str(package)],
            cwd=package,
            env={**kept, **own, "NO_PROXY": "127.0.0.1", **environment},
            stdin=pipe,
            stdout=pipe,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        yield Worker(process.stdin, process.stdout, complaints)


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A worker, and what it works on: a tenant and a state that nobody else uses."""

    worker: Worker
    tenant: Tenant
    state: State
    records: Path

    def account(self, name: str) -> str:
        """A storage account as it should be; its id."""
        return self.tenant.load(storage(name))

    def opened(self, name: str, form: Any = "eventgrid") -> tuple[str, str]:
        """An account that Alice just opened to the world, and the queue message that tells it."""
        account = self.account(name)
        self.tenant.events.take()
        public = {"properties": {"allowBlobPublicAccess": True}}
        self.tenant.write(account, public, by=ALICE, method="PATCH")
        (message,) = self.tenant.events.take_messages(form=form)
        return account, message

    def public(self, account: str) -> bool:
        document = self.tenant.read(account)
        assert document is not None, f"{account} is gone"
        return bool(document["properties"]["allowBlobPublicAccess"])

    def hints(self, queue: str, resource: str) -> list[Hint]:
        """The hints at a resource that wait in a queue; they are taken out of it."""
        found: list[Hint] = []
        for message in self.state.store.receive(queue, 1000, timedelta(0)):
            hint = Hint.from_json(json.loads(message.text))
            if hint is not None and hint.id == ResourceId(resource):
                found.append(hint)
                self.state.store.done(message)
        return found

    def recorded(self, stream: str, **fields: str) -> list[dict[str, Any]]:
        """The records of a stream that have these fields, oldest first."""
        records = self.state.outbox.records(stream)
        return [r for r in records if fields.items() <= r.items()]


@contextmanager
def staged(python: Path, package: Path, app: App, folder: Path) -> Iterator[Stage]:
    """The app `app` in a worker over a tenant of its own; everything it keeps is in `folder`."""
    tenant = Tenant(WallClock())
    for identity in (US, ALICE):
        tenant.add_identity(identity)
    policy, state, records = folder / "policy.yaml", folder / "state.db", folder / "records.jsonl"
    policy.write_text(POLICY, encoding="utf-8")
    own = {
        "PORTCULLIS_APP": app.value,
        "PORTCULLIS_POLICY": str(policy),
        "PORTCULLIS_STATE": str(state),
        "PORTCULLIS_RECORDS": str(records),
    }
    store = EmbeddedStore(_later, state)
    with (
        serve(tenant, identity=US, folder=folder / "tls") as served,
        running(python, package, {**served.environment, **own}) as worker,
    ):
        yield Stage(worker=worker, tenant=tenant, state=State.over(store, _later), records=records)
    store.close()


def _later() -> datetime:
    """A little ahead, so that messages which wait for their likes show themselves at once."""
    return datetime.now(UTC) + timedelta(minutes=1)
