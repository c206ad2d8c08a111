"""The outbox: records wait until every sink has them, whatever happens on the way."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import NotKept, StoreUnavailable
from shared.outbox import BATCH, Console, JsonLines, Outbox, Record
from shared.store import Store
from shared.store.embedded import EmbeddedStore
from shared.store.tables import Table
from simulator.clock import VirtualClock

ROOT = Path(__file__).parents[1]


class Memory:
    """A sink that keeps what it is given, and fails when it is told to."""

    def __init__(self, name: str = "memory") -> None:
        self.name = name
        self.kept: list[tuple[str, Record]] = []
        self.failing_from: int | None = None
        self.unwanted: set[str] = set()
        self.asked = 0

    def keep(self, stream: str, records: list[Record]) -> None:
        self.asked += 1
        if self.failing_from is not None and len(self.kept) >= self.failing_from:
            raise StoreUnavailable("the sink is away")
        left = frozenset(r["EventId"] for r in records) & self.unwanted
        self.kept += [(stream, dict(r)) for r in records if r["EventId"] not in left]
        if left:
            raise NotKept("not these", left)

    @property
    def ids(self) -> list[str]:
        return [record["EventId"] for _, record in self.kept]


@pytest.fixture
def outbox(store: Store, clock: VirtualClock) -> Outbox:
    return Outbox(store, clock.now)


def fill(outbox: Outbox, count: int, stream: str = "actions") -> list[str]:
    return [outbox.add(stream, [i], {"N": i})["EventId"] for i in range(count)]


def test_a_record_goes_to_every_sink_once_and_stays_readable(
    outbox: Outbox, clock: VirtualClock
) -> None:
    """After shipping each sink has it, nothing waits, and `records` still shows it."""
    one, other = Memory("one"), Memory("other")
    record = outbox.add("actions", ["a"], {"Entry": "intent", "Nested": {"x": [1]}})
    assert record["OccurredAt"] == clock.now().isoformat()
    clock.advance(timedelta(hours=1))
    assert outbox.ship([one, other]) == 1
    assert outbox.ship([one, other]) == 0
    assert one.kept == other.kept == [("actions", record)]
    assert outbox.oldest() is None
    assert list(outbox.records("actions")) == [record]


def test_a_sink_that_fails_keeps_everything_waiting(outbox: Outbox) -> None:
    """What a sink refused comes again under the same EventId; nothing is left out."""
    ids = fill(outbox, 5)
    away, there = Memory("away"), Memory("there")
    away.failing_from = 0
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            outbox.ship([there, away])
    away.failing_from = None
    assert outbox.ship([there, away]) == 5
    assert away.ids == ids
    assert set(there.ids) == set(ids)
    assert outbox.ship([there, away]) == 0


def test_a_sink_that_is_away_holds_up_no_other(outbox: Outbox, store: Store) -> None:
    """Through an outage of one sink the other gets each record once, in every stream."""
    away, there = Memory("away"), Memory("there")
    away.failing_from = 0
    ids = fill(outbox, BATCH + 5) + fill(outbox, 3, "health")
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            outbox.ship([away, there])
    assert there.ids == ids
    away.failing_from = None
    ids += fill(outbox, 1, "sweeps")
    assert outbox.ship([away, there]) == len(ids)
    assert sorted(away.ids) == sorted(there.ids) == sorted(ids)
    assert outbox.oldest() is None


def test_a_sink_that_is_away_is_asked_once_a_stream(outbox: Outbox) -> None:
    """However much waits."""
    away = Memory()
    away.failing_from = 0
    fill(outbox, 3 * BATCH)
    fill(outbox, 1, "health")
    with pytest.raises(StoreUnavailable):
        outbox.ship([away])
    assert away.asked == 2


class Counting(EmbeddedStore):
    """A store that counts the rows that were looked at."""

    rows = 0

    def scan(self, table: Table, partition: str | None = None, **bounds: str | None) -> Any:
        for row in super().scan(table, partition, **bounds):
            self.rows += 1
            yield row


def test_an_outage_does_not_grow_what_is_read(clock: VirtualClock) -> None:
    """While the log is away a run looks at one batch, and the oldest at one row a stream."""
    store = Counting(clock.now)
    outbox, away = Outbox(store, clock.now), Memory()
    away.failing_from = 0
    fill(outbox, 5 * BATCH)
    with pytest.raises(StoreUnavailable):
        outbox.ship([away])
    assert store.rows == BATCH
    assert outbox.oldest() == clock.now().isoformat()
    assert store.rows == BATCH + 1
    away.failing_from = None
    assert outbox.ship([away]) == 5 * BATCH
    store.close()


def test_only_what_a_sink_left_comes_again(outbox: Outbox, store: Store) -> None:
    """A sink that takes some of a call gets the others again, and later ones meanwhile."""
    sink = Memory()
    ids = fill(outbox, BATCH + 5)
    sink.unwanted = {ids[3], ids[BATCH + 1]}
    with pytest.raises(NotKept):
        outbox.ship([sink])
    assert sink.ids == [i for i in ids if i not in sink.unwanted]
    assert {row.value["Record"]["EventId"] for row in store.scan("outbox")} == sink.unwanted
    sink.unwanted = set()
    assert outbox.ship([sink]) == 2
    assert sorted(sink.ids) == sorted(ids)


def test_an_outage_half_way_loses_nothing(outbox: Outbox) -> None:
    """Batches that were kept before a failure do not come again, those after it do."""
    ids = fill(outbox, 2 * BATCH + 20)
    sink = Memory()
    sink.failing_from = BATCH
    with pytest.raises(StoreUnavailable):
        outbox.ship([sink])
    assert sink.ids == ids[:BATCH]
    sink.failing_from = None
    assert outbox.ship([sink]) == BATCH + 20
    assert sink.ids == ids


def test_an_outage_of_days(outbox: Outbox, clock: VirtualClock) -> None:
    """What waits for days is shipped under its own day, and its age is told meanwhile."""
    sink, began = Memory(), clock.now()
    for day in range(4):
        outbox.add("findings", [day], {"Day": day})
        clock.advance(timedelta(days=1, microseconds=1))
    assert datetime.fromisoformat(str(outbox.oldest())) == began
    assert outbox.ship([sink]) == 4
    times = [datetime.fromisoformat(r["OccurredAt"]) for _, r in sink.kept]
    assert times == [began + i * timedelta(days=1, microseconds=1) for i in range(4)]
    assert [r["Day"] for r in outbox.records("findings")] == [0, 1, 2, 3]


def test_the_oldest_is_an_instant_with_its_zone(outbox: Outbox, clock: VirtualClock) -> None:
    """With fractions of a second too, `oldest` can be compared with the clock."""
    clock.advance(timedelta(microseconds=123_456))
    began = clock.now()
    outbox.add("actions", [1], {})
    clock.advance(timedelta(minutes=5))
    outbox.add("health", [2], {})
    assert clock.now() - datetime.fromisoformat(str(outbox.oldest())) == clock.now() - began


def test_the_same_record_has_the_same_id(outbox: Outbox, clock: VirtualClock) -> None:
    """Written twice, a record has one EventId and is read once; another has another."""
    first = outbox.add("actions", ["a", 1], {"N": 1})
    clock.advance(timedelta(minutes=1))
    second = outbox.add("actions", ["a", 1], {"N": 1})
    others = [outbox.add("findings", ["a", 1], {}), outbox.add("actions", ["a", 2], {})]
    assert first["EventId"] == second["EventId"]
    assert len({first["EventId"], *(o["EventId"] for o in others)}) == 3
    assert next(outbox.records("actions"))["OccurredAt"] == first["OccurredAt"]
    assert len(list(outbox.records("actions"))) == 2
    sink = Memory()
    outbox.ship([sink])
    assert len(list(outbox.records("actions"))) == 2


def test_records_of_one_instant_keep_their_order(outbox: Outbox) -> None:
    """Records that are left within one tick of the clock come out as they went in."""
    ids = fill(outbox, 30)
    sink = Memory()
    outbox.ship([sink])
    assert sink.ids == ids
    assert [r["EventId"] for r in outbox.records("actions")] == ids


def test_streams_are_apart(outbox: Outbox) -> None:
    """Each record arrives under its own stream, and is read from that one alone."""
    for stream in ("actions", "findings", "sweeps", "health"):
        outbox.add(stream, [1], {"Of": stream})
    sink = Memory()
    assert outbox.ship([sink]) == 4
    assert sorted((s, r["Of"]) for s, r in sink.kept) == [
        (s, s) for s in ("actions", "findings", "health", "sweeps")
    ]
    assert [r["Of"] for r in outbox.records("health")] == ["health"]


class Dying(EmbeddedStore):
    """A store that dies at a chosen operation."""

    left = 10**9

    def _run(self, sql: str, *values: Any) -> Any:
        self.left -= 1
        if self.left < 0:
            raise StoreUnavailable("killed")
        return super()._run(sql, *values)


@pytest.mark.parametrize("deaths", range(14))
def test_a_crash_while_shipping_loses_nothing(clock: VirtualClock, deaths: int) -> None:
    """Wherever shipping stops, each record reaches the sink and stays readable."""
    store = Dying(clock.now)
    outbox = Outbox(store, clock.now)
    ids, sink = fill(outbox, 4), Memory()
    store.left = deaths
    try:
        outbox.ship([sink])
    except StoreUnavailable:
        store.left = 10**9
        outbox.ship([sink])
    store.left = 10**9
    assert set(sink.ids) == set(ids)
    assert [r["EventId"] for r in outbox.records("actions")] == ids
    assert outbox.oldest() is None
    store.close()


# --- the file


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_file_holds_a_record_a_line(tmp_path: Path) -> None:
    """Whatever a record holds, it is one line; the folder is made where it is missing."""
    path = tmp_path / "a" / "b" / "records.jsonl"
    odd = {"EventId": "1", "Text": "two\nlines\r \u2028 日本 \ud800", "Nested": [{"a": None}]}
    JsonLines(path).keep("actions", [odd, {"EventId": "2"}])
    JsonLines(path).keep("health", [{"EventId": "3"}])
    assert lines(path) == [
        {"Stream": "actions", **odd},
        {"Stream": "actions", "EventId": "2"},
        {"Stream": "health", "EventId": "3"},
    ]


@settings(max_examples=40, deadline=None)
@given(cut=st.integers(1, 200))
def test_a_torn_line_is_ended(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """After a crash in the middle of a line the next record stands on a line of its own."""
    path = tmp_path_factory.mktemp("torn") / "records.jsonl"
    sink = JsonLines(path)
    sink.keep("actions", [{"EventId": f"{i}", "Text": "x" * 30} for i in range(3)])
    whole = path.read_bytes()
    path.write_bytes(whole[: -min(cut, len(whole) - 1)])
    before = path.read_bytes()
    sink.keep("actions", [{"EventId": "after"}])
    text = path.read_bytes()
    assert text.startswith(before)
    assert json.loads(text.splitlines()[-1]) == {"Stream": "actions", "EventId": "after"}
    sink.keep("actions", [{"EventId": "last"}])
    assert json.loads(path.read_bytes().splitlines()[-2])["EventId"] == "after"


@pytest.mark.parametrize("place", ["a file/records.jsonl", "folder", "/dev/full"])
def test_a_file_that_cannot_be_written(tmp_path: Path, outbox: Outbox, place: str) -> None:
    """A full disk or a bad path is one StoreUnavailable that names the file; all stays waiting."""
    (tmp_path / "a file").write_text("no folder")
    (tmp_path / "folder").mkdir()
    ids = fill(outbox, 3)
    with pytest.raises(StoreUnavailable, match=place) as caught:
        outbox.ship([JsonLines(tmp_path / place)])
    assert "\n" not in str(caught.value)
    good = tmp_path / "good.jsonl"
    outbox.ship([JsonLines(good)])
    assert [line["EventId"] for line in lines(good)] == ids


def test_a_disk_that_fills_up_half_way(tmp_path: Path) -> None:
    """What a full disk cut off is written whole once there is room, on lines of its own."""
    path = tmp_path / "records.jsonl"
    script = """
import resource, sys
from pathlib import Path
from shared.errors import NotKept, StoreUnavailable
from shared.outbox import JsonLines
sink = JsonLines(Path(sys.argv[1]))
records = [{"EventId": str(i), "Text": "x" * 100} for i in range(200)]
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, resource.RLIM_INFINITY))
try:
    sink.keep("actions", records)
except StoreUnavailable as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
sink.keep("actions", records)
"""
    ran = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script, str(path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith(f"the record file {path}: ")
    text = path.read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["EventId"] for line in text[-200:]] == [str(i) for i in range(200)]
    assert any(not line.endswith("}") for line in text[:-200])


def test_the_console_shows_a_line_a_record() -> None:
    """A record of any stream, with or without controls and resource, is one line."""
    out = io.StringIO()
    at = "2026-03-02T06:00:00.123456+00:00"
    Console(out).keep("actions", [{"OccurredAt": at, "Entry": "asked", "Controls": ["a", "b"]}])
    Console(out).keep("sweeps", [{"OccurredAt": at, "Summary": "sweep"}])
    shown = out.getvalue().splitlines()
    assert len(shown) == 2
    assert "asked" in shown[0]
    assert "a, b" in shown[0]
    assert shown[1].startswith("2026-03-02T06:00:00 sweeps")
