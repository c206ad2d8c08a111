"""The Azure Monitor workbook over the queries, as its gallery template.

Its queries run on the resource that the workbook belongs to, the workspace with the tables. The
time that is chosen holds for all but those that say themselves how far back they look.

Source: https://learn.microsoft.com/azure/azure-monitor/visualize/workbooks-overview, and of
choosing nothing for everything .../visualize/workbooks-dropdowns.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import Any

from infra.pack import PARAMETERS, TABS, Query

Item = dict[str, Any]

CHOICES = {
    "let only_subscriptions = dynamic([]);": "let only_subscriptions = dynamic([{Subscription}]);",
    "let only_controls = dynamic([]);": "let only_controls = dynamic([{Control}]);",
    'let resource = "";': 'let resource = "{Resource:escape}";',
    'let action = "";': 'let action = "{Action:escape}";',
}
"""What a query leaves open, and what the workbook puts there."""
NUMBERS = "overview/numbers"
"""The query that is shown as tiles."""
_SCHEMA = (
    "https://github.com/Microsoft/Application-Insights-Workbooks/blob/master/schema/workbook.json"
)
_LOGS = {"queryType": 0, "resourceType": "microsoft.operationalinsights/workspaces"}
_CHOSEN_TIME = {"timeContext": {"durationMs": 0}, "timeContextFromParameter": "TimeRange"}
_OWN_TIME = re.compile(r"where TimeGenerated > ago\((\d+)d\)")
_DAY = 86_400_000
_DAYS = (1, 2, 7, 14, 30, 90)
_IDS = uuid.UUID("8f2f8c8e-6f0a-4b52-9f43-6f1d1c7e0b11")


def workbook(queries: Mapping[str, Query]) -> Item:
    """The whole workbook."""
    tabs = [_tab(folder, title, queries) for folder, title in TABS.items()]
    return {
        "version": "Notebook/1.0",
        "items": [_choices(queries), _links(), *tabs],
        "$schema": _SCHEMA,
    }


def shown(query: Query) -> str:
    """The text of a query with the workbook's parameters in the places that it leaves open."""
    text = query.text
    for left_open, chosen in CHOICES.items():
        text = text.replace(left_open, chosen)
    return text


def _choices(queries: Mapping[str, Query]) -> Item:
    time = {
        **_parameter("TimeRange", "Time", 4),
        "isRequired": True,
        "value": {"durationMs": 7 * _DAY},
        "typeSettings": {
            "selectableValues": [{"durationMs": days * _DAY} for days in _DAYS],
            "allowCustom": True,
        },
    }
    made = [
        time,
        _several("Subscription", queries[f"{PARAMETERS}/subscriptions"]),
        _several("Control", queries[f"{PARAMETERS}/controls"]),
    ]
    return _parameters("choices", made)


def _parameters(name: str, made: list[Item]) -> Item:
    content = {"version": "KqlParameterItem/1.0", "parameters": made, "style": "pills", **_LOGS}
    return {"type": 9, "content": content, "name": name}


def _parameter(name: str, label: str, kind: int) -> Item:
    return {
        "id": _id("parameter", name),
        "version": "KqlParameterItem/1.0",
        "name": name,
        "label": label,
        "type": kind,
    }


def _several(name: str, query: Query) -> Item:
    """A choice of several values; nothing chosen means all of them."""
    return {
        **_parameter(name, query.title, 2),
        "multiSelect": True,
        "quote": "'",
        "delimiter": ",",
        "query": query.text,
        "typeSettings": {"additionalResourceOptions": [], "showDefault": False},
        **_CHOSEN_TIME,
        **_LOGS,
    }


def _links() -> Item:
    links = [
        {
            "id": _id("tab", folder),
            "cellValue": "Tab",
            "linkTarget": "parameter",
            "linkLabel": title,
            "subTarget": folder,
            "style": "link",
        }
        for folder, title in TABS.items()
    ]
    content = {"version": "LinkItem/1.0", "style": "tabs", "links": links}
    return {"type": 11, "content": content, "name": "tabs"}


def _tab(folder: str, title: str, queries: Mapping[str, Query]) -> Item:
    items = [_item(query) for query in queries.values() if query.folder == folder]
    items.sort(key=lambda item: item["name"] != NUMBERS)
    if folder == "story":
        asked = [
            _parameter("Resource", "A resource's id", 1),
            _parameter("Action", "An action's id, or its beginning", 1),
        ]
        items.insert(0, _parameters("what the story is of", asked))
    visible = {"parameterName": "Tab", "comparison": "isEqualTo", "value": folder}
    content = {
        "version": "NotebookGroup/1.0",
        "groupType": "editable",
        "title": title,
        "items": items,
    }
    return {"type": 12, "content": content, "conditionalVisibility": visible, "name": folder}


def _item(query: Query) -> Item:
    content = {
        "version": "KqlItem/1.0",
        "query": shown(query),
        "size": 4 if query.name == NUMBERS else 0,
        "title": query.title,
        "noDataMessage": "Nothing in this time.",
        **_time(query),
        **_LOGS,
        **_look(query),
    }
    return {"type": 3, "content": content, "name": query.name}


def _time(query: Query) -> Item:
    own = _OWN_TIME.search(query.text)
    return {"timeContext": {"durationMs": int(own[1]) * _DAY}} if own else _CHOSEN_TIME


def _look(query: Query) -> Item:
    """Tiles, a grid, or whatever `render` in the query says."""
    if query.name == NUMBERS:
        left = {"columnMatch": "Value", "formatter": 12, "formatOptions": {"palette": "auto"}}
        title = {"columnMatch": "Metric", "formatter": 1}
        tiles = {"titleContent": title, "leftContent": left, "showBorder": True}
        return {"visualization": "tiles", "tileSettings": tiles}
    if "\n| render " in query.text:
        return {}
    grid = {"filter": True, "rowLimit": 1000}
    return {"visualization": "table", "showExportToExcel": True, "gridSettings": grid}


def _id(kind: str, name: str) -> str:
    return str(uuid.uuid5(_IDS, f"{kind} {name}"))
