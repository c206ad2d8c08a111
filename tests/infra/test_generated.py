"""What a deployment reads is what the code and the queries say now."""

from pathlib import Path
from typing import Any

import pytest

from infra import generate, pack, workbook
from infra.alerts import MINUTES, rules
from infra.pack import ALERTS, PARAMETERS, TABS
from shared.azure.logs import STREAMS
from tests.infra.conftest import generated, pieces
from tests.kusto import Told

FILES = generate.files()
CHOOSERS = ("{Subscription}", "{Control}")
NUMERIC = {"int", "long", "real"}


def of_people() -> list[pack.Query]:
    """The queries that the workbook shows."""
    return [query for query in pack.read().values() if query.folder in TABS]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_files_are_what_the_code_says(path: Path) -> None:
    assert path.read_text("utf-8") == FILES[path], "run: python -m infra.generate"


def test_tables_have_the_columns_of_the_streams() -> None:
    """Names and order are the streams'; types are those that the resource of a table knows."""
    kinds = {"datetime": "dateTime"}
    assert generated("tables.json") == {
        stream.table: [{"name": n, "type": kinds.get(k, k)} for n, k in stream.columns.items()]
        for stream in STREAMS.values()
    }
    types = {column["type"] for table in generated("tables.json").values() for column in table}
    assert types <= {"string", "int", "long", "real", "boolean", "dateTime", "guid", "dynamic"}


def test_every_query_is_to_be_found() -> None:
    """Each is in the workbook and saved, or is a parameter's or an alert's."""
    book = generated("workbook.json")
    shown = {item["name"] for item in pieces(book, 3)}
    assert shown == {query.name for query in of_people()}
    saved = [one["displayName"] for one in generated("queries.json")]
    assert saved == [query.title for query in of_people()]
    offered = {
        one["query"]
        for item in pieces(book, 9)
        for one in item["content"]["parameters"]
        if "query" in one
    }
    rest = {query.name: query for query in pack.read().values() if query.folder not in TABS}
    asked = {query.text for query in rest.values() if query.folder == PARAMETERS}
    assert asked == offered
    alerts = {name.removeprefix(f"{ALERTS}/") for name in rest if name.startswith(ALERTS)}
    assert {rule["name"] for rule in generated("alerts.json")} == alerts


def test_saved_queries_have_names_of_their_own() -> None:
    names = [one["name"] for one in generated("queries.json")]
    assert len(set(names)) == len(names)


def test_the_workbook_passes_on_what_is_chosen() -> None:
    """It asks for all that queries leave open; what has subscription and control obeys both."""
    book = generated("workbook.json")
    known = {p["name"] for item in pieces(book, 9) for p in item["content"]["parameters"]}
    assert known == {"TimeRange", "Subscription", "Control", "Resource", "Action"}
    left_open = {line for query in of_people() for line in workbook.CHOICES if line in query.text}
    assert left_open == set(workbook.CHOICES)
    for item in pieces(book, 3):
        text = item["content"]["query"]
        assert not any(line in text for line in workbook.CHOICES), item["name"]
        whole = any(name in text for name in ("Actions_CL", "Findings_CL"))
        apart = ("story/", "health/", "remediations/suspensions")
        if whole and not item["name"].startswith(apart):
            assert all(chooser in text for chooser in CHOOSERS), item["name"]


def test_the_workbook_looks_as_far_back_as_its_queries_say() -> None:
    """Nothing that says its own time is cut short by the time that is chosen."""
    for item in pieces(generated("workbook.json"), 3):
        content: dict[str, Any] = item["content"]
        if "ago(365d)" in content["query"]:
            assert content["timeContext"] == {"durationMs": 365 * 24 * 60 * 60 * 1000}
            assert "timeContextFromParameter" not in content
        else:
            assert content["timeContextFromParameter"] == "TimeRange"


def test_each_tab_shows_one_group() -> None:
    book = generated("workbook.json")
    (links,) = pieces(book, 11)
    opened = [link["subTarget"] for link in links["content"]["links"]]
    groups = pieces(book, 12)
    assert opened == [group["conditionalVisibility"]["value"] for group in groups]
    assert all(group["content"]["items"] for group in groups)


def test_tiles_show_columns_that_are_there(told: dict[str, Told]) -> None:
    (tiles,) = (i for i in pieces(generated("workbook.json"), 3) if "tileSettings" in i["content"])
    settings = tiles["content"]["tileSettings"]
    columns = told[f"queries/{tiles['name']}.kql"].columns
    assert columns[settings["titleContent"]["columnMatch"]] == "string"
    assert columns[settings["leftContent"]["columnMatch"]] in NUMERIC


def test_alerts_split_by_columns_that_are_there(told: dict[str, Told]) -> None:
    """A dimension is a text or a number that the query gives."""
    for name, rule in rules().items():
        columns = told[f"queries/{ALERTS}/{name}.kql"].columns
        assert {columns[one] for one in rule.by} <= {"string", *NUMERIC}, name


@pytest.mark.parametrize(("name", "rule"), rules().items(), ids=rules())
def test_alerts_have_times_that_rules_take(name: str, rule: Any) -> None:
    """Every row is seen at least once: none is asked more seldom than it looks back."""
    assert MINUTES[rule.every] <= MINUTES["P1D"]
    assert MINUTES[rule.every] <= MINUTES[rule.window]
    assert rule.reach is None or MINUTES[rule.reach] > MINUTES[rule.window]
    assert rule.do.endswith("."), name


def test_an_intrusion_is_the_gravest() -> None:
    grave = {rule["name"]: rule["properties"] for rule in generated("alerts.json")}
    assert [name for name, one in grave.items() if one["severity"] == 0] == ["unknown-own-write"]
    assert grave["unknown-own-write"]["autoMitigate"] is False
