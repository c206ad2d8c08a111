"""A tenant that is down, full, or answers nonsense: no write, nothing compliant, nothing lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.hints import HINTS
from shared.model import ResourceId
from shared.settings import Settings
from simulator.adapter import TenantCredential, over
from tests.azure.wire import Mouth, Said
from tests.engine.world import GROUP, US, World, enforce, policy, storage
from wiring import Gate, build

BLOB, HTTPS, SQL = (
    "storage-public-blob-access",
    "storage-secure-transfer",
    "sql-firewall-any-internet",
)
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/orders"
OPEN = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}  # noqa: S104  a rule
NONSENSE = {
    "a page": Said(200, "<!DOCTYPE html><html></html>"),
    "nothing": Said(200),
    "truncated": Said(200, '{"id": "/subscriptions/'),
    "a list": Said(200, "[]"),
    "without end": Said(200, "[" * 100_000),
    "an object": Said(200, {}),
    "an error": Said(200, {"error": {"code": "X"}}),
    "half a document": Said(200, {"properties": {"provisioningState": "Succeeded"}}),
    "half a violation": Said(200, {"properties": {"allowBlobPublicAccess": True}}),
    "no such method": Said(405, "<html></html>"),
    "a sign-in page": Said(302, "", {"Location": "https://login.example"}),
    "forbidden by a proxy": Said(403, "<html></html>"),
    "throttled": Said(429, "<html></html>"),
    "full": Said(507, {"error": {"code": "InsufficientStorage", "message": "full"}}),
    "down": Said(503, ""),
}


class Troubled(World):
    """A world whose tenant can be spoken for."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.mouth = Mouth(self.tenant)
        self.policy = policy(enforce(BLOB, HTTPS, SQL))

    def gate(self, **_: Any) -> Gate:
        return build(
            Settings(identities=frozenset({US.object_id})),
            TenantCredential(self.tenant, US),
            now=self.clock.now,
            transport=over(self.mouth),
            store=self.store,
            policy=lambda: self.policy,
        )

    def answer(self, said: Said, method: str, end: str) -> None:
        """Say this to what ends so; everything else is the tenant's to answer."""
        self.mouth.answers = lambda asked, url: (
            said if asked == method and url.split("?")[0].endswith(end) else None
        )

    def heal(self) -> None:
        self.mouth.answers = lambda _method, _url: None

    def sent(self) -> list[str]:
        return [method for method, _, _ in self.mouth.heard if method != "GET"]

    def states(self, gate: Gate, resource: str) -> dict[str, str]:
        found = gate.state.findings.of(ResourceId(resource))
        return {one.control: str(one.value["State"]) for one in found}


@pytest.fixture
def world() -> Troubled:
    return Troubled()


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_about_a_resource_writes_nothing(world: Troubled, kind: str) -> None:
    """What is not seen is unknown or looked at again; once Azure is back it is cured."""
    gate = world.gate()
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.answer(NONSENSE[kind], "GET", "/contoso")
    gate.worker.hints(world.hint(account).to_text())
    assert world.sent() == []
    states = set(world.states(gate, account).values())
    assert states == {"unknown"} or (states == set() and world.store.waiting(HINTS) == 1)
    world.heal()
    # What throttles without a time is left alone for half a minute.
    world.clock.advance(timedelta(minutes=1))
    gate.worker.hints(world.hint(account).to_text())
    assert world.our_writes() == ["PATCH contoso"]
    assert world.properties(account)["allowBlobPublicAccess"] is False


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_about_a_list_is_not_compliant(world: Troubled, kind: str) -> None:
    """A server whose firewall rules cannot be had is not one without rules."""
    gate = world.gate()
    (server,) = world.load({"id": SERVER, "location": "westeurope", "properties": {}})
    world.load({"id": f"{SERVER}/firewallRules/everyone", "properties": OPEN})
    world.look(gate, server)
    assert world.our_writes() == ["DELETE everyone"]
    world.load({"id": f"{SERVER}/firewallRules/everyone", "properties": OPEN})
    world.mouth.heard.clear()
    world.answer(NONSENSE[kind], "GET", "/firewallRules")
    look = gate.worker.hints(world.hint(server).to_text())
    assert world.sent() == []
    assert look is None or world.states(gate, server)[SQL] == "unknown"
    world.heal()
    world.run(gate, hours=0.2)
    assert world.tenant.read(f"{SERVER}/firewallRules/everyone") is None


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_to_a_write_is_no_cure(world: Troubled, kind: str) -> None:
    """A write is sent once, and what came of it is seen by a fresh read, not in the answer."""
    gate = world.gate()
    (account,) = world.load(storage(supportsHttpsTrafficOnly=False))
    world.answer(NONSENSE[kind], "PATCH", "/contoso")
    gate.worker.hints(world.hint(account).to_text())
    assert world.sent() == ["PATCH"]
    assert world.our_writes() == []
    assert "remediated" not in world.entries(gate)
    assert world.states(gate, account)[HTTPS] == "non-compliant"


def test_the_words_name_the_endpoint(world: Troubled) -> None:
    """A resource that cannot be seen for long is unknown, and the reason says which part."""
    gate = world.gate()
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.answer(NONSENSE["a page"], "GET", "/contoso")
    gate.state.inbox.note(world.hint(account))
    world.run(gate, hours=0.1)
    reasons = {f.value["Reason"] for f in gate.state.findings.of(ResourceId(account))}
    (reason,) = reasons
    assert "the ARM endpoint management.azure.com answered with" in reason
    assert world.our_writes() == []
    world.heal()
    world.run(gate, hours=0.5, step=30)
    assert world.our_writes() == ["PATCH contoso"]
