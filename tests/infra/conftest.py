"""What tests of queries share: the files as they are deployed, and what Microsoft says of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import generate, pack
from tests.kusto import Kusto, Told, missing

Tables = dict[str, dict[str, str]]


def generated(name: str) -> Any:
    """A file of `infra/` as a deployment reads it."""
    return json.loads((Path(generate.__file__).parent / name).read_text(encoding="utf-8"))


def deployed() -> Tables:
    """The columns of each table, with the types as Kusto spells them."""
    return {
        table: {column["name"]: column["type"].lower() for column in columns}
        for table, columns in generated("tables.json").items()
    }


def chosen(text: str, several: str, one: str) -> str:
    """A query of the workbook when people chose `several` of the lists, and typed `one`."""
    filled = re.sub(r"\{(?:Subscription|Control)\}", several, text)
    return re.sub(r"\{(?:Resource|Action):escape\}", one, filled)


def pieces(item: dict[str, Any], kind: int) -> list[dict[str, Any]]:
    """Every item of a kind in the workbook or in a group of it."""
    found = [item] if item.get("type") == kind else []
    inside = item.get("items") or item.get("content", {}).get("items") or []
    return [*found, *(piece for inner in inside for piece in pieces(inner, kind))]


def written() -> dict[str, str]:
    """Every query of every file, by where it stands."""
    found = {f"queries/{name}.kql": query.text for name, query in pack.read().items()}
    found |= {f"queries.json {one['name']}": one["query"] for one in generated("queries.json")}
    for rule in generated("alerts.json"):
        found[f"alerts.json {rule['name']}"] = rule["properties"]["criteria"]["allOf"][0]["query"]
    workbook = generated("workbook.json")
    for item in pieces(workbook, 3):
        text = item["content"]["query"]
        found[f"workbook.json {item['name']}, all"] = chosen(text, "", "")
        found[f"workbook.json {item['name']}, some"] = chosen(text, "'a','b'", "4800949e")
    for item in pieces(workbook, 9):
        for one in item["content"]["parameters"]:
            if "query" in one:
                found[f"workbook.json {one['name']}"] = one["query"]
    return found


@pytest.fixture(scope="session")
def kusto() -> Iterator[Kusto]:
    """Microsoft's language service, where it can be had."""
    if why := missing():
        pytest.skip(f"no Kusto language service to check queries: {why}")
    running = Kusto()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def told(kusto: Kusto) -> dict[str, Told]:
    """What Microsoft's language service says of every query, over the tables as deployed."""
    return kusto.ask(deployed(), written())
