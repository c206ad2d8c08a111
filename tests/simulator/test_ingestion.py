"""What the tenant takes as records and as notices, and what it refuses."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from simulator.ingestion import FIELD_LIMIT, LIMIT
from simulator.tenant import Identity, Request, Response, Tenant
from simulator.wire import encode

STREAM = "Custom-Things"
TYPES = ["string", "int", "long", "real", "boolean", "datetime", "dynamic"]
COLUMNS = {"TimeGenerated": "datetime", **{kind.capitalize(): kind for kind in TYPES}}
EVENT = {"id": "1", "source": "/here", "type": "A.B", "specversion": "1.0", "data": {"x": 1}}
CLOUD_EVENTS = {"Content-Type": "application/cloudevents-batch+json; charset=utf-8"}


@pytest.fixture
def taking() -> Tenant:
    made = Tenant()
    made.logs.declare("dcr-1", {STREAM: COLUMNS})
    return made


def post(
    tenant: Tenant, path: str, body: bytes, query: str = "?api-version=2023-01-01", **more: str
) -> Response:
    service = (
        "https://eventgrid.azure.net" if path == "/api/events" else "https://monitor.azure.com"
    )
    token = tenant.token(
        Identity("robot", "bbbbbbbb-0000-4000-8000-000000000002"),
        audience=more.pop("for_", service),
    )
    named = {name.replace("_", "-"): value for name, value in more.items()}
    headers = {"Authorization": f"Bearer {token}", **named}
    return tenant.handle(Request("POST", f"https://any.test{path}{query}", headers, body))


def upload(tenant: Tenant, rows: Any, stream: str = STREAM, **more: str) -> Response:
    body = rows if isinstance(rows, bytes) else encode(rows)
    return post(tenant, f"/dataCollectionRules/dcr-1/streams/{stream}", body, **more)


def publish(tenant: Tenant, events: Any, **more: str) -> Response:
    return post(tenant, "/api/events", encode(events), **{**CLOUD_EVENTS, **more})


def code(response: Response) -> tuple[int, str]:
    return response.status, response.json()["error"]["code"]


@pytest.mark.parametrize("path", ["/dataCollectionRules/dcr-1/streams/Custom-T", "/api/events"])
def test_a_token_for_arm_is_none_here(taking: Tenant, path: str) -> None:
    refused = post(taking, path, b"[]", for_="https://management.azure.com")
    assert code(refused) == (401, "InvalidAuthenticationToken")


def test_rows_arrive_plain_and_packed(taking: Tenant) -> None:
    """204 without a body; what came is kept in order, and changed no resource."""
    first = upload(taking, [{"String": "a"}])
    assert (first.status, first.body) == (204, b"")
    packed = gzip.compress(encode([{"String": "b"}, {"String": "c"}]))
    assert upload(taking, packed, Content_Encoding="gzip").status == 204
    assert [row["String"] for row in taking.logs.rows(STREAM)] == ["a", "b", "c"]
    assert taking.writes == []


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ("String", "x", 1),
        ("Int", 2**31 - 1, 2**31),
        ("Long", 2**31, 2**63),
        ("Real", 1.5, "1.5"),
        ("Boolean", False, 0),
        ("Datetime", "2026-03-02T06:01:00+00:00", "yesterday"),
        ("Int", None, True),
        ("Dynamic", {"a": [1]}, None),
        ("Dynamic", None, None),
    ],
)
def test_values_have_the_type_of_their_column(
    taking: Tenant, column: str, good: Any, bad: Any
) -> None:
    """A value of another type refuses the call, and none of its rows is in; null fits all."""
    assert upload(taking, [{column: good}]).status == 204
    if bad is not None:
        assert code(upload(taking, [{"String": "x"}, {column: bad}])) == (400, "InvalidRecord")
    assert taking.logs.rows(STREAM) == [{column: good}]


def test_what_is_refused(taking: Tenant) -> None:
    """Unknown rules, streams and columns, bodies that are none, and calls without a token."""
    assert code(upload(taking, [], stream="Custom-Other")) == (400, "InvalidStream")
    assert code(upload(taking, [{"Other": 1}])) == (400, "InvalidRecord")
    assert code(upload(taking, {"String": "x"})) == (400, "InvalidContent")
    assert code(upload(taking, b"[", Content_Encoding="gzip")) == (400, "InvalidContent")
    assert code(upload(taking, b"[")) == (400, "InvalidContent")
    assert upload(taking, [], query="").status == 400
    assert upload(taking, [], Authorization="").status == 401
    other = post(taking, f"/dataCollectionRules/dcr-2/streams/{STREAM}", b"[]")
    assert code(other) == (404, "NotFound")
    assert taking.logs.rows(STREAM) == []


def test_a_call_holds_one_megabyte_packed_or_not(taking: Tenant) -> None:
    """One byte more is 413, also where it is small on the way."""
    empty = len(json.dumps([{"String": ""}], separators=(",", ":")))
    just = [{"String": "x" * (LIMIT - empty)}]
    more = [{"String": "x" * (LIMIT - empty + 1)}]
    assert upload(taking, just).status == 204
    assert upload(taking, more).status == 413
    assert upload(taking, gzip.compress(encode(more)), Content_Encoding="gzip").status == 413


def test_values_that_azure_would_cut_are_told(taking: Tenant) -> None:
    """A value beyond 64 KB is noted with its stream and column."""
    upload(taking, [{"String": "x" * FIELD_LIMIT}, {"Dynamic": ["x" * FIELD_LIMIT]}])
    assert taking.logs.cut == [(STREAM, "Dynamic", None)]


def test_a_rule_takes_so_many_calls_a_minute(taking: Tenant) -> None:
    """Above the limit it is 429 until the minute ends."""
    taking.logs.calls_per_minute = 2
    assert [upload(taking, []).status for _ in range(3)] == [204, 204, 429]
    wait = int(upload(taking, []).headers["Retry-After"])
    assert 0 < wait <= 60


@pytest.mark.parametrize(
    "columns",
    [
        {"String": "string"},
        {"TimeGenerated": "string"},
        {"TimeGenerated": "datetime", "Title": "string"},
        {"TimeGenerated": "datetime", "_ResourceId": "string"},
        {"TimeGenerated": "datetime", "A" * 46: "string"},
        {"TimeGenerated": "datetime", "A-b": "string"},
        {"TimeGenerated": "datetime", "A": "text"},
    ],
)
def test_columns_that_no_table_can_have(taking: Tenant, columns: dict[str, str]) -> None:
    """Reserved, long and odd names, unknown types, and a table without its time."""
    with pytest.raises(ValueError, match=STREAM):
        taking.logs.declare("dcr-1", {STREAM: columns})


def test_a_topic_takes_cloud_events(taking: Tenant) -> None:
    """A batch is in as a whole, or not at all."""
    assert publish(taking, [EVENT, {**EVENT, "id": "2"}]).status == 200
    assert [event["id"] for event in taking.topic.events] == ["1", "2"]
    for change in ({"id": ""}, {"specversion": "0.3"}, {"type": None}, {"time": "noon"}):
        assert publish(taking, [EVENT, {**EVENT, **change}]).status == 400
    assert publish(taking, [EVENT], **{"Content-Type": "application/json"}).status == 415
    assert publish(taking, [{**EVENT, "data": "x" * LIMIT}]).status == 413
    assert publish(taking, [EVENT], Authorization="").status == 401
    assert len(taking.topic.events) == 2
    assert taking.writes == []
