"""The part of KQL that the simulated Resource Graph runs means what it means to Kusto."""

from datetime import UTC, datetime
from typing import Any

import pytest

from simulator.graph_query import COLUMNS, parse_query
from simulator.wire import Refusal

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
ROW: dict[str, Any] = {
    **dict.fromkeys(COLUMNS),
    **{name: "" for name, kind in COLUMNS.items() if kind == "string"},
    "id": "/a",
    "name": "It's \\ Ünïque",
    "type": "microsoft.storage/storageaccounts",
    "subscriptionId": "S1",
    "tags": {"cost center": "7", "list": ["x", {"y": 1}]},
    "properties": {
        "text": "Create",
        "count": 3,
        "ratio": 2.5,
        "on": True,
        "off": False,
        "none": None,
        "empty": "",
        "when": "2026-03-02T05:30:00.1234567Z",
        "offset": "2026-03-02T07:30:00+02:00",
        "object": {"a": 1},
    },
}


def _made(stages: str, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    return list(parse_query(f"resources | {stages}", NOW).run(rows or (ROW,)))


def _rows(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**ROW, **change} for change in changes]


@pytest.mark.parametrize(
    "condition",
    [
        "type =~ 'Microsoft.Storage/StorageAccounts'",
        "type in~ ('x', 'MICROSOFT.storage/storageaccounts')",
        "type in ('x', 'microsoft.storage/storageaccounts')",
        "type == 'microsoft.storage/storageaccounts' and true",
        "type !~ 'x' and type != 'X' and type <> 'x'",
        "type !in ('X') and type !in~ ('x')",
        "type contains 'STORAGE/' and type !contains 'network'",
        "type startswith 'Microsoft.' and type !startswith 'storage'",
        "strcmp(id, '/A') > 0 and strcmp(id, '/b') < 0 and strcmp(id, '/a') == 0",
        r"name == 'It\'s \\ Ünïque' and name == @'It' or name == "
        r'"It' + r"'s \\ Ünïque" + '"',
        "tags['cost center'] == '7' and tags.list[0] == 'x' and tags.list[1].y == 1",
        "properties.text == 'Create' and properties.text =~ 'create'",
        "properties.text in ('Create') and properties.text in~ ('create')",
        "properties.count > 2 and properties.count <= 3 and 2.5 < properties.count",
        "properties.count == 3 and properties.ratio == 2.5 and properties.count in (1, 3)",
        "properties.on == true and tobool(properties.on) and not(tobool(properties.off))",
        "tostring(properties.on) == 'true' and tostring(properties.count) == '3'",
        "tostring(properties.none) == '' and tostring(properties.object) == '{\"a\":1}'",
        "tolong(properties.count) == 3 and toint('12') == 12 and isnull(tolong('x'))",
        "isnull(properties.none) and isnull(properties.absent.more) and isnull(properties.text.x)",
        "properties.count > -1 and properties.ratio > -2.5",
        "isnotnull(properties.empty) and isempty(properties.empty) and isempty(properties.none)",
        "isnotempty(id) and isnotnull(id) and tolower('AB') == 'ab' and toupper('ab') == 'AB'",
        "todatetime(properties.when) > datetime(2026-03-02T05:30)",
        "todatetime(properties.when) < datetime(2026-03-02 05:30:01)",
        "todatetime(properties.offset) == datetime('2026-03-02T05:30:00Z')",
        "todatetime(properties.when) > ago(31m) and todatetime(properties.when) < ago(1799s)",
        "now() - 1h == ago(1h) and now(-1h) == ago(60m) or now() == datetime(2026-03-02T06:00:00)",
        "ago(1.5d) == datetime(2026-02-28T18:00:00Z) and ago(500ms) < now()",
        "now() - todatetime(properties.when) > 29m and now() + 1d > now()",
        "isnull(todatetime('soon')) and isnull(todatetime('2026-13-01'))",
        "isnull(datetime(null)) and isnotnull(datetime(2026-01-01))",
        "properties.text == 'x' or properties.text == 'Create' and id == '/a' // and so on",
        "(properties.text == 'x' or id == '/a') and properties.count == 3",
    ],
)
def test_conditions_that_hold(condition: str) -> None:
    assert _made(f"where {condition}") == [ROW]


@pytest.mark.parametrize(
    "condition",
    [
        "type == 'Microsoft.Storage/storageAccounts'",
        "type in ('Microsoft.Storage/storageAccounts')",
        "subscriptionId == 's1'",
        "tags['Cost Center'] == '7'",
        "properties.text == 'create'",
        "properties.count == '3'",
        "properties.on == 1",
        "properties.count == true",
        "properties.none == properties.absent",
        "properties.none != properties.absent",
        "properties.none > 1",
        "not(properties.none > 1)",
        "properties.text > 1",
        "not(properties.text > 1)",
        "properties.none > 1 or id == '/b'",
        "not(properties.none > 1 or id == '/b')",
        "not(properties.none > 1 and id == '/a')",
        "properties.none == 'x'",
        "todatetime('soon') < now()",
        "todatetime('soon') >= now()",
        "tobool('maybe')",
        "type in~ ('x') or type !in~ ('Microsoft.storage/storageAccounts')",
        "properties.when startswith '2026' and false",
    ],
)
def test_conditions_that_let_nothing_through(condition: str) -> None:
    """Case counts where it counts; null is neither true nor false."""
    assert _made(f"where {condition}") == []


def test_null_differs_from_every_value() -> None:
    assert _made("where properties.none != 'x' and properties.none !in ('x')") == [ROW]
    assert _made("where not(properties.none == 'x')") == [ROW]


def test_columns_are_named_after_what_they_hold() -> None:
    (made,) = _made(
        "project id, kept = name, properties.count, tostring(tags['cost center']), tolower(type),"
        " when = todatetime(properties.when), whole = todatetime(properties.offset), 2d"
    )
    assert made == {
        "id": "/a",
        "kept": ROW["name"],
        "properties_count": 3,
        "tags_cost center": "7",
        "Column1": ROW["type"],
        "when": "2026-03-02T05:30:00.123456Z",
        "whole": "2026-03-02T05:30:00Z",
        "Column2": "2.00:00:00",
    }


def test_extend_adds_and_replaces() -> None:
    (made,) = _made("extend n = properties.count, type = 'x' | where n == 3 and type == 'x'")
    assert made == {**ROW, "n": 3, "type": "x"}


def test_projected_columns_are_the_only_ones_left() -> None:
    assert _made("project properties.count | where properties_count == 3") == [
        {"properties_count": 3}
    ]
    with pytest.raises(Refusal) as refused:
        _made("project id | where name == 'x'")
    assert refused.value.extra["details"][0]["message"].endswith(": name")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("name asc", "BCab"),
        ("name", "baCB"),
        ("name desc", "baCB"),
        ("tolong(properties.n) asc, name asc", "aBCb"),
        ("tolong(properties.n) desc, name desc", "bCBa"),
    ],
)
def test_rows_are_sorted_downwards_unless_told(order: str, expected: str) -> None:
    """Ordinal, nulls first where it ascends and last where it descends."""
    numbers = {"a": None, "B": 1, "b": 2, "C": 1}
    rows = _rows(*({"name": name, "properties": {"n": n}} for name, n in numbers.items()))
    assert "".join(row["name"] for row in _made(f"order by {order}", *rows)) == expected


def test_take_is_counted_after_the_order() -> None:
    rows = _rows({"name": "b"}, {"name": "c"}, {"name": "a"})
    made = _made("sort by name asc | take 2 | project name", *rows)
    assert made == [{"name": "a"}, {"name": "b"}]
    assert _made("order by name desc | limit 1 | project name", *rows) == [{"name": "c"}]


def test_summarize_counts_by_groups() -> None:
    rows = _rows(
        *({"subscriptionId": s, "properties": {"n": n}} for s, n in [("a", 1), ("b", 5), ("a", 3)])
    )
    assert _made("summarize count() by subscriptionId | order by count_ desc", *rows) == [
        {"subscriptionId": "a", "count_": 2},
        {"subscriptionId": "b", "count_": 1},
    ]
    assert _made(
        "extend n = tolong(properties.n)"
        " | summarize all = count(), max(n), low = min(n) by s = tolower(subscriptionId)",
        *rows,
    ) == [
        {"s": "a", "all": 2, "max_n": 3, "low": 1},
        {"s": "b", "all": 1, "max_n": 5, "low": 5},
    ]
    assert _made("where id == 'x' | summarize count(), max(id)", *rows) == [
        {"count_": 0, "max_id": ""}
    ]
    assert _made("summarize by subscriptionId", *rows) == [
        {"subscriptionId": "a"}, {"subscriptionId": "b"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("", "(end)"),
        ("advisorresources", "advisorresources"),
        ("| where id == 'a'", "|"),
        ("resources | where", "(end)"),
        ("resources where id == 'a'", "where"),
        ("resources | WHERE id == 'a'", "WHERE"),
        ("resources | mv-expand zones", "mv-expand"),
        ("resources | project-away id", "project-away"),
        ("resources | distinct type", "distinct"),
        ("resources | join kind=inner (resources) on id", "join"),
        ("resources | where ID == 'a'", "ID"),
        ("resources | where name == 'a' == true", "=="),
        ("resources | where id has 'a'", "has"),
        ("resources | where name between ('a' .. 'b')", "between"),
        ("resources | where not id == 'a'", "not"),
        ("resources | where split(id, '/') == 'a'", "split"),
        ("resources | where isempty()", "isempty"),
        ("resources | where tostring(id, id) == 'a'", "tostring"),
        ("resources | where ago() < now()", "ago"),
        ("resources | where ago(now()) < now()", "ago"),
        ("resources | where tolower(1) == '1'", "tolower of a long"),
        ("resources | where properties.on", "properties"),
        ("resources | where id.name == 'a'", "."),
        ("resources | where id > '/a'", "> between a string and a string; cast them first"),
        ("resources | where id == 3", "== between a string and a long; cast them first"),
        ("resources | where id in (3)", "in between a string and a long; cast them first"),
        ("resources | where id in~ (3)", "in~ between a string and a long; cast them first"),
        ("resources | where id =~ 3", "=~ between a string and a long; cast them first"),
        (
            "resources | where properties.when > ago(1d)",
            "> between a dynamic and a datetime; cast them first",
        ),
        ("resources | where 'a' + 'b' == 'ab'", "+ between a string and a string; cast them first"),
        ("resources | where id == 'a' and 1", "and of a bool and a long"),
        ("resources | where todatetime(id) > datetime(2026-02-30)", "datetime(2026-02-30)"),
        ("resources | where id == 'a", "'"),
        ("resources | where id == `a`", "`"),
        ("resources | where id == 'a')", ")"),
        ("resources | where -id == 'a'", "id"),
        ("resources | where - 'a' == 'a'", "'a'"),
        ("resources | where tags[id] == 'a'", "id"),
        ("resources | order id asc", "id"),
        ("resources | order by properties.when", "properties"),
        ("resources | order by id asc nulls last", "nulls"),
        ("resources | take 1.5", "1.5"),
        ("resources | take many", "many"),
        ("resources | project id, id", "id, declared twice"),
        ("resources | summarize sum(id)", "sum"),
        ("resources | summarize max(properties.when)", "max of a dynamic"),
        ("resources | summarize count() by properties.when", "properties_when"),
        ("resources | summarize count(), count()", "count_, declared twice"),
        ("resources | project id = ", "(end)"),
    ],
)
def test_what_is_not_known_is_named(text: str, word: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_query(text, NOW)
    assert refused.value.status == 400
    (detail,) = refused.value.extra["details"]
    assert detail["code"] == "InvalidQuery"
    assert detail["message"].split("does not know: ", 1)[1] == word


@pytest.mark.parametrize(
    ("stages", "by_id", "pages", "pins"),
    [
        ("where type in~ ('A', 'b') | order by id asc", True, True, {"type": {"a", "b"}}),
        ("where type =~ 'a' | where subscriptionId in~ ('S') | order by id asc | project id", True,
         True, {"type": {"a"}, "subscriptionId": {"s"}}),
        ("where type in~ ('a', 'b') and type in~ ('b', 'c')", False, True, {"type": {"b"}}),
        ("where type =~ 'a' or name == 'x'", False, True, {}),
        ("where not(type =~ 'a')", False, True, {}),
        ("where type !in~ ('a')", False, True, {}),
        ("extend type = name | where type =~ 'a'", False, True, {}),
        ("take 5 | where type =~ 'a'", False, False, {}),
        ("order by id", False, True, {}),
        ("order by id asc | take 5", False, False, {}),
        ("extend id = name | order by id asc", False, False, {}),
        ("project name | order by name asc", False, False, {}),
        ("summarize count() by id | order by id asc", False, False, {}),
        ("order by name asc | order by id asc", False, True, {}),
    ],
)  # fmt: skip
def test_what_a_query_means_for_its_pages(
    stages: str, pins: dict[str, set[str]], *, by_id: bool, pages: bool
) -> None:
    query = parse_query(f"resources | {stages}", NOW)
    assert (query.by_id, query.pages) == (by_id, pages)
    assert {column: set(allowed) for column, allowed in query.pins.items()} == pins
