"""Approvals: a plan waits for one word, and keeps it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.approvals import APPROVED, DONE, REJECTED, STALE, WAITING, Approvals, Asked
from shared.errors import Unusable
from shared.model import Plan, ResourceId
from shared.store import Store
from simulator.clock import VirtualClock
from tests.made import ACCOUNT, plan
from tests.store.crowd import at_once

PLAN = plan()


@pytest.fixture
def approvals(store: Store, clock: VirtualClock) -> Approvals:
    return Approvals(store, clock.now)


def asked(approvals: Approvals, wanted: Plan = PLAN, **parameters: Any) -> Asked:
    approvals.ask(wanted, parameters)
    return approvals.find(wanted.id)


def test_a_plan_that_is_asked_waits(approvals: Approvals) -> None:
    """It is kept whole: what is written where, with which parameters, for which controls."""
    found = asked(approvals, ranges=["10.0.0.1"])
    assert (found.status, found.controls, found.person) == (WAITING, ["plain"], "")
    assert (found.resource, found.parameters) == (ResourceId(ACCOUNT), {"ranges": ["10.0.0.1"]})
    (change,) = found.value["changes"]
    (edit,) = change["edits"]
    assert (edit["path"], edit["before"], edit["after"]) == (["properties", "open"], True, False)
    assert [one.id for one in approvals.of(ResourceId(ACCOUNT.upper()))] == [PLAN.id]


def test_asking_again_changes_nothing(approvals: Approvals, clock: VirtualClock) -> None:
    """A plan that waits keeps its time and its parameters however often it is asked."""
    first = asked(approvals, hours=1)
    clock.advance(timedelta(hours=1))
    assert asked(approvals, hours=2).value == first.value
    assert len(list(approvals.all())) == 1


@pytest.mark.parametrize("status", [APPROVED, REJECTED])
def test_an_answer_stands(approvals: Approvals, status: str) -> None:
    """Who was answered is not asked again: neither a yes nor a no is forgotten."""
    approvals.decide(asked(approvals), status, "alice", "because")
    again = asked(approvals)
    assert (again.status, again.person, again.value["reason"]) == (status, "alice", "because")


@pytest.mark.parametrize("status", [STALE, DONE])
def test_what_has_ended_may_be_asked_anew(
    approvals: Approvals, clock: VirtualClock, status: str
) -> None:
    """A plan that is needed again after its end waits again, without the old answer."""
    approvals.end(approvals.decide(asked(approvals), APPROVED, "alice"), status)
    assert approvals.find(PLAN.id).status == status
    clock.advance(timedelta(hours=1))
    again = asked(approvals)
    assert (again.status, again.person) == (WAITING, "")
    assert again.value["asked_at"] == clock.now().isoformat()


@pytest.mark.parametrize("was", [APPROVED, REJECTED, STALE, DONE])
def test_only_a_plan_that_waits_is_decided(approvals: Approvals, was: str) -> None:
    """A second word on a plan, or one on a plan that ended, is refused with what it is."""
    found = asked(approvals)
    if was in (APPROVED, REJECTED):
        approvals.decide(found, was, "alice")
    else:
        approvals.end(found, was)
    with pytest.raises(Unusable, match=f"does not wait any more: it is {was}"):
        approvals.decide(found, APPROVED, "bob")
    assert approvals.find(PLAN.id).status == was
    assert approvals.find(PLAN.id).person != "bob"


def test_one_of_many_decides(approvals: Approvals) -> None:
    """Of people who decide at once exactly one does; the others are refused."""
    found = asked(approvals)

    def decide(number: int) -> str:
        try:
            return approvals.decide(found, APPROVED, f"person {number}").person
        except Unusable:
            return ""

    deciders = [name for name in at_once(20, decide) if name]
    assert deciders == [approvals.find(PLAN.id).person]


def test_found_by_the_beginning_of_its_id(approvals: Approvals) -> None:
    """So much of an id is enough as only one plan has; nothing, or too little, finds none."""
    other = plan(f"{ACCOUNT}2")
    asked(approvals)
    assert approvals.find(PLAN.id[:6]).id == PLAN.id
    with pytest.raises(Unusable, match="no plan"):
        approvals.find("")
    with pytest.raises(Unusable, match="no plan"):
        approvals.find(other.id)
    many = [plan(f"{ACCOUNT}{i}") for i in range(17)]
    for one in many:
        approvals.ask(one, {})
    first = next(one.id[0] for one in many if sum(o.id[0] == one.id[0] for o in many) > 1)
    with pytest.raises(Unusable, match="begins the ids of"):
        approvals.find(first)
    assert approvals.find(many[3].id).id == many[3].id


def test_an_order_is_approved_at_once(approvals: Approvals) -> None:
    """A person's own order stands whatever was said of the plan before."""
    approvals.decide(asked(approvals), REJECTED, "alice", "no")
    ordered = approvals.order(PLAN, {"hours": 3}, "bob")
    assert (ordered.status, ordered.person, ordered.parameters) == (APPROVED, "bob", {"hours": 3})
    assert approvals.find(PLAN.id).value == ordered.value


def test_other_writes_are_another_plan(approvals: Approvals) -> None:
    """A yes to one plan is none to another: other values, controls or resources, other ids."""
    ids = {PLAN.id, plan(after=None).id, plan(ACCOUNT, "second").id, plan(f"{ACCOUNT}2").id}
    assert len(ids) == 4
    assert plan(ACCOUNT.upper()).id == PLAN.id
    approvals.decide(asked(approvals), APPROVED, "alice")
    assert asked(approvals, plan(after=None)).status == WAITING
