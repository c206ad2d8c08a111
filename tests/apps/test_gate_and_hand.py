"""Two apps in two processes under two identities: who writes, how often, and who never does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests

from shared.clouds import PUBLIC
from shared.hints import ACT, HINTS
from shared.model import ResourceId
from shared.needs import GUARDS
from shared.settings import Settings
from shared.state import State
from shared.store import Store
from simulator import roles
from simulator.adapter import TenantCredential, transport
from simulator.contoso import GATE, HAND
from tests.apps.conftest import BLOB, Stack, hint
from tests.engine.world import SUBSCRIPTION
from wiring import build

ONE_CURE = [("PATCH", HAND.name)]


def entries(state: State, stream: str = "actions") -> list[str]:
    return [record["Entry"] for record in state.outbox.records(stream)]


def stories(state: State) -> list[str]:
    return [story.state for story in state.journal.all()]


def open_findings(state: State, rid: str) -> list[str]:
    return [one.control for one in state.findings.of(ResourceId(rid)) if one.open]


def idle(store: Store) -> bool:
    return store.waiting(HINTS) == 0 == store.waiting(ACT)


def public(stack: Stack, rid: str) -> bool:
    document: Any = stack.tenant.read(rid)
    return bool(document["properties"]["allowBlobPublicAccess"])


def health(address: str) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{address}/health", timeout=30).json()
    return found


def test_the_gate_decides_and_the_hand_writes(
    stack: Stack, store: Store, state: State, account: str
) -> None:
    """Without a hand an event ends in an order that waits, and is said; with one in one cure."""
    gate = stack.start("gate")
    stack.deliver(store, times=3)
    stack.until(lambda: store.waiting(ACT) and not store.waiting(HINTS), "the gate's order")
    assert open_findings(state, account) == [BLOB]
    assert health(gate.ready())["reasons"] == ["orders that wait for the hand: 1"]
    assert stack.writes() == []
    store.send(ACT, hint(account))
    stack.start("hand")
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the cure")
    assert stack.writes() == ONE_CURE
    assert not public(stack, account)
    assert open_findings(state, account) == []
    assert entries(state) == ["intent", "remediated"]
    assert {r.identity for r in stack.tenant.requests if r.method == "GET"} >= {GATE.name}
    assert [r.path for r in stack.tenant.requests if r.status == 403] == []
    assert stack.complaints == []


def test_apps_that_start_again_go_on(
    stack: Stack, store: Store, state: State, account: str
) -> None:
    """Gate and hand end when told to, and new ones do what was left, once."""
    first = [stack.start("gate"), stack.start("hand")]
    assert [one.ready() != "" for one in first] == [True, False]
    assert [one.stop() for one in first] == [0, 0]
    for queue in (HINTS, HINTS, ACT):
        store.send(queue, hint(account))
    stack.start("gate")
    stack.start("hand")
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the cure")
    for queue in (HINTS, ACT, ACT):
        store.send(queue, hint(account))
    stack.until(lambda: idle(store), "the end of all messages")
    assert stack.writes() == ONE_CURE
    assert entries(state) == ["intent", "remediated"]
    assert stack.complaints == []


@pytest.mark.parametrize(
    ("method", "when"), [("GET", "before"), ("PATCH", "before"), ("PATCH", "after")]
)
def test_a_hand_that_is_killed_is_followed_by_another(
    stack: Stack, store: Store, state: State, account: str, method: str, when: str
) -> None:
    """Killed as it reads, as it writes, and when it has written: one write and one story."""
    stack.tenant.stuck = (HAND, method, when)
    store.send(ACT, hint(account))
    doomed = stack.start("hand")
    stack.until(lambda: stack.tenant.arrived, f"the {method} of the hand")
    doomed.kill()
    assert stack.writes() == (ONE_CURE if when == "after" else [])
    stack.pass_half_an_hour()
    for _ in range(3):
        store.send(ACT, hint(account))
    stack.start("hand", ahead=True)
    stack.until(lambda: stories(state) == ["remediated"] and idle(store), "the cure")
    assert stack.writes() == ONE_CURE
    assert not public(stack, account)
    assert entries(state).count("remediated") == 1


def test_a_hand_with_the_gates_identity_writes_nothing(
    stack: Stack, store: Store, state: State, account: str
) -> None:
    """An app set up wrongly is refused by Azure; the journal says so, and nothing is changed."""
    look = roles.custom_role("Groups", SUBSCRIPTION, roles.block(list(GUARDS)))
    stack.tenant.load(roles.assignment(GATE.object_id, stack.tenant.load(look), SUBSCRIPTION))
    store.send(ACT, hint(account))
    stack.start("hand", identity="gate")
    stack.until(lambda: stories(state) == ["failed"] and idle(store), "the refusal")
    assert stack.writes() == []
    assert public(stack, account)
    (record,) = [r for r in state.outbox.records("actions") if r["Entry"] == "failed"]
    assert "AuthorizationFailed" in record["Message"]


def test_an_order_that_reaches_the_gate_goes_on_to_the_hand(
    stack: Stack, store: Store, account: str
) -> None:
    """The gate's own code, given what only a hand should get, looks and hands over."""
    settings = Settings.of(stack.environment("gate"), stack.policy.parent)
    gate = build(
        replace(settings, arm_endpoint=PUBLIC.arm),
        TenantCredential(stack.tenant, HAND),
        transport=transport(stack.tenant),
        store=store,
    )
    look = gate.worker.act(hint(account))
    assert look is not None
    assert store.waiting(ACT) == 1
    assert stack.writes() == []
    assert public(stack, account)
