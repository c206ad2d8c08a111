"""Notices reach an Event Grid topic through the real client: few, small, and never lost."""

from __future__ import annotations

import logging
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from docs import example
from shared.azure.delivery import Door, size
from shared.azure.notices import TYPES, Notices, notice
from shared.errors import NotKept, Refused, Transient
from shared.outbox import Outbox
from shared.store.embedded import EmbeddedStore
from simulator.adapter import TenantCredential
from simulator.clock import VirtualClock
from simulator.faults import Fault
from simulator.server import serve
from simulator.tenant import Tenant
from tests.azure.arrivals import (
    ACTIONS,
    SOON,
    TOPIC,
    calls,
    fault_of_ship,
    logs_of,
    notices_of,
    ship_until_empty,
)
from tests.azure.wire import US
from tests.made import ACCOUNT

ROOT = Path(__file__).parents[2]


@pytest.fixture
def notices(tenant: Tenant) -> Notices:
    return notices_of(tenant)


@pytest.fixture
def outbox(store: EmbeddedStore, clock: VirtualClock) -> Outbox:
    return Outbox(store, clock.now)


def add(outbox: Outbox, entry: str, *identity: Any, **fields: Any) -> str:
    told = {"Entry": entry, "ResourceId": ACCOUNT, **fields}
    return str(outbox.add("actions", [entry, *identity], told)["EventId"])


def types(tenant: Tenant) -> list[str]:
    return [event["type"].removeprefix("Portcullis.") for event in tenant.topic.events]


def test_a_real_morning_is_told(tenant: Tenant, notices: Notices) -> None:
    """Each notice is a CloudEvent of a known type about its record's resource, and small."""
    records = example.played()
    for stream, found in records.items():
        notices.keep(stream, found)
    by_id = {r["EventId"]: r for found in records.values() for r in found}
    assert {"FindingOpened", "ApprovalAsked", "Remediated", "Undone"} <= set(types(tenant))
    assert {"Failed", "Contested", "GateUnhealthy"} <= set(types(tenant))
    for event in tenant.topic.events:
        record = by_id.pop(event["id"])
        assert event["type"] in TYPES
        assert event["subject"] == event["data"]["where"] == record.get("ResourceId", "/")
        assert datetime.fromisoformat(event["time"]) == datetime.fromisoformat(record["OccurredAt"])
        assert event["data"]["undo"] == record.get("UndoCommand", "")
        assert event["data"]["what"]
        assert size(event) < 10_000
    assert not any(r.get("Entry") in ("remediated", "asked", "undone") for r in by_id.values())


def test_why_and_how_to_undo(tenant: Tenant, notices: Notices, outbox: Outbox) -> None:
    """Who reads a notice learns what was wrong, and the command that takes it back."""
    evidence = [{"path": "/properties/open", "observed": True, "expected": False}]
    fields = {"Evidence": {"c1": evidence}, "UndoCommand": "portcullis undo 1", "Controls": ["c1"]}
    add(outbox, "remediated", Severity="high", ActionId="1", **fields)
    outbox.ship([notices])
    (event,) = tenant.topic.events
    assert event["data"] == {
        "what": "put right",
        "where": ACCOUNT,
        "why": "/properties/open is true, expected false",
        "undo": "portcullis undo 1",
        "severity": "high",
        "controls": ["c1"],
        "action": "1",
        "plan": "",
        "person": "",
    }


def test_why_counts_what_it_leaves_out(outbox: Outbox) -> None:
    """Of much evidence the first five are told, and how many more there are."""
    evidence = [{"path": f"/p{i}", "observed": i, "expected": None} for i in range(7)]
    found = notice("health", outbox.add("health", ["a"], {"Evidence": evidence, "Message": "bad"}))
    assert found is not None
    told = found["data"]["why"].split("; ")
    assert told[:2] == ["bad", "/p0 is 0, expected null"]
    assert told[5:] == ["/p4 is 4, expected null", "and 2 more"]


@pytest.mark.parametrize(
    ("stream", "fields", "told"),
    [
        ("findings", {"Transition": "opened", "Severity": "critical"}, "FindingOpened"),
        ("findings", {"Transition": "opened", "Severity": "high"}, "FindingOpened"),
        ("findings", {"Transition": "opened", "Severity": "medium"}, None),
        ("findings", {"Transition": "closed-cured", "Severity": "high"}, None),
        ("actions", {"Entry": "intent"}, None),
        ("actions", {"Entry": "limit-reached"}, "LimitReached"),
        ("actions", {"Entry": "not-cured"}, "NotCured"),
        ("actions", {"Entry": "notice"}, "OwnerNotice"),
        ("actions", {"Entry": "own"}, None),
        ("actions", {"Entry": "suspended", "ResourceId": "/"}, "Suspended"),
        ("actions", {"Entry": "suspended", "ResourceId": ACCOUNT}, None),
        ("actions", {"Entry": "resumed", "ResourceId": "/"}, "Resumed"),
        ("health", {"Entry": "poison-hints"}, "GateUnhealthy"),
        ("sweeps", {"Summary": "sweep"}, None),
    ],
)
def test_what_is_a_notice(
    outbox: Outbox, stream: str, fields: dict[str, str], told: str | None
) -> None:
    """The listed records are told, and no others; a cure that the stop held back is not."""
    found = notice(stream, outbox.add(stream, [fields], fields))
    assert (found and found["type"].removeprefix("Portcullis.")) == told


def test_the_page_names_every_type() -> None:
    """No type is missing from the page on records, and none is there that is never sent."""
    page = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")
    assert set(re.findall(r"`(Portcullis\.\w+)`", page)) == TYPES


def test_long_records_make_small_notices(tenant: Tenant, notices: Notices, outbox: Outbox) -> None:
    """However much was seen, a notice stays below the 64 KB that Event Grid bills at once."""
    evidence = [{"path": f"/p{i}", "observed": "x" * 9_000, "expected": []} for i in range(99)]
    controls = [f"control-{i}" for i in range(2_000)]
    add(outbox, "failed", Evidence={"c": evidence}, Message="m" * 99_000, Controls=controls)
    outbox.ship([notices])
    (event,) = tenant.topic.events
    assert size(event) < 8_000
    assert event["data"]["why"].startswith("mmm")
    assert event["data"]["controls"][0] == "control-0"


def test_an_outage_loses_no_notice_and_holds_up_no_record(
    tenant: Tenant, notices: Notices, outbox: Outbox, clock: VirtualClock, store: EmbeddedStore
) -> None:
    """While the topic is away the log gets everything once, and only notices wait."""
    logs = logs_of(tenant)
    tenant.faults.add(Fault("cut-before", path=TOPIC, times=0))
    told = [add(outbox, "remediated", i) for i in range(3)]
    quiet = [add(outbox, "intent", i) for i in range(3)]
    for _ in range(5):
        assert isinstance(fault_of_ship(outbox, logs, notices), NotKept | Transient)
        clock.advance(SOON)
    rows = tenant.logs.rows(ACTIONS)
    assert sorted(row["EventId"] for row in rows) == sorted(told + quiet)
    assert sorted(row.value["Record"]["EventId"] for row in store.scan("outbox")) == sorted(told)
    tenant.faults.clear()
    ship_until_empty(outbox, clock, logs, notices)
    assert [event["id"] for event in tenant.topic.events] == told
    assert len(tenant.logs.rows(ACTIONS)) == 6


def test_a_failing_topic_is_asked_once_and_quietly(
    tenant: Tenant, notices: Notices, outbox: Outbox, caplog: pytest.LogCaptureFixture
) -> None:
    """The client neither repeats nor sleeps, and warns of nothing at each event."""
    add(outbox, "remediated")
    tenant.faults.add(Fault("status", path=TOPIC, status=503, times=0))
    with caplog.at_level(logging.WARNING):
        assert isinstance(fault_of_ship(outbox, notices), Transient)
        assert calls(tenant, TOPIC) == [503]
        tenant.faults.clear()
        outbox.ship([notices])
    assert caplog.records == []


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_topic_that_refuses_us(
    tenant: Tenant, notices: Notices, outbox: Outbox, clock: VirtualClock, status: int
) -> None:
    """A missing role or topic is told as what it is; the notice waits until it is mended."""
    sent = add(outbox, "remediated")
    tenant.faults.add(Fault("status", path=TOPIC, status=status, code="Unauthorized"))
    fault = fault_of_ship(outbox, notices)
    assert isinstance(fault, Transient if status == 401 else Refused)
    assert "notices.westeurope-1.eventgrid.azure.net" in str(fault)
    clock.advance(SOON)
    outbox.ship([notices])
    assert [event["id"] for event in tenant.topic.events] == [sent]


def test_a_batch_too_large_is_halved(tenant: Tenant, notices: Notices, outbox: Outbox) -> None:
    """413 of many events: they arrive in halves, each once."""
    sent = [add(outbox, "remediated", i) for i in range(6)]
    tenant.faults.add(Fault("status", path=TOPIC, status=413, times=1))
    outbox.ship([notices])
    assert [event["id"] for event in tenant.topic.events] == sent
    assert calls(tenant, TOPIC) == [413, 200, 200]


def test_over_tls(tenant: Tenant, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's own transport brings notices there."""
    sent = add(outbox, "resumed", ResourceId="/")
    with serve(tenant) as serving:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(serving.ca_bundle))
        credential = TenantCredential(tenant, US)
        address = f"{serving.url}{TOPIC}"
        topic = Notices(Door(endpoint=address, credential=credential, now=tenant.clock.now))
        outbox.ship([topic])
        topic.close()
    assert [event["id"] for event in tenant.topic.events] == [sent]
