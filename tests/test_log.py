"""The log that people page through: newest first, searched in bounded steps, nothing left out."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared import log
from shared.errors import StoreUnavailable
from shared.log import Log, Page, brief
from shared.model import ABSENT
from shared.outbox import JsonLines, Outbox
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from shared.store.tables import Table
from simulator.clock import VirtualClock


@pytest.fixture
def outbox(store: Store, clock: VirtualClock) -> Outbox:
    return Outbox(store, clock.now)


@pytest.fixture
def lines(store: Store) -> Log:
    return Log(store)


def fill(outbox: Outbox, clock: VirtualClock, count: int, **fields: Any) -> list[str]:
    """Ids of records a minute apart, newest first."""
    ids = []
    for i in range(count):
        ids.append(
            outbox.add("actions", [i, fields], {"Entry": "asked", "N": i, **fields})["EventId"]
        )
        clock.advance(timedelta(minutes=1))
    return ids[::-1]


def through(lines: Log, *asked: Any, **more: Any) -> list[Page]:
    """Every page, one after the other."""
    pages = [lines.page("actions", *asked, **more)]
    while pages[-1].next:
        pages.append(lines.page("actions", *asked, after=pages[-1].next, **more))
    return pages


def ids(*pages: Page) -> list[str]:
    return [line["EventId"] for page in pages for line in page.lines]


def test_pages_follow_each_other_newest_first(
    outbox: Outbox, lines: Log, clock: VirtualClock
) -> None:
    """Every record stands on one page, once, and the newest is the first of the first."""
    told = fill(outbox, clock, 23)
    pages = through(lines, limit=5)
    assert ids(*pages) == told
    assert [len(page.lines) for page in pages] == [5, 5, 5, 5, 3]


def test_records_of_one_instant_keep_their_order(outbox: Outbox, lines: Log) -> None:
    """What was written later stands above, also where the clock did not move between."""
    told = [outbox.add("actions", [i], {"Entry": str(i)})["EventId"] for i in range(12)]
    assert ids(lines.page("actions")) == told[::-1]


def test_what_arrives_meanwhile_moves_no_page(
    outbox: Outbox, lines: Log, clock: VirtualClock
) -> None:
    """Who reads on sees neither a line twice nor one less, however many come at the top."""
    told = fill(outbox, clock, 10)
    first = lines.page("actions", limit=4)
    fill(outbox, clock, 6, Later=True)
    rest = lines.page("actions", after=first.next)
    assert ids(first, rest) == told


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from("abc"), max_size=30), st.sampled_from("abc"), st.integers(1, 7))
def test_a_search_finds_what_a_plain_look_would(kinds: list[str], kind: str, limit: int) -> None:
    """Pages of what is wanted hold exactly the lines that are, in order."""
    clock = VirtualClock()
    store = EmbeddedStore(clock.now)
    outbox, lines = Outbox(store, clock.now), Log(store)
    told = []
    for i, one in enumerate(kinds):
        told.append((one, outbox.add("actions", [i], {"Entry": one})["EventId"]))
        clock.advance(timedelta(seconds=i % 3))
    found = through(lines, lambda line: line["Entry"] == kind, limit=limit)
    assert ids(*found) == [event for one, event in told[::-1] if one == kind]


def test_bounds_of_time_count_both_ends_in(outbox: Outbox, lines: Log, clock: VirtualClock) -> None:
    """From 06:02 until 06:05 holds what occurred at these very instants, and between."""
    start = clock.now()
    told = fill(outbox, clock, 10)
    page = lines.page(
        "actions", since=start + timedelta(minutes=2), until=start + timedelta(minutes=5)
    )
    assert ids(page) == told[4:8]


def test_a_long_search_ends_early_and_says_how_far_it_came(
    outbox: Outbox, lines: Log, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rare word is not waited for: what was looked through is told, and where to go on."""
    fill(outbox, clock, 1, Severity="low")
    start = clock.now()
    fill(outbox, clock, 20)
    monkeypatch.setattr(log, "PATIENCE", 8)

    def rare(line: log.Line) -> bool:
        return line.get("Severity") == "low"

    first = lines.page("actions", rare)
    assert first.lines == []
    assert first.next
    assert first.back_to == (start + timedelta(minutes=12)).isoformat()
    assert len(ids(*through(lines, rare))) == 1


def test_a_line_leads_to_its_record_before_and_after_it_was_shipped(
    outbox: Outbox, lines: Log, tmp_path: Path
) -> None:
    """The whole record is found while it waits for the log, and once the log has it."""
    record = outbox.add("actions", ["a"], {"Entry": "asked", "Plan": {"big": [1, 2]}})
    (line,) = lines.page("actions").lines
    assert "Plan" not in line
    assert lines.record("actions", line["Key"]) == record
    outbox.ship([JsonLines(tmp_path / "records.jsonl")])
    assert lines.record("actions", line["Key"]) == record
    assert lines.record("actions", "none") is None


class Torn(EmbeddedStore):
    """Loses the line of a record, as a stop between the two writes would."""

    torn = True

    def put(self, table: Table, partition: str, key: str, value: Any) -> str:
        if table == "log" and self.torn:
            raise StoreUnavailable("stopped here")
        return super().put(table, partition, key, value)


def test_a_record_whose_line_was_lost_gets_it_when_it_is_shipped(
    clock: VirtualClock, tmp_path: Path
) -> None:
    """No record stays out of what people see."""
    store = Torn(clock.now)
    outbox, lines = Outbox(store, clock.now), Log(store)
    with pytest.raises(StoreUnavailable):
        outbox.add("actions", ["a"], {"Entry": "asked"})
    store.torn = False
    assert lines.page("actions").lines == []
    outbox.ship([JsonLines(tmp_path / "records.jsonl")])
    (line,) = lines.page("actions").lines
    assert line["Entry"] == "asked"


@pytest.mark.parametrize(
    "odd", [{"CausedBy": "alice"}, {"Plan": {"changes": [1]}}, {"After": [1]}, {"Decision": "no"}]
)
def test_an_odd_record_has_a_line_all_the_same(outbox: Outbox, lines: Log, odd: Any) -> None:
    """Nothing that a record holds keeps it from being told."""
    record = outbox.add("actions", ["a"], {"Entry": "failed", **odd})
    (line,) = lines.page("actions").lines
    assert (line["EventId"], line["Entry"]) == (record["EventId"], "failed")


def test_a_record_told_twice_is_one_line(outbox: Outbox, lines: Log, clock: VirtualClock) -> None:
    """A crash may leave the same record twice, under one id."""
    outbox.add("actions", ["a"], {"Entry": "asked"})
    clock.advance(timedelta(seconds=1))
    outbox.add("actions", ["a"], {"Entry": "asked"})
    assert len(lines.page("actions").lines) == 1


def test_a_line_tells_what_changed_and_who(outbox: Outbox, lines: Log) -> None:
    """What a list shows: the values that moved, the people, the line of the policy."""
    target = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/a"
    outbox.add(
        "actions",
        ["a"],
        {
            "Entry": "remediated",
            "CausedBy": [{"name": "alice@contoso.example"}, {"name": "", "app_id": "app-1"}],
            "Decision": {"do": "remediate", "source": "policy.yaml:4 $.rules[0]"},
            "Before": {f"{target}#/properties/allowBlobPublicAccess": True},
            "After": {f"{target}#/properties/allowBlobPublicAccess": False},
        },
    )
    (line,) = lines.page("actions").lines
    assert line["Changes"] == [["allowBlobPublicAccess", "true", "false"]]
    assert line["Actors"] == ["alice@contoso.example", "app-1"]
    assert line["Decision"]["source"] == "policy.yaml:4 $.rules[0]"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (ABSENT, "absent"),
        (None, "none"),
        (True, "true"),
        ([], "none"),
        (["a", {"name": "n"}], "a, n"),
        ({"x": 1, "y": 2}, "2 values"),
        ("x" * 80, "x" * 59 + "…"),
    ],
)
def test_a_value_is_told_in_a_few_words(value: Any, words: str) -> None:
    assert brief(value) == words
