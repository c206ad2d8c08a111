"""A change of ours that must come back as an event: the silence of Event Grid is noticed."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import doctor
from shared import needs
from shared.canaries import EVERY, LATE, TAG, Flight, flights
from shared.doctor import Is
from shared.settings import App, Settings
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import (
    ALICE,
    CONTROLS,
    GROUP,
    SUBSCRIPTION,
    US,
    Fragile,
    Killed,
    World,
    kills,
)
from wiring import Gate

AT = f"{GROUP.removeprefix(SUBSCRIPTION)}/providers/Microsoft.Resources/templateSpecs/canary"
CANARY = f"{SUBSCRIPTION}{AT}"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def world() -> World:
    return canary_world()


def canary_world() -> World:
    """A gate that may read, and change the canary's tags: nothing else at all."""
    made = World(rbac=True, settings=Settings(canary=AT))
    made.load({"id": CANARY, "location": "westeurope", "tags": {"owner": "us"}, "properties": {}})
    for name, scope, actions in (
        ("gate", SUBSCRIPTION, sorted(needs.reads(CONTROLS))),
        ("canary", CANARY, ["Microsoft.Resources/tags/read", "Microsoft.Resources/tags/write"]),
    ):
        role = made.tenant.load(roles.custom_role(name, SUBSCRIPTION, roles.block(actions)))
        grant = roles.assignment(US.object_id, role, scope, principalType=US.kind)
        made.tenant.load({**grant, "properties": {**grant["properties"], "roleDefinitionId": role}})
    made.tenant.load(roles.assignment(ALICE.object_id, roles.OWNER, SUBSCRIPTION))
    return made


def gate(world: World, app: App = App.GATE) -> Gate:
    """One that has seen the estate, and heard what happened before."""
    made = world.gate(app=app, directory=None)
    made.sweep.run()
    world.drain(made)
    world.tenant.events.take_messages()
    return made


def passes(world: World, made: Gate, span: timedelta, *, heard: bool = True) -> None:
    """Time passes; events arrive, or are lost on their way."""
    step = MINUTE if span < timedelta(hours=1) else 5 * MINUTE
    for _ in range(span // step):
        made.due()
        world.clock.advance(step)
        if heard:
            world.deliver()
            world.drain(made)
        else:
            world.tenant.events.take_messages()


def flight(made: Gate) -> Flight:
    (only,) = flights(made.state)
    return only


def told(world: World, made: Gate) -> list[tuple[str, str]]:
    return [
        (r["Entry"], r["Severity"])
        for r in world.records(made, "health")
        if r["Entry"].startswith("canar")
    ]


def test_a_canary_comes_back(world: World) -> None:
    """Its tag alone is changed, and nobody is told but once an hour that all is well."""
    made = gate(world)
    passes(world, made, MINUTE)
    assert flight(made).seconds == 60
    document = world.tenant.read(CANARY)
    assert document is not None
    assert set(document["tags"]) == {"owner", TAG}
    assert told(world, made) == [("canaries", "low")]
    passes(world, made, timedelta(hours=2))
    assert told(world, made) == [("canaries", "low")] * 2
    assert len(world.our_writes()) == timedelta(hours=2) // EVERY
    assert set(world.our_writes()) == {"PATCH default"}


def test_events_that_stop_are_said_once_and_so_is_their_return(world: World) -> None:
    made = gate(world)
    passes(world, made, timedelta(minutes=5))
    passes(world, made, timedelta(hours=2), heard=False)
    assert [one for one in told(world, made) if one[0] != "canaries"] == [
        ("canary-lost", "critical")
    ]
    (line,) = [one for one in made.health() if "canary" in one]
    assert line == f"events of {SUBSCRIPTION} do not arrive: its canary is lost"
    passes(world, made, EVERY)
    assert told(world, made)[-1] == ("canary-returned", "low")
    assert not flight(made).lost
    assert [one for one in made.health() if "canary" in one] == []


def test_one_that_is_late_is_not_lost_before_its_time(world: World) -> None:
    made = gate(world)
    passes(world, made, LATE, heard=False)
    assert not flight(made).lost
    passes(world, made, MINUTE, heard=False)
    assert flight(made).lost


def test_what_is_lost_is_told_wherever_the_gate_is_killed(world: World) -> None:
    """At any operation of the store: it is told then, or a minute later."""
    for at, kill, _ in kills():
        each = canary_world()
        whole = gate(each)
        passes(each, whole, MINUTE, heard=False)
        each.clock.advance(LATE)
        broken = each.gate(app=App.GATE, directory=None, store=Fragile(each.store, kill))
        assert broken.canaries is not None
        try:
            broken.canaries.fly()
            survived = True
        except Killed:
            survived = False
        passes(each, whole, 2 * MINUTE, heard=False)
        records = each.records(whole, "health")
        assert len({r["EventId"] for r in records if r["Entry"] == "canary-lost"}) == 1, at
        if survived:
            return


def test_its_event_wakes_nobody_and_raises_no_alarm(world: World) -> None:
    """Though it was written under our identity, and no journal knows it."""
    made = gate(world)
    world.settings = Settings(canary=AT, identities=frozenset({US.object_id}))
    passes(world, made, timedelta(hours=3))
    passes(world, made, timedelta(hours=1), heard=False)
    passes(world, made, timedelta(hours=1))
    assert "unknown-own-write" not in {r["Entry"] for r in world.records(made, "health")}
    assert world.records(made, "actions") == []


def test_an_event_that_comes_hours_late_is_still_known(world: World) -> None:
    made = gate(world)
    made.due()
    (late,) = world.tenant.events.take_messages()
    passes(world, made, timedelta(hours=20), heard=False)
    before = flight(made)
    assert made.worker.hints(late) is not None
    assert flight(made) == before
    passes(world, made, timedelta(hours=1), heard=False)
    assert "unknown-own-write" not in {r["Entry"] for r in world.records(made, "health")}


def test_somebody_elses_change_of_the_canary_is_no_return(world: World) -> None:
    """Who cuts events off cannot say in the canary's name that they come."""
    made = gate(world)
    passes(world, made, MINUTE, heard=False)
    world.tenant.write(CANARY, {"tags": {TAG: "now"}}, by=ALICE, method="PATCH")
    world.deliver()
    world.drain(made)
    assert flight(made).out


@pytest.mark.parametrize("what", ["cut-before", "cut-after", "status"])
def test_a_fault_on_the_way_out_is_tried_again(world: World, what: Any) -> None:
    """Nothing is lost by it, and no alarm is raised over a write that did happen."""
    made = gate(world)
    world.tenant.faults.add(Fault(what, method="PATCH"))
    passes(world, made, timedelta(minutes=2))
    assert flight(made).seconds is not None
    passes(world, made, timedelta(minutes=40))
    assert {entry for entry, _ in told(world, made)} == {"canaries"}
    assert "unknown-own-write" not in {r["Entry"] for r in world.records(made, "health")}


def test_where_there_is_none_that_is_said_once(world: World) -> None:
    """Quietly where there never was one; loudly where it is gone."""
    made = gate(world)
    passes(world, made, timedelta(minutes=5))
    world.tenant.remove(CANARY, by=ALICE)
    world.tenant.events.take_messages()
    passes(world, made, timedelta(hours=1))
    assert [one for one in told(world, made) if one[0] != "canaries"] == [
        ("canary-refused", "high")
    ]
    assert "AuthorizationFailed" in flight(made).refused
    fresh = World(rbac=False, settings=Settings(canary=AT))
    fresh.load({"id": f"{GROUP}/providers/Microsoft.Storage/storageAccounts/x", "properties": {}})
    other = gate(fresh)
    passes(fresh, other, timedelta(minutes=5))
    assert ("canary-refused", "low") in told(fresh, other)


def test_nothing_is_written_while_all_writes_are_stopped(world: World) -> None:
    made = gate(world)
    made.people.suspend("alice", "drill")
    passes(world, made, timedelta(hours=1))
    assert world.our_writes() == []
    made.people.resume("alice")
    passes(world, made, MINUTE)
    assert world.our_writes() == ["PATCH default"]


def test_none_flies_where_none_is_wanted(world: World) -> None:
    """No setting, or the hand: no write, no row, no line."""
    world.settings = Settings()
    for app in (App.GATE, App.HAND):
        made = world.gate(app=app, directory=None)
        assert made.canaries is None
    passes(world, gate(world), timedelta(hours=1))
    assert world.our_writes() == []
    world.settings = Settings(canary=AT)
    assert world.gate(app=App.HAND, directory=None).canaries is None


def test_a_subscription_that_is_watched_no_more_has_no_canary(world: World) -> None:
    made = gate(world)
    passes(world, made, MINUTE)
    made.state.store.put("control", "control", "coverage", {"rows": {}, "unseen": {}})
    made.due()
    assert list(flights(made.state)) == []


def test_a_subscription_that_is_out_of_sight_keeps_its_canary(world: World) -> None:
    """Nothing is sent there; its late event is known when it comes, and raises no alarm."""
    world.settings = Settings(canary=AT, identities=frozenset({US.object_id}))
    made = gate(world)
    made.due()
    late = world.tenant.events.take_messages()
    name = SUBSCRIPTION.rpartition("/")[2]
    unseen = {SUBSCRIPTION: {"since": world.clock.now().isoformat(), "reason": "no right"}}
    made.state.store.put("control", "control", "coverage", {"rows": {name: 1}, "unseen": unseen})
    passes(world, made, EVERY, heard=False)
    assert len(world.our_writes()) == 1
    for text in late:
        made.worker.hints(text)
    passes(world, made, EVERY, heard=False)
    assert flight(made).seconds is not None
    assert "unknown-own-write" not in {r["Entry"] for r in world.records(made, "health")}


def test_the_doctor_tells_how_canaries_stand(world: World) -> None:
    made = gate(world)

    def look() -> list[tuple[str, Is]]:
        found = doctor.CHECKS["canaries"](doctor.patient(made, {}))
        return [(one.subject, one.state) for one in found]

    assert look() == [("", Is.UNKNOWN)]
    passes(world, made, MINUTE)
    assert look() == [("", Is.OK)]
    passes(world, made, timedelta(minutes=40), heard=False)
    assert look() == [(SUBSCRIPTION, Is.WRONG)]
