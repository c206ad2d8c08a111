"""Hints: many notes, one look; a note during a look, another; what waits is woken in time."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.hints import FORGOTTEN, HINTS, KEPT_ACTORS, SETTLE, Actor, Due, Hint, Inbox
from shared.model import ResourceId
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT
from tests.store.crowd import at_once

HOUR = timedelta(hours=1)
OTHER = f"{ACCOUNT}2"


@pytest.fixture
def inbox(store: Store, clock: VirtualClock) -> Inbox:
    return Inbox(store, clock.now)


@pytest.fixture
def due(store: Store, clock: VirtualClock) -> Due:
    return Due(store, clock.now)


def hint(clock: VirtualClock, name: str = "", rid: str = ACCOUNT, **more: Any) -> Hint:
    actors = (Actor(name=name),) if name else ()
    fields = {"source": "event", "first_seen": clock.now(), "actors": actors, **more}
    return Hint(id=ResourceId(rid), **fields)


def looks(store: Store, clock: VirtualClock, inbox: Inbox) -> list[Hint]:
    """The looks that waiting messages cause, one after the other, until none is left."""
    found: list[Hint] = []
    for _ in range(20):
        clock.advance(SETTLE)
        messages = store.receive(HINTS, 32, HOUR)
        if not messages:
            break
        for message in messages:
            read = Hint.from_json(json.loads(message.text))
            assert read is not None
            taken = inbox.take(read)
            found.append(taken.hint)
            inbox.finish(taken)
            store.done(message)
    return found


def names(seen: Hint) -> list[str]:
    return [actor.name for actor in seen.actors]


def test_many_notes_cause_one_look_with_all_actors(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """However often an id is noted close together, in whatever spelling: one message, one look."""
    for i in range(10):
        rid = ACCOUNT.upper() if i % 2 else ACCOUNT
        inbox.note(hint(clock, f"person {i}", rid))
        clock.advance(timedelta(milliseconds=100))
    assert store.waiting(HINTS) == 1
    (look,) = looks(store, clock, inbox)
    assert names(look) == [f"person {i}" for i in range(10)]
    assert look.id == ResourceId(ACCOUNT)
    assert store.waiting(HINTS) == 0


def test_a_crowd_of_notes_causes_one_message(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """Twenty workers that note one id at once send one message, and no actor is forgotten."""
    at_once(20, lambda i: inbox.note(hint(clock, f"person {i:02}")))
    assert store.waiting(HINTS) == 1
    (look,) = looks(store, clock, inbox)
    assert sorted(names(look)) == [f"person {i:02}" for i in range(20)]


def test_ids_are_apart(inbox: Inbox, store: Store, clock: VirtualClock) -> None:
    """Notes of two ids cause two looks, each with its own actors."""
    inbox.note(hint(clock, "alice"))
    inbox.note(hint(clock, "bob", OTHER))
    found = {look.id.text: names(look) for look in looks(store, clock, inbox)}
    assert found == {ACCOUNT: ["alice"], OTHER: ["bob"]}


def test_the_look_waits_for_the_likes_of_an_event(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """An event's look comes after a little while; a person's, without delay, at once."""
    inbox.note(hint(clock))
    inbox.note(hint(clock, rid=OTHER), timedelta(0))
    shown = [json.loads(m.text)["id"] for m in store.receive(HINTS, 9, HOUR)]
    assert shown == [OTHER]
    clock.advance(SETTLE)
    assert len(store.receive(HINTS, 9, HOUR)) == 1


def test_a_note_during_a_look_causes_another(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """What is noted after the look began may have been missed: one more look, with its actor."""
    inbox.note(hint(clock, "alice"))
    clock.advance(SETTLE)
    (message,) = store.receive(HINTS, 1, HOUR)
    first = inbox.take(hint(clock))
    for name in ("bob", "carol"):
        inbox.note(hint(clock, name))
    assert store.waiting(HINTS) == 1
    store.done(message)
    inbox.finish(first)
    assert store.waiting(HINTS) == 1
    (again,) = looks(store, clock, inbox)
    assert {"bob", "carol"} <= set(names(again))
    assert store.waiting(HINTS) == 0


def test_after_a_look_a_note_begins_anew(inbox: Inbox, store: Store, clock: VirtualClock) -> None:
    """A finished look leaves nothing behind: the next note has only its own actor."""
    inbox.note(hint(clock, "alice", run="sweep-1"))
    looks(store, clock, inbox)
    inbox.note(hint(clock, "bob"))
    (look,) = looks(store, clock, inbox)
    assert (names(look), look.run) == (["bob"], "")


def test_a_message_delivered_twice_is_two_harmless_looks(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """The second delivery of a message finds no marker, looks, and leaves nothing waiting."""
    inbox.note(hint(clock, "alice"))
    clock.advance(SETTLE)
    (message,) = store.receive(HINTS, 1, HOUR)
    first, second = inbox.take(hint(clock, "alice")), inbox.take(hint(clock, "alice"))
    inbox.finish(first)
    inbox.finish(second)
    store.done(message)
    assert store.waiting(HINTS) == 0
    assert names(first.hint) == names(second.hint) == ["alice"]


def test_a_lost_message_is_sent_again_by_a_later_note(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """A marker whose message got lost does not silence its id for ever."""
    inbox.note(hint(clock, "alice"))
    clock.advance(SETTLE)
    (lost,) = store.receive(HINTS, 1, HOUR)
    store.done(lost)
    clock.advance(FORGOTTEN - SETTLE)
    inbox.note(hint(clock, "bob"))
    assert store.waiting(HINTS) == 0
    clock.advance(timedelta(seconds=1))
    inbox.note(hint(clock, "carol"))
    inbox.note(hint(clock, "dave"))
    assert store.waiting(HINTS) == 1
    (look,) = looks(store, clock, inbox)
    assert names(look) == ["alice", "bob", "carol", "dave"]


def test_the_sweep_that_hinted_stays_known(inbox: Inbox, store: Store, clock: VirtualClock) -> None:
    """A sweep's run joins a marker that an event set, so that its limit counts."""
    inbox.note(hint(clock, "alice"))
    inbox.note(hint(clock, run="sweep-1"))
    (look,) = looks(store, clock, inbox)
    assert look.run == "sweep-1"


def test_actors_are_kept_in_bounds(inbox: Inbox, store: Store, clock: VirtualClock) -> None:
    """Of a flood of actors the latest are kept, each once."""
    for i in range(100):
        inbox.note(hint(clock, f"person {i}"))
        inbox.note(hint(clock, f"person {i}"))
    (look,) = looks(store, clock, inbox)
    assert names(look) == [f"person {i}" for i in range(100 - KEPT_ACTORS, 100)]


def test_a_look_put_off_counts_its_attempts(
    inbox: Inbox, store: Store, clock: VirtualClock
) -> None:
    """The same look comes again after the wait, with its actors and one more attempt."""
    inbox.put_off(hint(clock, "alice", attempt=2), "act", timedelta(minutes=5))
    clock.advance(timedelta(minutes=4))
    assert store.receive("act", 1, HOUR) == []
    clock.advance(timedelta(minutes=1))
    (message,) = store.receive("act", 1, HOUR)
    again = Hint.from_json(json.loads(message.text))
    assert again is not None
    assert (names(again), again.attempt) == (["alice"], 3)
    assert again.first_seen == clock.now() - timedelta(minutes=5)


# --- the due table


def woken(due: Due) -> list[str]:
    noted: list[Hint] = []
    count = due.wake(noted.append)
    assert count == len(noted)
    return [one.id.text for one in noted]


def test_due_rows_are_woken_when_their_time_has_come(due: Due, clock: VirtualClock) -> None:
    """A row is woken at its time and not before, once, soonest first."""
    now = clock.now()
    due.add(now + 2 * HOUR, hint(clock, rid=OTHER), "grace")
    due.add(now + HOUR, hint(clock), "freeze")
    assert woken(due) == []
    clock.advance(HOUR - timedelta(microseconds=1))
    assert woken(due) == []
    clock.advance(timedelta(microseconds=1))
    assert woken(due) == [ACCOUNT]
    assert woken(due) == []
    clock.advance(24 * HOUR)
    assert woken(due) == [OTHER]


def test_the_same_wait_said_twice_is_one_row(due: Due, clock: VirtualClock) -> None:
    """Whoever says a wait again, in whatever time zone and spelling, adds no second row."""
    at = clock.now() + HOUR
    due.add(at, hint(clock), "grace")
    due.add(datetime.fromisoformat("2026-03-02T09:00:00+02:00"), hint(clock, "alice"), "grace")
    due.add(at, hint(clock, rid=ACCOUNT.upper()), "grace")
    assert [why for _, _, why in due.waiting()] == ["grace"]
    due.add(at, hint(clock), "freeze")
    due.add(at + HOUR, hint(clock), "grace")
    shown = [(when, rid.key, why) for when, rid, why in due.waiting()]
    assert [when for when, _, _ in shown] == [
        "2026-03-02T07:00:00+00:00",
        "2026-03-02T07:00:00+00:00",
        "2026-03-02T08:00:00+00:00",
    ]


def test_a_woken_hint_is_fresh(due: Due, clock: VirtualClock) -> None:
    """What is woken late is not old: it begins its attempts, and its age, when it is woken."""
    due.add(clock.now() + HOUR, hint(clock, attempt=7), "retry")
    clock.advance(100 * HOUR)
    noted: list[Hint] = []
    due.wake(noted.append)
    assert [(n.first_seen, n.attempt, n.source) for n in noted] == [(clock.now(), 0, "due")]


def test_a_crash_while_waking_loses_nothing(due: Due, clock: VirtualClock) -> None:
    """Rows that were not turned into hints before a crash are woken by the next timer."""
    for i in range(3):
        due.add(clock.now(), hint(clock, rid=f"{ACCOUNT}{i}"), "grace")
    noted: list[str] = []

    def crashing(one: Hint) -> None:
        if len(noted) == 1:
            raise RuntimeError
        noted.append(one.id.text)

    with pytest.raises(RuntimeError):
        due.wake(crashing)
    assert set(noted + woken(due)) == {f"{ACCOUNT}{i}" for i in range(3)}


@given(st.lists(st.integers(0, 10_000_000), min_size=1, max_size=20), st.integers(0, 10_000_000))
def test_due_by_the_microsecond(times: list[int], later: int) -> None:
    """Whatever the fractions of a second, woken are exactly the rows whose time has come."""
    clock = VirtualClock()
    store = EmbeddedStore(clock.now)
    due = Due(store, clock.now)
    start = clock.now()
    for i, after in enumerate(times):
        due.add(start + timedelta(microseconds=after), hint(clock, rid=f"{ACCOUNT}{i}"), "w")
    clock.advance(timedelta(microseconds=later))
    expected = {f"{ACCOUNT}{i}" for i, after in enumerate(times) if after <= later}
    assert set(woken(due)) == expected
    store.close()


# --- messages


def test_a_hint_survives_its_message(clock: VirtualClock) -> None:
    """Every field of a hint comes back from its text."""
    actor = Actor(
        name="n",
        object_id="o",
        app_id="a",
        operation="op",
        correlation_id="c",
        client_request_id="r",
        at="t",
    )
    told = hint(clock, rid=ACCOUNT, actors=(actor, Actor()), run="sweep-1", attempt=3)
    read = Hint.from_json(json.loads(told.to_text()))
    assert read == told
    assert read is not None
    assert read.id.text == ACCOUNT


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
fields = st.fixed_dictionaries(
    {"portcullis": st.just(1)},
    optional={
        "id": json_values | st.just(ACCOUNT) | st.just("/\ud800"),
        "source": json_values,
        "first_seen": json_values
        | st.sampled_from(["2026-03-02", "2026-03-02T06:00:00", "0001-01-01T00:00+14:00"]),
        "actors": json_values | st.just([{"name": ["a", "list"]}]) | st.just([{"odd": "key"}]),
        "run": json_values,
        "attempt": json_values | st.just("7"),
    },
)


@given(fields)
def test_a_forged_message_is_a_whole_hint_or_none(body: dict[str, Any]) -> None:
    """Whatever claims to be a hint of ours can be used as one, or is said to be none."""
    read = Hint.from_json(body)
    if read is None:
        return
    clock = VirtualClock()
    assert isinstance(clock.now() - read.first_seen, timedelta)
    store = EmbeddedStore(clock.now)
    inbox = Inbox(store, clock.now)
    inbox.note(read)
    inbox.note(read)
    taken = inbox.take(read)
    inbox.finish(taken)
    assert taken.hint.id == read.id
    store.close()


@pytest.mark.parametrize("mark", [None, 0, 2, "1", [1]])
def test_only_our_own_messages_are_hints(mark: Any, clock: VirtualClock) -> None:
    """A body without our mark is no hint, whatever else it holds."""
    body = json.loads(hint(clock).to_text())
    assert Hint.from_json({**body, "portcullis": mark}) is None
    assert Hint.from_json({k: v for k, v in body.items() if k != "portcullis"}) is None


@pytest.mark.parametrize("order", [1, -1], ids=["woken first", "event first"])
def test_one_look_for_several_hints_came_through_what_all_came_through(
    inbox: Inbox, store: Store, clock: VirtualClock, order: int
) -> None:
    """An event's look wakes everybody, also where a woken look for the id was waiting already."""
    woken = hint(clock, source="wake", via=frozenset({"a", "b"}))
    for one in [woken, hint(clock)][::order]:
        inbox.note(one)
    inbox.note(hint(clock, rid=OTHER, source="wake", via=frozenset({"a", "b"})))
    inbox.note(hint(clock, rid=OTHER, source="wake", via=frozenset({"b", "c"})))
    assert [one.via for one in looks(store, clock, inbox)] == [frozenset(), {"b"}]
