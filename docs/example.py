"""A short morning on the simulated tenant, for the records that the pages show.

Everything that differs from run to run (ids of requests, durations) is put in order at the end,
so that the same code always gives the same records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from rules import controls
from shared import policy_file
from shared.errors import Unusable
from shared.hints import HINTS
from shared.outbox import Record
from shared.settings import Settings
from shared.stopped import Stopped
from shared.store.embedded import EmbeddedStore
from simulator import contoso
from simulator.adapter import TenantCredential, transport
from simulator.clock import VirtualClock
from simulator.tenant import Tenant
from wiring import Gate, build

STREAMS = ("actions", "findings", "sweeps", "health")
CAROL = "carol@contoso.example"
POLICY = """
version: 1
rules:
  - {control: storage-public-blob-access, mode: enforce}
  - control: keyvault-network-default-allow
    mode: approve
    parameters: {allowed_ranges: [203.0.113.7]}
limits:
  - {writes: 10, per: estate, window: 1h}
contested: {times: 1, window: 24h}
"""
_REQUEST = "7e57ab1e-0000-4000-8000-000000000001"
_SAME: Mapping[str, Callable[[Any], Any]] = {
    "DurationMs": lambda steps: dict.fromkeys(sorted(steps), 12),
    "CorrelationIds": lambda ids: [_REQUEST for _ in ids],
    "ClientRequestIds": lambda ids: [_REQUEST for _ in ids],
    "correlation_id": lambda _: _REQUEST,
    "client_request_id": lambda _: _REQUEST,
    "Seconds": lambda _: 0.4,
}


class Morning:
    """The tenant and the gate over it, by a clock that is moved by hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.tenant = Tenant(self.clock)
        contoso.estate(self.tenant)
        policy = policy_file.load(POLICY, controls())
        self.gate: Gate = build(
            Settings(identities=frozenset({contoso.GATE.object_id})),
            TenantCredential(self.tenant, contoso.GATE),
            now=self.clock.now,
            transport=transport(self.tenant),
            store=EmbeddedStore(self.clock.now),
            policy=lambda: policy,
        )

    def opens(self, resource: str, properties: dict[str, Any]) -> None:
        """Alice changes a resource; the event comes, and its look is waited for."""
        self.tenant.write(resource, {"properties": properties}, by=contoso.ALICE, method="PATCH")
        for text in self.tenant.events.take_messages():
            self.gate.worker.hints(text)
        self.passes(timedelta(minutes=1))

    def passes(self, time: timedelta) -> None:
        """Time passes; what is due is done."""
        self.clock.advance(time)
        self.gate.worker.due()
        store = self.gate.state.store
        while messages := store.receive(HINTS, 8, timedelta(minutes=10)):
            for message in messages:
                self.gate.worker.hints(message.text)
                store.done(message)


def played() -> dict[str, list[Record]]:
    """Every record of the morning, by stream, oldest first."""
    morning = Morning()
    gate = morning.gate
    morning.opens(contoso.WEBSITE, {"allowBlobPublicAccess": True})
    _backups_opened_behind_their_lock(morning)
    acls = {"bypass": "AzureServices", "defaultAction": "Allow", "ipRules": []}
    morning.opens(contoso.VAULT, {"networkAcls": acls})
    (asked,) = gate.state.approvals.all()
    gate.people.approve(asked.id, CAROL)
    _take_back(gate)
    morning.opens(contoso.ASSETS, {"allowBlobPublicAccess": True})
    morning.opens(contoso.ASSETS, {"allowBlobPublicAccess": True})
    _write_nobody_knows(morning)
    gate.worker.hints("neither JSON nor an event")
    gate.sweep.run()
    outbox = gate.state.outbox
    return {stream: [_settled(r) for r in outbox.records(stream)] for stream in STREAMS}


def _backups_opened_behind_their_lock(morning: Morning) -> None:
    lock = f"{contoso.LEGACY}/providers/Microsoft.Authorization/locks/keep-backups"
    held = morning.tenant.read(lock) or {}
    morning.tenant.remove(lock, by=contoso.ALICE)
    morning.tenant.write(
        contoso.BACKUPS,
        {"properties": {"allowBlobPublicAccess": True}},
        by=contoso.ALICE,
        method="PATCH",
    )
    morning.tenant.load(held)
    for text in morning.tenant.events.take_messages():
        morning.gate.worker.hints(text)
    morning.passes(timedelta(minutes=1))


def _take_back(gate: Gate) -> None:
    first = next(r for r in gate.state.outbox.records("actions") if r["Entry"] == "remediated")
    result = gate.people.undo(first["ActionId"], CAROL)
    if isinstance(result, Stopped):
        raise Unusable(result.message)


def _write_nobody_knows(morning: Morning) -> None:
    tags = {"tags": {"touched": "by hand"}}
    morning.tenant.write(contoso.SHARES[0], tags, by=contoso.GATE, method="PATCH")
    for text in morning.tenant.events.take_messages():
        morning.gate.worker.hints(text)
    morning.passes(timedelta(minutes=11))


def _settled(value: Any, name: str = "") -> Any:
    """The same value with what differs from run to run made equal."""
    if name in _SAME and value:
        return _SAME[name](value)
    if isinstance(value, dict):
        return {key: _settled(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_settled(inner) for inner in value]
    return value
