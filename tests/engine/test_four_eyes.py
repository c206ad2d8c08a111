"""Four eyes: where policy wants two people, no one person's word writes anything."""

from __future__ import annotations

import pytest

from shared.approvals import Asked
from shared.errors import PolicyError, Unusable
from shared.model import ResourceId
from tests.engine.test_people import BLOB, HTTPS, waiting
from tests.engine.world import World, policy, storage

TWO = f"rules: [{{control: [{BLOB}], mode: approve, approvers: 2}}]\n"
ONE = f"rules: [{{control: [{BLOB}], mode: approve}}]\n"


def test_the_second_persons_yes_carries_it_out(world: World) -> None:
    """After the first nothing is written and the plan waits; the journal names both."""
    account, plan = waiting(world, TWO)
    gate = world.gate()
    first = gate.people.approve(plan, "carol")
    assert isinstance(first, Asked)
    assert (first.status, first.approved_by) == ("waiting", ["carol"])
    world.run(gate)
    assert world.our_writes() == []
    gate.people.approve(plan, "dave")
    assert world.properties(account)["allowBlobPublicAccess"] is False
    records = world.records(gate)
    assert [r["Person"] for r in records if r["Entry"] == "approved"] == ["carol", "dave"]
    assert records[-1]["Person"] == "carol, dave"


@pytest.mark.parametrize("again", ["carol", "Carol"])
def test_one_person_is_not_two(world: World, again: str) -> None:
    """The same person's second yes is refused, however the name is written."""
    _, plan = waiting(world, TWO)
    gate = world.gate()
    gate.people.approve(plan, "carol")
    with pytest.raises(Unusable, match="somebody else must too"):
        gate.people.approve(plan, again)
    assert world.our_writes() == []


def test_applying_by_hand_is_one_yes(world: World) -> None:
    """`apply` is no way around: it counts as that person's yes, and another's carries it out."""
    account, plan = waiting(world, TWO)
    gate = world.gate()
    for _ in range(2):
        with pytest.raises(Unusable, match="1 of 2 people approved"):
            gate.people.apply(ResourceId(account), "carol", {})
    assert world.our_writes() == []
    gate.people.approve(plan, "dave")
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_a_no_ends_it_whoever_said_yes(world: World) -> None:
    _, plan = waiting(world, TWO)
    gate = world.gate()
    gate.people.approve(plan, "carol")
    gate.people.reject(plan, "dave", "not now")
    with pytest.raises(Unusable, match="it is rejected"):
        gate.people.approve(plan, "erin")
    assert world.our_writes() == []


def test_a_stricter_policy_holds_for_what_was_approved_but_not_done(world: World) -> None:
    """Two are wanted when it would be written: the one yes stands, and it waits for another."""
    account, plan = waiting(world, ONE)
    hand = world.gate()
    hand.people.suspend("carol", "incident")
    hand.people.approve(plan, "carol")
    world.policy = policy(TWO)
    hand.people.resume("carol")
    world.run(hand)
    assert world.our_writes() == []
    asked = hand.state.approvals.find(plan)
    assert (asked.status, asked.approvers) == ("waiting", 2)
    hand.people.approve(plan, "dave")
    assert world.properties(account)["allowBlobPublicAccess"] is False


def test_the_plan_of_two_controls_wants_as_many_as_the_stricter(world: World) -> None:
    """One write for both controls needs two people where one of them does."""
    (account,) = world.load(storage(allowBlobPublicAccess=True, supportsHttpsTrafficOnly=False))
    world.policy = policy(
        f"rules: [{{control: [{BLOB}], mode: approve}},"
        f" {{control: [{HTTPS}], mode: approve, approvers: 2}}]\n"
    )
    gate = world.gate()
    world.look(gate, account)
    (asked,) = [a for a in gate.state.approvals.all() if a.status == "waiting"]
    assert (sorted(asked.controls), asked.approvers) == ([BLOB, HTTPS], 2)


@pytest.mark.parametrize("mode", ["audit", "enforce"])
def test_only_a_rule_that_asks_can_want_more_people(mode: str) -> None:
    with pytest.raises(PolicyError, match="approvers is for a rule that asks"):
        policy(f"rules: [{{control: [{BLOB}], mode: {mode}, approvers: 2}}]\n")
