"""Findings as files, row by row: memory stays flat however many there are."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

COLUMNS = (
    "Severity", "Control", "ControlTitle", "Stands", "State", "ResourceId", "ResourceType",
    "SubscriptionId", "ResourceGroup", "Owner", "OpenedAt", "Episode", "Decision", "Reason",
    "Evidence",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """RFC 4180 with a header; what a spreadsheet would take for a formula gets an apostrophe."""
    yield _row(COLUMNS)
    for row in rows:
        yield _row(cell(row.get(name)) for name in COLUMNS)


def cell(value: Any) -> str:
    """A value as text that no spreadsheet runs."""
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(list(cells))
    return line.getvalue()


def json_of(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """A JSON array, an object a line."""
    opened = False
    for row in rows:
        yield ("," if opened else "[") + "\n" + json.dumps(row)
        opened = True
    yield "\n]\n" if opened else "[]\n"
