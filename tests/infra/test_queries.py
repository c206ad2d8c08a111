"""Every query is one that the workspace can run, and says what it means to say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from docs.example import played
from infra import pack
from infra.pack import ALERTS, PARAMETERS
from shared.model import Severity
from tests.infra.conftest import deployed
from tests.kusto import Kusto, Told

ROOT = Path(__file__).parents[2]
FINE = "PortcullisHealth_CL | where Severity == 'critical' | project OccurredAt, Entry"
WRONG = {
    "no such column": FINE.replace("Severity", "Severeness"),
    "no such function": FINE.replace("Entry", "Kind = shouted(Entry)"),
    "no such table": FINE.replace("Health", "Wealth"),
    "another type": FINE.replace("project OccurredAt, Entry", "summarize sum(Entry)"),
    "no sentence": FINE.replace("| where", "| whither"),
}


def spans(page: str) -> set[str]:
    """The words in code style of a page."""
    return set(re.findall(r"`([^`\n]+)`", (ROOT / "docs" / page).read_text(encoding="utf-8")))


def keys_of(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys_of(inner)
    if isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def test_no_query_has_a_fault(told: dict[str, Told]) -> None:
    """None has an error or a warning: as a file, saved, in the workbook, in an alert."""
    assert {where: one.faults for where, one in told.items() if one.faults} == {}


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_query_is_found(kusto: Kusto, text: str) -> None:
    """The check can fail, and passes what is right."""
    said = kusto.ask(deployed(), {"wrong": text, "fine": FINE})
    assert said["wrong"].faults
    assert said["fine"].faults == []


def test_every_table_is_asked(told: dict[str, Told]) -> None:
    """No table is filled that nobody looks at."""
    assert {table for one in told.values() for table in one.tables} == set(deployed())


def test_words_are_those_that_records_hold(told: dict[str, Told]) -> None:
    """What a column is compared with is a word that the page on records explains for it."""
    known = spans("records.md") | {severity.value for severity in Severity}
    known |= {f"closed-{how}" for how in known} | {"closed-"}
    columns = ("Entry", "Transition", "Closed", "State", "Kind", "Severity")
    words = {(c, word) for one in told.values() for c, word in one.words if c in columns}
    assert {column for column, _ in words} == set(columns)
    assert {(column, word) for column, word in words if word not in known} == set()


def test_keys_are_those_that_records_hold(told: dict[str, Told]) -> None:
    """What is taken out of a dynamic column is there in the records of a morning."""
    held = {key for records in played().values() for record in records for key in keys_of(record)}
    asked = {key for one in told.values() for key in one.keys}
    assert "correlation_id" in asked
    assert asked - held == set()


@pytest.mark.parametrize("query", pack.read().values(), ids=pack.read())
def test_rows_are_counted_by_event(query: pack.Query) -> None:
    """A record that came twice is one: all tables are brought to one row an event at first."""
    if query.folder == PARAMETERS:
        assert "| distinct " in query.text
        return
    reads = list(re.finditer(r"Portcullis\w+_CL\b", query.text))
    assert reads
    for read in reads:
        rest = query.text[read.end() :]
        first = re.search(r"\|\s*summarize\b(.*?)(?=\n\s*\||$)", rest, re.DOTALL)
        assert first
        assert "EventId" in first[1]
        assert set(re.findall(r"\|\s*([\w-]+)", rest[: first.start()])) <= {"where", "project"}


def test_a_file_without_its_head_is_refused(tmp_path: Path) -> None:
    """Each begins with its title and what it answers, in a folder that is known."""
    for name, text in {
        "overview/x.kql": "// A title\nT\n",
        "ovreview/x.kql": "// A\n// B\nT\n",
    }.items():
        file = tmp_path / name.partition("/")[0] / name
        file.parent.mkdir(parents=True)
        file.write_text(text)
        with pytest.raises(Exception, match=r"x\.kql: "):
            pack.read(file.parents[1])


def test_alerts_ask_what_rules_may(told: dict[str, Told]) -> None:
    """They begin with a table, and use none of what Azure refuses in rules."""
    for query in pack.read().values():
        if query.folder == ALERTS:
            body = "\n".join(line for line in query.text.splitlines() if not line.startswith("//"))
            assert re.match(r"Portcullis\w+_CL\n", body), query.name
            assert not re.search(r"\|\s*(union|search|take|limit)\b|\blet\b", body), query.name
            assert not re.search(r"ago\((?:[3-9]|\d\d+)d\)", body), query.name
            assert told[f"queries/{query.name}.kql"].columns
