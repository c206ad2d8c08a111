"""What every `Store` must do: a class of tests for each implementation to inherit.

A subclass gives two fixtures: `store`, an empty store that goes by the clock, and `clock`.
"""

from __future__ import annotations

import string
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.budgets import Budgets
from shared.errors import Exists, Moved, OverBudget
from shared.store import Row, Store
from tests.store.crowd import at_once

WORKERS = 100
MINUTE = timedelta(minutes=1)
SUB = "/subscriptions/22222222-2222-4222-8222-222222222222"
KEYS = [
    f"{SUB}/resourcegroups/prod rg (1)/providers/microsoft.storage/storageaccounts/a",
    f"{SUB}/resourcegroups/müller-日本-🙂/providers/microsoft.sql/servers/s",
    "/",
    "#?\\%&+='\"`;<>|*{}[]~^",
    'it\'s "quoted"',
    "a%2Fb",
    "a/b",
    "a\\b",
    "line\nbreak\ttab\x7f\x01\x00end",
    " led and trailed by spaces ",
    "é",
    "e\u0301",
    "case",
    "CASE",
    "x" * 4000,
    "x" * 4001,
]
SIMPLE = string.ascii_letters + string.digits + "-:.T"
any_key = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(
        st.characters(exclude_categories=["Cs"])
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)  # fmt: skip
shared_store = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


class MovingClock(Protocol):
    """A clock that a test can move forward."""

    def now(self) -> datetime: ...

    def advance(self, delta: timedelta) -> None: ...


def keys_of(rows: Any) -> list[str]:
    return [row.key for row in rows]


class Rows:
    """Rows: conditional writes, keys, values, scans."""

    def test_a_row_reads_back_as_written(self, store: Store) -> None:
        """What was inserted is read back whole, under the etag that the insert gave."""
        etag = store.insert("log", "p", "k", {"a": [1, None, "é"]})
        assert store.get("log", "p", "k") == Row("p", "k", {"a": [1, None, "é"]}, etag)
        assert store.get("log", "p", "other") is None
        assert store.get("log", "other", "k") is None
        assert store.get("trends", "p", "k") is None

    def test_insert_only_where_nothing_is(self, store: Store) -> None:
        """A second insert raises Exists and leaves the first as it was."""
        etag = store.insert("log", "p", "k", {"n": 1})
        with pytest.raises(Exists):
            store.insert("log", "p", "k", {"n": 2})
        assert store.get("log", "p", "k") == Row("p", "k", {"n": 1}, etag)

    def test_replace_only_the_version_that_was_read(self, store: Store) -> None:
        """A replace under an old etag, or of a row that is gone, raises Moved, changes nothing."""
        old = store.insert("log", "p", "k", {"n": 1})
        new = store.replace("log", "p", "k", {"n": 2}, old)
        with pytest.raises(Moved):
            store.replace("log", "p", "k", {"n": 3}, old)
        assert store.get("log", "p", "k") == Row("p", "k", {"n": 2}, new)
        with pytest.raises(Moved):
            store.replace("log", "p", "gone", {"n": 1}, new)
        assert store.get("log", "p", "gone") is None

    def test_etag_moves_even_with_an_equal_value(self, store: Store) -> None:
        """Writing the same value again is another version, by whichever way it is written."""
        etags = [store.insert("log", "p", "k", {})]
        etags.append(store.replace("log", "p", "k", {}, etags[-1]))
        etags.append(store.put("log", "p", "k", {}))
        store.delete("log", "p", "k")
        etags.append(store.insert("log", "p", "k", {}))
        assert len(set(etags)) == len(etags)

    def test_a_row_made_anew_is_another_version(self, store: Store) -> None:
        """An etag from before a delete is good neither for replacing nor for deleting."""
        old = store.insert("log", "p", "k", {"life": 1})
        store.delete("log", "p", "k", old)
        store.insert("log", "p", "k", {"life": 2})
        with pytest.raises(Moved):
            store.replace("log", "p", "k", {"life": 3}, old)
        with pytest.raises(Moved):
            store.delete("log", "p", "k", old)
        row = store.get("log", "p", "k")
        assert row is not None
        assert row.value == {"life": 2}

    def test_put_writes_whatever_was_there(self, store: Store) -> None:
        """A put makes the row, or writes over it, and its etag is the row's."""
        store.put("log", "p", "k", {"n": 1})
        etag = store.put("log", "p", "k", {"m": 2})
        assert store.get("log", "p", "k") == Row("p", "k", {"m": 2}, etag)

    def test_delete_takes_the_version_that_was_read(self, store: Store) -> None:
        """With an etag only that version goes; without one any; one that is gone is no error."""
        old = store.put("log", "p", "k", {"n": 1})
        new = store.put("log", "p", "k", {"n": 2})
        with pytest.raises(Moved):
            store.delete("log", "p", "k", old)
        assert store.get("log", "p", "k") is not None
        store.delete("log", "p", "k", new)
        store.delete("log", "p", "k", new)
        store.delete("log", "p", "k")
        assert store.get("log", "p", "k") is None

    def test_keys_hold_any_character(self, store: Store) -> None:
        """Keys of every kind live side by side: none is folded, cut, escaped into another."""
        for i, key in enumerate(KEYS):
            store.insert("log", key, key, {"i": i})
        for i, key in enumerate(KEYS):
            row = store.get("log", key, key)
            assert row is not None
            assert (row.partition, row.key, row.value) == (key, key, {"i": i})
            assert [(r.key, r.value) for r in store.scan("log", key)] == [(key, {"i": i})]
        assert sorted(keys_of(store.scan("log"))) == sorted(KEYS)
        for key in KEYS:
            store.delete("log", key, key)
        assert list(store.scan("log")) == []

    def test_partition_and_key_do_not_run_together(self, store: Store) -> None:
        """("a/b", "c") and ("a", "b/c") are two rows, whatever they are joined with inside."""
        for mark in "/ |-:.#\\\x00":
            store.insert("log", f"a{mark}b", "c", {"left": mark})
            store.insert("log", "a", f"b{mark}c", {"right": mark})
        for mark in "/ |-:.#\\\x00":
            left, right = store.get("log", f"a{mark}b", "c"), store.get("log", "a", f"b{mark}c")
            assert left is not None
            assert right is not None
            assert (left.value, right.value) == ({"left": mark}, {"right": mark})

    @shared_store
    @given(partition=any_key, key=any_key, value=st.dictionaries(any_key, json_values, max_size=4))
    def test_any_key_and_any_json_survive(
        self, store: Store, partition: str, key: str, value: dict[str, Any]
    ) -> None:
        """Whatever text names a row, and whatever JSON it holds, reads back the same."""
        etag = store.put("plans", partition, key, value)
        assert store.get("plans", partition, key) == Row(partition, key, value, etag)
        assert Row(partition, key, value, etag) in list(store.scan("plans", partition))
        store.delete("plans", partition, key, etag)
        assert store.get("plans", partition, key) is None

    @pytest.mark.parametrize("size", [32_768, 65_537, 1_000_000, 4_000_000])
    def test_large_values(self, store: Store, size: int) -> None:
        """A value of up to 4 MB is one row, alone and in a scan; writing over it small works."""
        value = {"text": "ü" * 100 + "x" * size, "list": [1, 2]}
        etag = store.insert("log", "p", "k", value)
        assert store.get("log", "p", "k") == Row("p", "k", value, etag)
        assert list(store.scan("log", "p")) == [Row("p", "k", value, etag)]
        etag = store.replace("log", "p", "k", {"small": True}, etag)
        assert store.get("log", "p", "k") == Row("p", "k", {"small": True}, etag)
        store.delete("log", "p", "k", etag)
        assert list(store.scan("log")) == []

    def test_a_stored_value_is_a_copy(self, store: Store) -> None:
        """Changing what was written, or what was read, changes no row."""
        mine: dict[str, Any] = {"list": [1]}
        store.put("log", "p", "k", mine)
        mine["list"].append(2)
        first = store.get("log", "p", "k")
        assert first is not None
        first.value["list"].append(3)
        again = store.get("log", "p", "k")
        assert again is not None
        assert again.value == {"list": [1]}

    @pytest.mark.parametrize("operation", ["get", "insert", "replace", "put", "delete", "scan"])
    def test_a_table_that_is_not_listed_is_refused(self, store: Store, operation: str) -> None:
        """No deployment would have made it: the code is wrong, and says so where it asks."""
        values: dict[str, list[Any]] = {"insert": [{}], "put": [{}], "replace": [{}, "etag"]}
        ask: Any = getattr(store, operation)
        with pytest.raises(RuntimeError, match=r"no table is called 'made-up': list it in shared"):
            list(
                ask("made-up", "p")
                if operation == "scan"
                else ask("made-up", "p", "k", *values.get(operation, []))
            )


class Scans:
    """Scans: order, bounds, writing meanwhile."""

    @shared_store
    @given(keys=st.lists(st.text(SIMPLE, min_size=1, max_size=12), unique=True, max_size=25))
    def test_scan_order_is_by_code_point(self, store: Store, keys: list[str]) -> None:
        """Keys of letters, digits and `-:.T` come by code point, up to a bound or after it."""
        for row in list(store.scan("orders")):
            store.delete("orders", row.partition, row.key)
        for key in keys:
            store.insert("orders", "p", key, {})
        assert keys_of(store.scan("orders", "p")) == sorted(keys)
        for bound in keys:
            expected = [k for k in sorted(keys) if k <= bound]
            assert keys_of(store.scan("orders", "p", upto=bound)) == expected
            rest = [k for k in sorted(keys) if k > bound]
            assert keys_of(store.scan("orders", "p", after=bound)) == rest

    def test_instants_come_in_the_order_of_time(self, store: Store) -> None:
        """Keys that begin with instants sort by time, with and without a fraction of a second."""
        at = datetime.fromisoformat("2026-03-02T06:00:00+00:00")
        instants = [at + timedelta(microseconds=m) for m in (0, 1, 250_000, 500_000, 999_999)]
        instants += [at + timedelta(seconds=s) for s in (1, 60, 3600, 86_400)]
        for instant in reversed(instants):
            store.insert("log", "p", f"{instant.isoformat()}-0a", {})
        found = [key.removesuffix("-0a") for key in keys_of(store.scan("log", "p"))]
        assert found == [instant.isoformat() for instant in instants]
        for i, instant in enumerate(instants):
            upto = list(store.scan("log", "p", upto=f"{instant.isoformat()}~"))
            assert len(upto) == i + 1

    def test_scan_of_a_table_goes_partition_by_partition(self, store: Store) -> None:
        """A whole table comes by partition and then key; other tables stay out of it."""
        for name in ("b 2", "a 9", "b 1", "a 10"):
            partition, key = name.split()
            store.insert("log", partition, key, {})
            store.insert("due", partition, key, {})
        found = [(row.partition, row.key) for row in store.scan("log")]
        assert found == [("a", "10"), ("a", "9"), ("b", "1"), ("b", "2")]

    def test_a_scan_goes_on_where_another_ended(self, store: Store) -> None:
        """The rest of its partition, and the partitions beyond, are all that it had not shown."""
        for name in (
            "findings 2026-03-01",
            "a/b",
            "findings 2026-03-02",
            "x" * 600,
            "é",
            "actions",
        ):
            for key in ("1", "2"):
                store.insert("log", name, key, {})
        found = [(row.partition, row.key) for row in store.scan("log")]
        assert len(found) == 12
        for done, (partition, key) in enumerate(found, 1):
            rest = [*store.scan("log", partition, after=key), *store.scan("log", beyond=partition)]
            assert [(row.partition, row.key) for row in rest] == found[done:]

    def test_scan_of_thousands(self, store: Store) -> None:
        """A scan of many pages shows every row once, in order."""
        for i in range(1200):
            store.put("log", f"p{i % 2}", f"{i:05}", {"i": i})
        assert keys_of(store.scan("log", "p1")) == [f"{i:05}" for i in range(1, 1200, 2)]
        assert len({(row.partition, row.key) for row in store.scan("log")}) == 1200
        assert len(list(store.scan("log", "p0", upto="00500"))) == 251
        assert len(list(store.scan("log", "p0", after="00500"))) == 349
        assert len(list(store.scan("log", "p0", after="00010", upto="01100"))) == 545

    def test_scan_while_writing(self, store: Store) -> None:
        """Rows that stay are shown once each while others come, change and go around them."""
        for i in range(600):
            store.insert("log", "p", f"{i:05}", {})
        seen: list[str] = []
        for i, row in enumerate(store.scan("log", "p")):
            seen.append(row.key)
            store.delete("log", "p", row.key)
            store.put("log", "p", f"{600 + i:05}", {}) if i < 50 else None
            if len(seen) > 700:
                break
        assert seen[:600] == [f"{i:05}" for i in range(600)]
        assert len(set(seen)) == len(seen)

    def test_two_scans_at_once(self, store: Store) -> None:
        """A scan that is left half-way, or runs beside another, disturbs neither."""
        for i in range(700):
            store.insert("log", "p", f"{i:05}", {})
        left = store.scan("log", "p")
        next(left)
        pairs = list(zip(store.scan("log", "p"), store.scan("log", "p"), strict=True))
        assert all(a == b for a, b in pairs)
        assert len(pairs) == 700
        assert next(left).key == "00001"


class Queues:
    """Messages: delays, receipts, counts."""

    def test_a_message_is_shown_once_it_is_due(self, store: Store, clock: MovingClock) -> None:
        """A delayed message waits for the clock, and counts as waiting meanwhile."""
        store.send("q", "later", 10 * MINUTE)
        store.send("q", "now")
        assert [m.text for m in store.receive("q", 32, MINUTE)] == ["now"]
        assert store.waiting("q") == 2
        clock.advance(9 * MINUTE)
        assert "later" not in [m.text for m in store.receive("q", 32, MINUTE)]
        clock.advance(MINUTE)
        assert "later" in [m.text for m in store.receive("q", 32, MINUTE)]

    def test_queues_are_apart(self, store: Store) -> None:
        """A message is in the queue it was sent to, and in no other."""
        store.send("one", "a")
        assert store.receive("two", 1, MINUTE) == []
        assert (store.waiting("one"), store.waiting("two")) == (1, 0)

    @pytest.mark.parametrize(
        "text", ["", " <&>\"'\\ ", "ünï 日本 🙂", '{"a":"b\\n"}', "two\nlines", "x" * 40_000]
    )
    def test_texts_survive(self, store: Store, text: str) -> None:
        """A message's text comes back letter by letter."""
        store.send("q", text)
        (message,) = store.receive("q", 1, MINUTE)
        assert (message.queue, message.text) == ("q", text)

    def test_no_more_than_asked(self, store: Store) -> None:
        """Up to `count` come at a time, every message once while it is hidden."""
        for i in range(10):
            store.send("q", str(i))
        batches = [store.receive("q", 4, MINUTE) for _ in range(4)]
        assert [len(batch) for batch in batches] == [4, 4, 2, 0]
        assert sorted(m.text for batch in batches for m in batch) == [str(i) for i in range(10)]

    def test_hidden_then_shown_again(self, store: Store, clock: MovingClock) -> None:
        """A message that is not done comes again, and counts how often it was received."""
        store.send("q", "a")
        counts = []
        for _ in range(3):
            (message,) = store.receive("q", 1, MINUTE)
            counts.append(message.dequeue_count)
            assert store.receive("q", 1, MINUTE) == []
            clock.advance(MINUTE + timedelta(seconds=1))
        assert counts == [1, 2, 3]

    def test_done_is_done(self, store: Store, clock: MovingClock) -> None:
        """A message that is done never comes again; saying so twice is no error."""
        store.send("q", "a")
        (message,) = store.receive("q", 1, MINUTE)
        store.done(message)
        store.done(message)
        clock.advance(60 * MINUTE)
        assert store.receive("q", 1, MINUTE) == []
        assert store.waiting("q") == 0

    def test_a_late_worker_takes_nothing_away(self, store: Store, clock: MovingClock) -> None:
        """Who is too late holds a receipt that is no longer good: done and release do nothing."""
        store.send("q", "a")
        (late,) = store.receive("q", 1, MINUTE)
        clock.advance(2 * MINUTE)
        (current,) = store.receive("q", 1, 10 * MINUTE)
        store.done(late)
        store.release(late)
        assert store.waiting("q") == 1
        assert store.receive("q", 1, MINUTE) == []
        store.done(current)
        assert store.waiting("q") == 0

    def test_release_shows_it_after_the_delay(self, store: Store, clock: MovingClock) -> None:
        """A message given back is shown after its delay, not after the time it was hidden for."""
        store.send("q", "a")
        (message,) = store.receive("q", 1, 60 * MINUTE)
        store.release(message, 2 * MINUTE)
        assert store.receive("q", 1, MINUTE) == []
        clock.advance(2 * MINUTE)
        (again,) = store.receive("q", 1, 60 * MINUTE)
        assert (again.id, again.text, again.dequeue_count) == (message.id, "a", 2)
        store.release(again)
        assert len(store.receive("q", 1, MINUTE)) == 1

    def test_who_gave_it_back_holds_it_no_longer(self, store: Store) -> None:
        """After a release the receipt is no longer good: a done that follows removes nothing."""
        store.send("q", "a")
        (message,) = store.receive("q", 1, MINUTE)
        store.release(message)
        store.done(message)
        assert [m.text for m in store.receive("q", 1, MINUTE)] == ["a"]


class Crowds:
    """Many workers at once."""

    def test_one_of_a_hundred_inserts_wins(self, store: Store) -> None:
        """Of workers that insert one row at once exactly one does, and its value stands."""

        def insert(number: int) -> bool:
            with suppress(Exists):
                store.insert("log", "p", "k", {"winner": number})
                return True
            return False

        won = at_once(WORKERS, insert)
        row = store.get("log", "p", "k")
        assert won.count(True) == 1
        assert row is not None
        assert row.value == {"winner": won.index(True)}

    def test_no_count_is_lost(self, store: Store) -> None:
        """A counter that workers move with replace holds as many as there were workers."""
        store.insert("log", "p", "count", {"n": 0})

        def count(_: int) -> None:
            while True:
                row = store.get("log", "p", "count")
                assert row is not None
                with suppress(Moved):
                    store.replace("log", "p", "count", {"n": row.value["n"] + 1}, row.etag)
                    return

        at_once(WORKERS, count)
        row = store.get("log", "p", "count")
        assert row is not None
        assert row.value == {"n": WORKERS}

    def test_one_of_a_hundred_replaces_wins_the_version(self, store: Store) -> None:
        """Of workers that replace one version at once exactly one does, and its value stands."""
        etag = store.insert("log", "p", "k", {"n": -1})

        def write(number: int) -> bool:
            with suppress(Moved):
                store.replace("log", "p", "k", {"n": number}, etag)
                return True
            return False

        won = at_once(WORKERS, write)
        row = store.get("log", "p", "k")
        assert won.count(True) == 1
        assert row is not None
        assert row.value == {"n": won.index(True)}

    def test_no_message_is_lost_or_given_to_two(self, store: Store) -> None:
        """Workers that send and receive at once take every message, each exactly once."""

        def work(number: int) -> list[str]:
            for i in range(3):
                store.send("q", f"{number}-{i}")
            mine: list[str] = []
            while messages := store.receive("q", 2, 60 * MINUTE):
                mine += [m.text for m in messages]
                for message in messages:
                    store.done(message)
            return mine

        taken = [text for texts in at_once(WORKERS, work) for text in texts]
        sent = [f"{number}-{i}" for number in range(WORKERS) for i in range(3)]
        assert sorted(taken) == sorted(sent)
        assert store.waiting("q") == 0

    def test_instances_share_a_budget(self, store: Store, clock: MovingClock) -> None:
        """Instances that ask at once together get most of a burst of 200, and not one more."""
        instances = [Budgets(store, clock.now) for _ in range(3)]

        def sent(number: int) -> int:
            count = 0
            with suppress(OverBudget):
                while True:
                    instances[number % 3].spend("PATCH", SUB)
                    count += 1
            return count

        assert 130 < sum(at_once(12, sent)) <= 200


class StoreConformance(Rows, Scans, Queues, Crowds):
    """Everything that a store must do."""
