"""A tenant of real documents, end to end: swept, cured, quiet afterwards, and taken back."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest

from shared.errors import Refused
from shared.journal import Story
from shared.model import ABSENT, ResourceId, Reversible, Verb, same, value_at
from simulator.estate import load_folder
from tests.engine.world import CONTROLS, World, policy
from tests.recorded import RECORDED

PARAMETERS: dict[str, Any] = {
    "allowed_ranges": ["203.0.113.0/24"],
    "detach": True,
    "in_use": [],
}
"""What guided cures are told, by the name of the parameter; others are not enforced here."""


def enforcing() -> str:
    """Every control with a reversible cure that may be enforced, in enforce."""
    lines = ["limits: [{writes: 100000, per: estate}]", "rules:"]
    for control in CONTROLS.values():
        cure = control.remediation
        if cure is None or cure.privileged or cure.reversible is Reversible.NO:
            continue
        told = {one.name for one in cure.parameters if one.default is ABSENT}
        if not told <= PARAMETERS.keys():
            continue
        given = {name: PARAMETERS[name] for name in told}
        lines.append(f"  - {{control: {control.id}, mode: enforce, parameters: {given}}}")
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def swept() -> tuple[World, dict[str, Any]]:
    """The recorded estate after one sweep and everything it caused; documents as they were."""
    if not RECORDED.is_dir():
        pytest.skip(f"recorded Azure documents are not at {RECORDED} (PORTCULLIS_RECORDED)")
    world = World()
    load_folder(world.tenant, RECORDED / "documents")
    world.policy = policy(enforcing())
    gate = world.gate()
    gate.sweep.run()
    before = {s.text: world.tenant.read(s.text) for s in hinted(world)}
    world.run(gate, hours=1, step=30)
    return world, before


def hinted(world: World) -> list[ResourceId]:
    return [ResourceId(row.partition) for row in world.store.scan("dirty")]


def stories(world: World) -> list[Story]:
    return list(world.gate().state.journal.all())


def test_every_cured_finding_is_verified_cured(swept: tuple[World, Any]) -> None:
    """What was enforced and not stood in the way of is closed as cured; the rest says why."""
    world, _ = swept
    gate = world.gate()
    states = Counter(s.state for s in stories(world))
    assert states["remediated"] > 40, states
    assert set(states) <= {"remediated", "failed"}, states
    for story in stories(world):
        if story.state != "remediated":
            continue
        look = gate.people.preview(story.resource)
        held = {s.control.id: s.verdict.state.value for s in look.seen}
        assert all(held[c] == "compliant" for c in story.controls), story.resource
    for standing in gate.state.findings.all():
        if standing.open and standing.value["State"] == "non-compliant":
            decision = standing.value["Decision"]
            assert decision["do"] != "remediate" or decision["reason"], standing.value


def test_a_second_sweep_writes_nothing(swept: tuple[World, Any]) -> None:
    world, _ = swept
    gate = world.gate()
    written = len(world.our_writes())
    gate.sweep.run()
    world.run(gate, hours=0.5, step=30)
    assert len(world.our_writes()) == written


def test_undoing_every_reversible_action_restores_what_was_written(
    swept: tuple[World, dict[str, Any]],
) -> None:
    """Each written path holds its old value again; an absent one its documented default."""
    world, before = swept
    gate = world.gate()
    defaults: Counter[str] = Counter()
    for story in stories(world):
        if story.state != "remediated" or story.undoing:
            continue
        gate.people.undo(story.id, "carol")
    world.run(gate, hours=0.5, step=30)
    undone = [s for s in stories(world) if s.undoing]
    assert undone
    assert {s.state for s in undone} == {"undone"}
    for story in stories(world):
        if story.state == "remediated" and not story.undoing:
            defaults.update(restored(world, before, story))
    with pytest.raises(Refused):
        gate.people.undo(undone[0].value["UndoOf"], "carol")
    # Absent before, the platform's documented default after: the same in effect.
    assert set(defaults) <= {
        "allowBlobPublicAccess",
        "authorizedIPRanges",
        "ipRules",
        "networkAccessPolicy",
        "networkAcls",
        "publicNetworkAccess",
    }, defaults


def restored(world: World, before: dict[str, Any], story: Story) -> list[str]:
    """The written paths that came back as a documented default; all others are as they were."""
    defaults = []
    for change in story.changes:
        now = world.tenant.read(change.target.text)
        if change.verb is Verb.DELETE:
            assert now is not None, change.target
            assert same(now["properties"], was(before, change.target)["properties"])
        for edit in change.edits:
            held = value_at(now, edit.path)
            if not same(held, edit.before):
                assert same(held, edit.inverse().after), (change.target, edit)
                defaults.append(str(edit.path[-1]))
    return defaults


def was(before: dict[str, Any], target: ResourceId) -> dict[str, Any]:
    for file in (RECORDED / "documents").rglob("*.json"):
        body = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(body, dict) and ResourceId(str(body.get("id") or "/")) == target:
            return dict(body)
    raise AssertionError(f"{target} is not recorded")
