"""A policy that changes is recorded, gravely where it lets more happen."""

from __future__ import annotations

import pytest

from shared import policy_history
from shared.errors import PolicyFault
from shared.policy import Policy, broken
from shared.settings import App
from tests.engine.world import SUBSCRIPTION, World, enforce, policy
from wiring import Gate

BLOB = "storage-public-blob-access"


@pytest.fixture
def gate(world: World) -> Gate:
    return world.gate(app=App.GATE, directory=None)


def told(world: World, gate: Gate) -> list[tuple[str, str]]:
    gate.due()
    return [
        (r["Severity"], r["Message"])
        for r in world.records(gate, "health")
        if r["Entry"] == "policy-changed"
    ]


def test_the_first_policy_is_no_change(world: World, gate: Gate) -> None:
    assert told(world, gate) == []
    assert told(world, gate) == []


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        (enforce(BLOB), "high", "rules, enforce 0 -> 1"),
        (f"rules: [{{control: {BLOB}, mode: approve}}]\n", "high", "rules, approve 0 -> 1"),
        (f"exclude: [{SUBSCRIPTION}]\n", "high", "exclude"),
        (f"scopes: [{SUBSCRIPTION}]\n", "high", "scopes"),
        ("limits: [{writes: 101, per: estate}]\n", "high", "limits"),
        ("sweeps: {full: 12h}\n", "low", "sweeps"),
    ],
)
def test_what_a_change_lets_happen(
    world: World, gate: Gate, text: str, severity: str, words: str
) -> None:
    """More that may be written, and less that is looked at, is for somebody to see."""
    told(world, gate)
    world.policy = policy(text)
    assert told(world, gate) == [(severity, f"the policy changed: {words}")]
    world.policy = policy("")
    assert [one[0] for one in told(world, gate)] == [severity, severity]


def test_a_policy_that_breaks_is_critical(world: World, gate: Gate) -> None:
    told(world, gate)
    world.policy = broken((PolicyFault("$.rules", "is no list"),))
    ((severity, message),) = told(world, gate)
    assert severity == "critical"
    assert message == "the policy is broken, nothing is written: $.rules: is no list"


def test_a_rule_that_reaches_further_is_a_change(world: World, gate: Gate) -> None:
    """As many rules as before, of the same modes."""
    world.policy = policy(enforce(BLOB, scope=f"{SUBSCRIPTION}/resourceGroups/a"))
    told(world, gate)
    world.policy = policy(enforce(BLOB))
    assert told(world, gate) == [("high", "the policy changed: rules")]


def test_every_part_is_grave_or_known_not_to_be() -> None:
    """A new part of the policy has to be put on one side."""
    harmless = {"version", "sweeps", "notices"}
    assert set(Policy.model_fields) - harmless == set(policy_history.GRAVE)


def test_one_record_however_many_see_it(world: World, gate: Gate) -> None:
    """A process that starts later knows what was in force before."""
    other = world.gate(app=App.GATE, directory=None)
    told(world, gate)
    told(world, other)
    world.policy = policy(enforce(BLOB))
    told(world, gate)
    assert len(told(world, other)) == 1
    assert len(told(world, world.gate(app=App.GATE, directory=None))) == 1
