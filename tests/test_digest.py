"""Digests: what is gathered, when it is due, and that everything is told once."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.digest import (
    EVENTS,
    GROUPS,
    OTHER,
    Item,
    Kept,
    data_of,
    filed,
    idle,
    sealed,
    taken,
    untaken,
)
from shared.policy_parts import Notices

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RULES = Notices()
NIGHT = {"from": "22:00", "to": "06:00", "zone": "Europe/Berlin"}
CONSOLE = "https://gate.contoso.example"


def quiet(*hours: dict[str, Any], **more: Any) -> Notices:
    return Notices.model_validate({"quiet": hours, **more})


def item(event: str, **more: Any) -> Item:
    fields = {
        "at": NOON.isoformat(),
        "owner": "web",
        "type": "Portcullis.Remediated",
        "what": "put right",
        "where": f"/r/{event}",
        "control": "c1",
        **more,
    }
    return Item(event=event, **fields)


def messages(kept: Kept) -> list[Kept]:
    return list(kept["Sending"])


def told_at(kept: Kept, start: datetime, rules: Notices, hours: float = 48) -> datetime:
    """The first minute from `start` on at which something is due."""
    for minute in range(int(hours * 60)):
        now = start + minute * MINUTE
        if messages(sealed(kept, rules, now)):
            return now
    raise AssertionError("it is never due")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- what is gathered


def test_what_is_alike_is_one_group() -> None:
    """A count, the first five places, and the rest of the first."""
    items = [item(str(i), why=f"w{i}", undo=f"portcullis undo {i}") for i in range(9)]
    kept = filed(None, [*items, item("x", control="c2", severity="high")], NOON)
    data = data_of(messages(sealed(kept, RULES, NOON + MINUTE))[0], "web", "")
    assert data["count"] == 10
    assert [(g["control"], g["count"]) for g in data["groups"]] == [("c2", 1), ("c1", 9)]
    assert data["groups"][1]["where"] == [f"/r/{i}" for i in range(5)]
    assert (data["groups"][1]["why"], data["groups"][1]["undo"]) == ("w0", "portcullis undo 0")
    assert data["headline"] == "put right (10)"


def test_what_is_kept_is_bounded() -> None:
    """However many kinds and events there are; what finds no room is counted."""
    kept = None
    for i in range(3 * EVENTS):
        kept = filed(kept, [item(str(i), control=f"c{i % 90}", why="long")], NOON)
    assert kept is not None
    assert len(kept["Calm"]) == GROUPS + 1
    assert len(kept["Ids"]) == EVENTS
    assert sum(group["count"] for group in kept["Calm"].values()) == 3 * EVENTS
    assert kept["Calm"][OTHER]["count"] > EVENTS
    assert kept["Calm"][OTHER]["why"] == ""


@pytest.mark.parametrize(
    ("fields", "link", "command"),
    [
        ({"action": "ac1", "undo": "portcullis undo ac1"}, "/log/ac1", "portcullis undo ac1"),
        ({"action": "ac1"}, "/log/ac1", "portcullis log"),
        (
            {"type": "Portcullis.ApprovalAsked", "plan": "p1"},
            "/approvals/p1",
            "portcullis approve p1",
        ),
        (
            {"type": "Portcullis.LimitReached", "where": "/a b/c", "plan": "p1"},
            "/findings?resource=%2Fa%20b%2Fc",
            "portcullis plan /a b/c",
        ),
        ({"type": "Portcullis.GateUnhealthy", "where": "/a"}, "/gate", "portcullis log"),
        ({"type": "Portcullis.Suspended", "where": "/"}, "/gate", "portcullis resume"),
        ({"type": "Portcullis.Resumed", "where": "/"}, "/gate", "portcullis log"),
    ],
)
def test_where_a_person_goes_on(fields: dict[str, str], link: str, command: str) -> None:
    """To the page with the button; without a console the command stands alone."""
    sending = messages(sealed(filed(None, [item("1", **fields)], NOON), RULES, NOON + MINUTE))[0]
    for console, wanted in ((CONSOLE, CONSOLE + link), ("", "")):
        (group,) = data_of(sending, "web", console)["groups"]
        assert (group["link"], group["command"]) == (wanted, command)


# --- when it is due


def test_a_burst_settles_and_then_one_digest_at_most_in_a_window() -> None:
    """A minute after the first; what comes later waits for the window's end."""
    kept = filed(None, [item("1")], NOON)
    assert messages(sealed(kept, RULES, NOON + 59 * MINUTE / 60)) == []
    kept = filed(kept, [item("2")], NOON + MINUTE)
    kept = sealed(kept, RULES, NOON + MINUTE)
    (one,) = messages(kept)
    assert data_of(one, "web", "")["count"] == 2
    kept = taken(kept, one["id"], NOON + MINUTE)
    kept = filed(kept, [item("3")], NOON + 2 * MINUTE)
    assert told_at(kept, NOON + MINUTE, RULES) == NOON + 16 * MINUTE


def test_urgent_goes_at_once_and_then_as_a_count() -> None:
    """Each kind by itself: another urgent thing does not wait for the first one's window."""
    kept = sealed(filed(None, [item("1", urgent=True)], NOON), RULES, NOON)
    (one,) = messages(kept)
    assert one["urgent"]
    kept = taken(kept, one["id"], NOON)
    again = [item(str(i), urgent=True) for i in range(2, 9)]
    kept = filed(kept, again, NOON + MINUTE)
    assert told_at(kept, NOON + MINUTE, RULES) == NOON + 15 * MINUTE
    kept = sealed(filed(kept, [item("x", urgent=True, control="c2")], NOON), RULES, NOON + MINUTE)
    (other,) = messages(kept)
    assert [g["control"] for g in other["groups"].values()] == ["c2"]
    kept = sealed(taken(kept, other["id"], NOON + MINUTE), RULES, NOON + 15 * MINUTE)
    assert [g["count"] for g in messages(kept)[0]["groups"].values()] == [7]


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("2026-03-02T20:58Z", "2026-03-02T20:59Z"),
        ("2026-03-02T20:59Z", "2026-03-03T05:00Z"),
        ("2026-03-02T23:30Z", "2026-03-03T05:00Z"),
        ("2026-03-03T04:59Z", "2026-03-03T05:00Z"),
        # The clock is put on at 01:00 UTC: 06:00 is an hour sooner.
        ("2026-03-29T00:30Z", "2026-03-29T04:00Z"),
        # And back: an hour later.
        ("2026-10-25T00:30Z", "2026-10-25T05:00Z"),
    ],
)
def test_quiet_hours_across_midnight_and_changes_of_the_clock(first: str, told: str) -> None:
    """What comes while people sleep is told when the night ends; urgent things at once."""
    kept = filed(None, [item("1")], at(first))
    assert told_at(kept, at(first), quiet(NIGHT)) == at(told)
    urgent = filed(None, [item("1", urgent=True)], at(first))
    assert told_at(urgent, at(first), quiet(NIGHT)) == at(first)


@pytest.mark.parametrize(
    ("hours", "first", "told"),
    [
        # A Friday's night ends on Saturday, where no other begins.
        ({**NIGHT, "days": ["fri"]}, "2026-03-06T22:00Z", "2026-03-07T05:00Z"),
        ({**NIGHT, "days": ["fri"]}, "2026-03-07T22:00Z", "2026-03-07T22:01Z"),
        # Whole days: to the same time of the next.
        (
            {"from": "00:00", "to": "00:00", "days": ["sat", "sun"]},
            "2026-03-07T10:00Z",
            "2026-03-09T00:00Z",
        ),
        # What the clock shows twice is quiet twice.
        ({"from": "01:00", "to": "02:30", "zone": "Europe/Berlin"}, "2026-10-25T00:10Z",
         "2026-10-25T01:30Z"),
        ({"from": "02:30", "to": "04:00", "zone": "Europe/Berlin"}, "2026-10-25T00:35Z",
         "2026-10-25T03:00Z"),
        # What it does not show ends no earlier than an hour later.
        ({"from": "01:00", "to": "02:30", "zone": "Europe/Berlin"}, "2026-03-29T00:10Z",
         "2026-03-29T01:30Z"),
    ],
)  # fmt: skip
def test_days_and_hours_that_a_clock_shows_twice_or_never(
    hours: dict[str, Any], first: str, told: str
) -> None:
    """Quiet in doubt, and never for more than the hour by which a clock is moved."""
    assert told_at(filed(None, [item("1")], at(first)), at(first), quiet(hours)) == at(told)


# --- sending


def test_what_is_being_sent_is_not_changed_by_what_comes() -> None:
    """A repeat has the same id and the same words; the rest is told in the next window."""
    kept = sealed(filed(None, [item("1")], NOON), RULES, NOON + MINUTE)
    (before,) = messages(kept)
    kept = sealed(filed(kept, [item("2")], NOON + MINUTE), RULES, NOON + 2 * MINUTE)
    assert messages(kept) == [before]
    kept = taken(kept, before["id"], NOON + 3 * MINUTE)
    assert told_at(kept, NOON, RULES) == NOON + 18 * MINUTE


def test_what_was_not_taken_is_told_together_with_what_came_since() -> None:
    """One digest, with the first word's example, as soon as the topic is back."""
    kept = sealed(filed(None, [item("1", why="first")], NOON), RULES, NOON + MINUTE)
    kept = untaken(filed(kept, [item("2")], NOON + MINUTE), messages(kept)[0]["id"])
    (whole,) = messages(sealed(kept, RULES, NOON + 2 * MINUTE))
    (group,) = whole["groups"].values()
    assert (group["count"], group["why"]) == (2, "first")
    urgent = sealed(filed(None, [item("3", urgent=True)], NOON), RULES, NOON)
    urgent = untaken(urgent, messages(urgent)[0]["id"])
    assert told_at(urgent, NOON, RULES) == NOON


def test_an_owner_is_forgotten_when_nothing_can_come_twice_any_more() -> None:
    """Hours after the last word, and never while something waits."""
    kept = filed(None, [item("1")], NOON)
    assert not idle(kept, RULES, NOON + timedelta(days=9))
    kept = sealed(kept, RULES, NOON + MINUTE)
    assert not idle(kept, RULES, NOON + timedelta(days=9))
    kept = taken(kept, messages(kept)[0]["id"], NOON + MINUTE)
    assert not idle(kept, RULES, NOON + timedelta(hours=6))
    assert idle(kept, RULES, NOON + timedelta(hours=6) + MINUTE)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("file"), st.integers(0, 40), st.booleans(), st.integers(0, 3)),
        st.tuples(st.just("tick"), st.integers(0, 50), st.sampled_from(["taken", "no", "unsure"])),
    ),
    max_size=60,
)


class Run:
    """An owner over time, and what they were told."""

    def __init__(self, now: datetime, rules: Notices) -> None:
        self.now = now
        self.rules = rules
        self.kept = filed(None, [], now)
        self.sent: dict[str, Kept] = {}
        self.first_sent: dict[str, datetime] = {}
        self.urgent: dict[int, bool] = {}

    def file(self, event: int, urgent: bool, control: int) -> None:  # noqa: FBT001  drawn
        told = self.urgent.setdefault(event, urgent)
        self.kept = filed(
            self.kept, [item(str(event), urgent=told, control=f"c{control}")], self.now
        )

    def tick(self, minutes: int, answer: str) -> None:
        """The timer, and how the topic answers; what may have been taken comes again as it was."""
        self.now += minutes * MINUTE
        earlier = {one["id"] for one in messages(self.kept)}
        self.kept = sealed(self.kept, self.rules, self.now)
        for one in messages(self.kept):
            if answer != "no":
                assert self.sent.setdefault(one["id"], one) == one
                self.first_sent.setdefault(one["id"], self.now)
            if answer == "taken":
                self.kept = taken(self.kept, one["id"], self.now)
            elif answer == "no" and one["id"] not in earlier:
                self.kept = untaken(self.kept, one["id"])

    def times(self, key: str | None) -> list[datetime]:
        """When the owner was told: calmly, or urgently of a group."""
        return sorted(
            self.first_sent[one["id"]]
            for one in self.sent.values()
            if (key in one["groups"] if one["urgent"] else key is None)
        )

    @property
    def keys(self) -> set[str]:
        return {key for one in self.sent.values() if one["urgent"] for key in one["groups"]}

    @property
    def count(self) -> int:
        groups = (group for one in self.sent.values() for group in one["groups"].values())
        return sum(group["count"] for group in groups)


@given(steps, st.sampled_from([RULES, quiet(NIGHT), quiet(NIGHT, every="2h")]), st.integers(0, 23))
def test_everything_is_told_once_and_no_owner_is_told_too_often(
    steps: list[Any], rules: Notices, hour: int
) -> None:
    """Over any run of records, repeats, timers, refusals and lost answers."""
    run = Run(NOON + timedelta(hours=hour), rules)
    for name, *words in steps:
        getattr(run, name)(*words)
    for _ in range(60):
        run.tick(30, "taken")
    assert run.count == len(run.urgent)
    assert not any(rules.silent(moment) for moment in run.times(None))
    for key in (None, *run.keys):
        assert all(b - a >= rules.every for a, b in itertools.pairwise(run.times(key)))


def test_the_order_in_which_records_come_changes_no_count() -> None:
    """Shuffled and doubled, the same is told."""
    items = [item(str(i), control=f"c{i % 3}") for i in range(30)]
    mixed = [*items, *items]
    random.Random(7).shuffle(mixed)  # noqa: S311  an order, no secret
    both = [filed(None, order, NOON)["Calm"] for order in (items, mixed)]
    assert {k: g["count"] for k, g in both[0].items()} == {
        k: g["count"] for k, g in both[1].items()
    }
