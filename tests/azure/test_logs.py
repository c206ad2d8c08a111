"""Records reach Log Analytics through the real client: whole, in size, and whatever happens."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docs import example
from shared.azure.delivery import CALL_LIMIT, Door, cut, size
from shared.azure.logs import STREAMS, VALUE_LIMIT, Logs
from shared.errors import NotKept, Refused, Transient
from shared.outbox import JsonLines, Outbox, Sink
from shared.store.embedded import EmbeddedStore
from simulator.adapter import TenantCredential
from simulator.clock import VirtualClock
from simulator.faults import Fault, What
from simulator.server import serve
from simulator.tenant import Tenant
from tests.azure.arrivals import (
    ACTIONS,
    DECLARED,
    RULE,
    SOON,
    TOPIC,
    UPLOADS,
    calls,
    fault_of_ship,
    ids,
    logs_of,
    notices_of,
    ship_until_empty,
)
from tests.azure.wire import US

ROOT = Path(__file__).parents[2]
HEALTH = STREAMS["health"].name
CALLS = UPLOADS.rstrip("*")


@pytest.fixture
def logs(tenant: Tenant) -> Logs:
    return logs_of(tenant)


@pytest.fixture
def outbox(store: EmbeddedStore, clock: VirtualClock) -> Outbox:
    return Outbox(store, clock.now)


def fill(outbox: Outbox, count: int, **fields: Any) -> list[str]:
    return [outbox.add("actions", [i], {"Attempt": i, **fields})["EventId"] for i in range(count)]


def test_a_real_morning_arrives_in_exactly_the_declared_columns(
    tenant: Tenant, logs: Logs, clock: VirtualClock
) -> None:
    """Each record of each stream is a row of its values; no column is missing or beyond."""
    for stream, records in example.played().items():
        logs.keep(stream, records)
        arrived = tenant.logs.rows(STREAMS[stream].name)
        assert ids(arrived) == ids(records)
        for row, record in zip(arrived, records, strict=True):
            assert set(row) == set(STREAMS[stream].columns)
            assert row["TimeGenerated"] == clock.now().isoformat()
            held = {k: v for k, v in row.items() if v is not None and k != "TimeGenerated"}
            empty = {k for k, v in record.items() if v is None or k not in held}
            assert held == {k: v for k, v in record.items() if k not in empty}
            assert all(not record[name] for name in empty)


def test_every_name_and_type_can_be_made(tenant: Tenant) -> None:
    """Azure takes the streams as declared, and the page tells each of their columns."""
    tenant.logs.declare(RULE, DECLARED)
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    table = page.split("| type | columns |\n|---|---|\n")[1].split("\n\n")[0]
    told = {
        column: line.split("|")[1].strip()
        for line in table.splitlines()
        for column in re.findall(r"`(\w+)`", line)
    }
    for stream in STREAMS.values():
        assert f"| `{stream.name}` | `{stream.table}` |" in page
        for column, kind in stream.columns.items():
            assert told.get(column, "string") == kind
            assert f"| `{column}` |" in page


def test_what_no_column_is_for_goes_to_more(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """A field that nobody declared, and a value of another type, are kept beside."""
    outbox.add("actions", ["a"], {"Entry": "intent", "New": [1], "Attempt": "two", "EndedAt": ""})
    outbox.ship([logs])
    (row,) = tenant.logs.rows(ACTIONS)
    assert row["More"] == {"New": [1], "Attempt": "two"}
    assert row["Attempt"] is None
    assert row["EndedAt"] is None
    assert row["Entry"] == "intent"


def test_calls_stay_below_the_limit(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """Records of megabytes go in several calls, each taken at once, each record once."""
    sent = fill(outbox, 90, Message="x" * 50_000)
    assert outbox.ship([logs]) == 90
    assert ids(tenant.logs.rows(ACTIONS)) == sent
    statuses = calls(tenant, CALLS)
    assert set(statuses) == {204}
    assert len(statuses) >= 90 * 50_000 // CALL_LIMIT


def test_a_record_too_large_is_shortened_and_says_so(
    tenant: Tenant, logs: Logs, outbox: Outbox
) -> None:
    """Its largest values lose their ends, `Shortened` tells how much; Azure cuts off nothing."""
    names = [name for name, kind in STREAMS["actions"].columns.items() if kind == "dynamic"]
    huge = {n: {"a": "kept", "b": [f"é{i}" * 300 for i in range(200)]} for n in names[:-2]}
    texts = {"Message": "é" * 200_000, "UndoCommand": "portcullis undo 1"}
    record = outbox.add("actions", ["a"], {"Entry": "failed", **huge, **texts, "Odd": "y" * 99_999})
    assert outbox.ship([logs]) == 1
    (row,) = tenant.logs.rows(ACTIONS)
    assert tenant.logs.cut == []
    assert set(row["Shortened"]) == {*huge, "Message", "More"}
    assert row["Shortened"]["Plan"] == size(huge["Plan"])
    assert row["Plan"]["a"] == "kept"
    assert row["Plan"]["b"][0] == "é0" * 300
    assert texts["Message"].startswith(row["Message"].removesuffix("…"))
    assert row["UndoCommand"] == "portcullis undo 1"
    assert row["EventId"] == record["EventId"]
    assert next(outbox.records("actions")) == record


def test_only_the_call_that_failed_comes_again(
    tenant: Tenant, logs: Logs, outbox: Outbox, store: EmbeddedStore
) -> None:
    """One call of three fails: its records alone wait, and arrive; nothing arrives twice."""
    sent = fill(outbox, 54, Message="x" * 45_000)
    tenant.faults.add(Fault("status", path=UPLOADS, skip=1))
    fault = fault_of_ship(outbox, logs)
    assert isinstance(fault, NotKept)
    assert calls(tenant, CALLS) == [204, 500, 204]
    assert {row.value["Record"]["EventId"] for row in store.scan("outbox")} == fault.left
    assert 0 < len(fault.left) < 30
    outbox.ship([logs])
    assert sorted(ids(tenant.logs.rows(ACTIONS))) == sorted(sent)


def test_413_halves(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """What is too large as a whole arrives in halves, at the same shipping."""
    sent = fill(outbox, 8)
    tenant.faults.add(Fault("status", path=UPLOADS, status=413, times=3))
    assert outbox.ship([logs]) == 8
    assert ids(tenant.logs.rows(ACTIONS)) == sent
    assert calls(tenant, CALLS) == [413, 413, 413, 204, 204, 204, 204]


def test_413_of_one_record_shortens_it(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """One record that is still too large is shortened, and arrives."""
    outbox.add("actions", ["a"], {"Plan": ["x" * 100] * 300, "ResourceId": "/subscriptions/1"})
    tenant.faults.add(Fault("status", path=UPLOADS, status=413, times=2))
    assert outbox.ship([logs]) == 1
    (row,) = tenant.logs.rows(ACTIONS)
    assert set(row["Shortened"]) == {"Plan"}
    assert row["ResourceId"] == "/subscriptions/1"


def test_a_record_never_taken_waits_alone(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """However small, a record that is refused stays, and the other streams go on."""
    outbox.add("actions", ["a"], {"Plan": ["x" * 100] * 300})
    outbox.add("health", ["b"], {"Entry": "gave-up"})
    tenant.faults.add(Fault("status", path=f"*{ACTIONS}", status=413, times=0))
    assert isinstance(fault_of_ship(outbox, logs), Refused)
    assert len(tenant.logs.rows(HEALTH)) == 1
    assert outbox.oldest() is not None
    tenant.faults.clear()
    assert outbox.ship([logs]) == 1


def test_one_bad_record_holds_up_no_other(tenant: Tenant, logs: Logs, outbox: Outbox) -> None:
    """A refusal of the whole is traced to the one that is to blame; it alone waits."""
    sent = fill(outbox, 4)
    tenant.faults.add(Fault("status", path=UPLOADS, status=400, code="Bad", times=3))
    fault = fault_of_ship(outbox, logs)
    assert isinstance(fault, NotKept)
    assert fault.left == {sent[0]}
    assert ids(tenant.logs.rows(ACTIONS)) == sent[1:]


def test_a_throttled_service_is_left_alone_as_long_as_it_asks(
    tenant: Tenant, logs: Logs, outbox: Outbox, clock: VirtualClock
) -> None:
    """429: no call before its time, by any stream; then everything goes, each record once."""
    sent = fill(outbox, 3)
    outbox.add("health", ["b"], {"Entry": "gave-up"})
    tenant.faults.add(Fault("throttle", path=UPLOADS, headers={"Retry-After": "90"}))
    for _ in range(3):
        assert isinstance(fault_of_ship(outbox, logs), Transient)
        clock.advance(timedelta(seconds=29))
    assert calls(tenant, CALLS) == [429]
    clock.advance(timedelta(seconds=5))
    assert outbox.ship([logs]) == 4
    assert ids(tenant.logs.rows(ACTIONS)) == sent


def test_throttled_half_way(
    tenant: Tenant, logs: Logs, outbox: Outbox, clock: VirtualClock
) -> None:
    """429 in the second call of several: the third is not made, and what was taken stays taken."""
    sent = fill(outbox, 54, Message="x" * 45_000)
    tenant.faults.add(Fault("throttle", path=UPLOADS, skip=1))
    assert isinstance(fault_of_ship(outbox, logs), NotKept)
    assert calls(tenant, CALLS) == [204, 429]
    clock.advance(SOON)
    outbox.ship([logs])
    assert ids(tenant.logs.rows(ACTIONS)) == sent


def test_the_limit_of_a_rule(
    tenant: Tenant, logs: Logs, outbox: Outbox, clock: VirtualClock
) -> None:
    """More calls a minute than a rule takes: what is above waits for the next minute."""
    sent = fill(outbox, 90, Message="x" * 50_000)
    tenant.logs.calls_per_minute = 2
    for _ in range(4):
        fault_of_ship(outbox, logs)
        clock.advance(timedelta(minutes=1))
    assert sorted(ids(tenant.logs.rows(ACTIONS))) == sorted(sent)
    assert outbox.oldest() is None


@pytest.mark.parametrize("what", ["cut-before", "timeout-before", "status", "token-expired"])
def test_an_outage_of_days(
    tenant: Tenant, logs: Logs, outbox: Outbox, clock: VirtualClock, tmp_path: Path, what: What
) -> None:
    """Records of four days wait, and arrive with their own times; the file has each once."""
    file = tmp_path / "records.jsonl"
    tenant.faults.add(Fault(what, path=UPLOADS, times=0, status=503))
    sent = []
    for hour in range(4 * 24):
        sent.append(outbox.add("actions", [hour], {"Attempt": hour}))
        assert isinstance(fault_of_ship(outbox, logs, JsonLines(file)), Transient)
        clock.advance(timedelta(hours=1))
    tenant.faults.clear()
    assert outbox.ship([logs, JsonLines(file)]) == len(sent)
    rows = tenant.logs.rows(ACTIONS)
    assert [(r["EventId"], r["OccurredAt"]) for r in rows] == [
        (r["EventId"], r["OccurredAt"]) for r in sent
    ]
    assert {r["TimeGenerated"] for r in rows} == {clock.now().isoformat()}
    assert ids(json.loads(line) for line in file.read_text().splitlines()) == ids(sent)


def test_a_lost_answer_is_sent_again_under_the_same_id(
    tenant: Tenant, logs: Logs, outbox: Outbox, clock: VirtualClock
) -> None:
    """The service had it and the answer was lost: the record is there twice, as one EventId."""
    (sent,) = fill(outbox, 1)
    tenant.faults.add(Fault("cut-after", path=UPLOADS))
    assert isinstance(fault_of_ship(outbox, logs), Transient)
    clock.advance(SOON)
    outbox.ship([logs])
    assert ids(tenant.logs.rows(ACTIONS)) == [sent, sent]


@pytest.mark.parametrize("status", [403, 404])
def test_a_rule_that_is_not_ours_yet(
    tenant: Tenant, logs: Logs, outbox: Outbox, status: int
) -> None:
    """A missing role or rule is named in one call; everything waits until it is mended."""
    sent = fill(outbox, 20)
    tenant.faults.add(Fault("status", path=UPLOADS, status=status, code="Forbidden"))
    fault = fault_of_ship(outbox, logs)
    assert isinstance(fault, Refused)
    assert str(status) in str(fault)
    assert calls(tenant, CALLS) == [status]
    outbox.ship([logs])
    assert ids(tenant.logs.rows(ACTIONS)) == sent


def test_over_tls(tenant: Tenant, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own transport, with nothing but its environment, brings records there."""
    tenant.logs.declare(RULE, DECLARED)
    sent = fill(outbox, 3)
    with serve(tenant) as serving:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(serving.ca_bundle))
        credential = TenantCredential(tenant, US)
        there = Door(endpoint=serving.url, credential=credential, now=tenant.clock.now)
        logs = Logs(there, RULE)
        assert outbox.ship([logs]) == 3
        logs.close()
    assert ids(tenant.logs.rows(ACTIONS)) == sent


def test_nothing_is_loaded_before_the_first_record() -> None:
    """A cold start with all destinations set up loads none of their SDKs, and no policy."""
    script = """
import sys
from pathlib import Path
import wiring
from shared.settings import LogsRule, Settings
logs = LogsRule(endpoint="https://logs.test", rule="dcr-1")
gate = wiring.build(Settings(logs=logs, topic="https://topic.test/api/events"), None)
names = [sink.name for sink in gate.sinks]
assert names == ["digest", "log-analytics", "event-grid", "console"], names
print([m for m in sys.modules if m.startswith(("azure.monitor", "azure.eventgrid", "pydantic"))])
gate.close()
"""
    told = subprocess.run(  # noqa: S603  our own script
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"


faults = st.builds(
    Fault,
    st.sampled_from(
        ["status", "cut-before", "cut-after", "timeout-before", "timeout-after", "throttle"]
    ),
    path=st.sampled_from([UPLOADS, TOPIC, f"*{ACTIONS}", None]),
    times=st.integers(1, 6),
    skip=st.integers(0, 3),
    status=st.sampled_from([400, 401, 403, 404, 408, 413, 500, 503]),
    headers=st.sampled_from([{}, {"Retry-After": "7"}, {"Retry-After": "7200"}]),
)
batches = st.lists(
    st.tuples(st.sampled_from(["actions", "health"]), st.sampled_from([1, 2_000, 300_000])),
    max_size=6,
)


@settings(max_examples=40, deadline=None)
@given(days=st.lists(st.tuples(batches, st.lists(faults, max_size=3)), min_size=1, max_size=4))
def test_whatever_happens_everything_arrives(
    days: list[tuple[list[tuple[str, int]], list[Fault]]],
) -> None:
    """Any mix of trouble over days: in the end every EventId is there, and nothing waits."""
    clock = VirtualClock()
    tenant = Tenant(clock)
    store = EmbeddedStore(clock.now)
    outbox = Outbox(store, clock.now)
    sinks: list[Sink] = [logs_of(tenant), notices_of(tenant)]
    left: dict[str, set[str]] = {"actions": set(), "health": set()}
    for day, (records, trouble) in enumerate(days):
        for fault in trouble:
            tenant.faults.add(fault)
        for number, (stream, length) in enumerate(records):
            fields = {"Entry": "remediated", "Message": "x" * length}
            left[stream].add(outbox.add(stream, [day, number], fields)["EventId"])
        for _ in range(3):
            fault_of_ship(outbox, *sinks)
            clock.advance(timedelta(hours=8))
    tenant.faults.clear()
    ship_until_empty(outbox, clock, *sinks)
    for stream, wanted in left.items():
        rows = tenant.logs.rows(STREAMS[stream].name)
        assert set(ids(rows)) == wanted
        assert all(datetime.fromisoformat(r["OccurredAt"]) <= clock.now() for r in rows)
    assert {event["id"] for event in tenant.topic.events} == left["actions"] | left["health"]
    assert tenant.logs.cut == []
    store.close()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6)
    ),
    max_leaves=20,
)


@given(json_values, st.integers(4, 600))
def test_a_cut_value_fits(value: Any, room: int) -> None:
    """What is cut is never longer than its room; what fits is left as it is."""
    assert size(cut(value, room)) <= max(room, 4)
    assert cut(value, max(4, size(value))) == value


def test_the_limit_of_a_value_is_below_azures() -> None:
    """Log Analytics cuts off beyond 64 KB."""
    assert VALUE_LIMIT < 64 * 1024
