"""Every case of every control once more, through the engine, ARM's path and the tenant."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shared.journal import Story
from shared.model import ABSENT, ResourceId, Reversible, Verb, same, value_at
from tests.cases import FAILED, Case, cases, merged
from tests.engine.world import CONTROLS, World


def runnable(case: Case) -> bool:
    """A finding with a plan that a person may order here."""
    cure = CONTROLS[case.control].remediation
    return (
        case.finds
        and case.plan != "refused"
        and cure is not None
        and not cure.privileged
        and FAILED not in case.lookups.values()
    )


def loaded(case: Case) -> World:
    world = World()
    world.load(case.body)
    for documents in case.lookups.values():
        world.load(*(d for d in documents if d["id"].lower() != case.body["id"].lower()))
    return world


@pytest.mark.parametrize("case", [c for c in cases() if runnable(c)], ids=str)
def test_a_persons_order_cures_and_undo_restores(case: Case) -> None:
    """Ordered, written, verified by the detector; taken back, all is as it was."""
    world = loaded(case)
    gate = world.gate()
    written = snapshot(world, case)
    only = frozenset({case.control})
    gate.people.apply(ResourceId(case.body["id"]), "carol", dict(case.parameters), only)
    world.run(gate, hours=0.6, step=60)
    (story,) = gate.state.journal.all()
    assert story.state == "remediated", story.value["Message"]
    if world.tenant.read(case.body["id"]) is not None:
        look = gate.people.preview(ResourceId(case.body["id"]))
        held = {s.control.id: s.verdict.state.value for s in look.seen}
        assert held[case.control] == "compliant"
    if story.value["Plan"]["reversible"] == Reversible.NO:
        return
    undone = gate.people.undo(story.id, "carol")
    assert isinstance(undone, Story)
    world.run(gate, hours=0.6, step=60)
    (undone,) = [s for s in gate.state.journal.all() if s.undoing]
    assert undone.state == "undone", undone.value["Message"]
    assert_restored(world, case, story, written)


REPORTED = [
    case
    for case in cases()
    if CONTROLS[case.control].remediation is None and FAILED not in case.lookups.values()
]


@pytest.mark.parametrize("case", REPORTED, ids=str)
def test_what_is_only_reported_is_judged_alike(case: Case) -> None:
    """The verdict on the tenant is the case's, with what it looks up read from there."""
    look = loaded(case).gate().people.preview(ResourceId(case.body["id"]))
    held = {seen.control.id: seen.verdict.state.value for seen in look.seen}
    assert held[case.control] == ("non-compliant" if case.finds else case.expect)


def snapshot(world: World, case: Case) -> dict[str, Any]:
    """Everything that was loaded, as the tenant shows it."""
    documents = [case.body, *(d for docs in case.lookups.values() for d in docs)]
    ids = [d["id"] for d in documents] + [one for d in documents for one in inside(d)]
    return {one.lower(): copy.deepcopy(world.tenant.read(one)) for one in ids}


def inside(document: dict[str, Any]) -> list[str]:
    """The ids of what a document's lists embed."""
    lists = (held for held in document.get("properties", {}).values() if isinstance(held, list))
    ids = (one.get("id") for held in lists for one in held if isinstance(one, dict))
    return [one for one in ids if isinstance(one, str) and one.startswith("/")]


def assert_restored(world: World, case: Case, story: Story, before: dict[str, Any]) -> None:
    for change in story.changes:
        now = world.tenant.read(change.target.text)
        if change.verb is Verb.CREATE:
            assert now is None, f"{change.target} was made, and is still there"
        elif change.verb is Verb.DELETE:
            was = before[change.target.key]
            if change.target == case.id:
                was = merged(was, case.restored)
            assert now is not None
            # The provider's own word, which no client can write.
            held = {k: v for k, v in now["properties"].items() if k != "provisioningState"}
            assert same(held, was["properties"]), change.target
        for edit in change.edits:
            held = value_at(now, edit.path)
            said = value_at(case.restored, edit.path)
            # The network provider shows a list that was absent as an empty one.
            emptied = edit.before is ABSENT and held == []
            as_told = same(held, edit.before) or same(held, said)
            assert as_told or emptied, (change.target, edit, held)
