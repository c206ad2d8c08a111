"""Pages of the console's log out of 100,000 lines: state in memory, and on Azurite.

Prints JSON: by store and question the milliseconds of each run, from request to whole answer.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import httpx
from azure.core.credentials import AzureNamedKeyCredential
from azure.data.tables import TableServiceClient
from starlette.requests import Request
from starlette.responses import Response

from console.app import build as pages
from console.entrance import Entrance, Person, Role
from console.safety import Guarded
from shared.log import key_of, line
from shared.model import digest
from shared.settings import App, Settings
from shared.store import Store
from shared.store.azure import AzureStore
from shared.store.embedded import EmbeddedStore
from simulator.adapter import TenantCredential
from simulator.clock import VirtualClock
from simulator.tenant import Identity, Tenant
from tests.azurite import ACCOUNT, KEY, Azurite, missing
from wiring import build

LINES = 100_000
RUNS = 15
RARE = 40_000
"""Every so many lines are of the rare control."""
HOME = "https://gate.example"
_START = datetime(2026, 3, 1, tzinfo=UTC)
_GROUP = "/subscriptions/00000000-0000-4000-8000-0000000000{:02}/resourceGroups/rg{}"
_ACCOUNT = "{}/providers/Microsoft.Storage/storageAccounts/account{}"


class Open(Entrance):
    """Lets everybody in."""

    def arrive(self, request: Request) -> Response | None:
        del request
        return None

    def person(self, request: Request) -> Person:
        del request
        return Person(name="carol", id="carol", roles=frozenset(Role))


def rows() -> Iterator[tuple[str, dict[str, Any]]]:
    """Lines as the outbox keeps them, oldest first, twenty seconds apart."""
    for i in range(LINES):
        resource = _ACCOUNT.format(_GROUP.format(i % 20, i % 400), i % 5_000)
        event, at = digest(["actions", i]), _START + timedelta(seconds=20 * i)
        control = "rare-control" if i % RARE == 7 else f"control-{i % 10}"
        record = {
            "EventId": event,
            "OccurredAt": at.isoformat(),
            "Entry": "remediated",
            "ResourceId": resource,
            "Controls": [control],
            "Severity": "high",
            "ActionId": event,
            "CausedBy": [{"name": f"person{i % 50}@contoso.example"}],
            "Decision": {"do": "remediate", "source": "policy.yaml:12 $.rules[3]"},
            "Before": {f"{resource}#/properties/allowBlobPublicAccess": True},
            "After": {f"{resource}#/properties/allowBlobPublicAccess": False},
        }
        yield key_of(at, i, event), {**line("actions", record), "Record": "none"}


@contextmanager
def in_memory() -> Iterator[Store]:
    store = EmbeddedStore(lambda: datetime.now(UTC))
    for key, value in rows():
        store.put("log", "actions", key, value)
    yield store
    store.close()


@contextmanager
def on_azurite() -> Iterator[Store]:
    azurite = Azurite()
    credential = AzureNamedKeyCredential(ACCOUNT, KEY)
    store = AzureStore(
        credential,
        tables=azurite.addresses["table"],
        queues=azurite.addresses["queue"],
        blobs=azurite.addresses["blob"],
    )
    try:
        _fill(TableServiceClient(azurite.addresses["table"], credential=credential))
        yield store
    finally:
        store.close()
        azurite.stop()


def _fill(service: TableServiceClient) -> None:
    """Rows as the store writes them, a hundred at once."""
    table = service.create_table("portcullislog")
    waiting = rows()
    while batch := list(islice(waiting, 100)):
        table.submit_transaction(
            (
                "create",
                {"PartitionKey": "actions", "RowKey": key, "Write": "", "Text0": json.dumps(value)},
            )
            for key, value in batch
        )
    service.close()


def timed(store: Store) -> dict[str, list[float]]:
    """Milliseconds of each run by question; the first of each is left out."""
    clock = VirtualClock()
    gate = build(
        Settings(app=App.GATE), TenantCredential(Tenant(clock), _US), now=clock.now, store=store
    )
    app = Guarded(pages(gate), Open(), frozenset({HOME}))
    middle = key_of(_START + timedelta(seconds=10 * LINES), 0, "0" * 16)
    questions = {
        "the newest": "/log",
        "from the middle on": f"/log?after={middle}",
        "of one control in ten": "/log?control=control-3",
        "of a rare control, as far as one search goes": "/log?control=rare-control",
        "the newest, as JSON": "/api/log",
    }
    found = {}
    for words, path in questions.items():
        found[words] = asyncio.run(_asked(app, path))[1:]
    gate.close()
    return found


async def _asked(app: Guarded, path: str) -> list[float]:
    through = httpx.ASGITransport(app)
    runs = []
    async with httpx.AsyncClient(transport=through, base_url=HOME) as client:
        for _ in range(RUNS + 1):
            began = time.perf_counter()
            answer = await client.get(path)
            runs.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
    return runs


_US = Identity("gate", "9a7e0000-0000-4000-8000-000000000001")


def main(stores: Iterable[str] = ("memory", "Azurite")) -> None:
    """Print what was measured; what is missing, where there is no Azurite."""
    told: dict[str, Any] = {}
    for name in stores:
        if name == "Azurite" and (why := missing()):
            told["missing"] = why
            continue
        with in_memory() if name == "memory" else on_azurite() as store:
            told[name] = timed(store)
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
