"""The tables of the workspace, as their resource wants them.

Source: https://learn.microsoft.com/rest/api/loganalytics/tables/create-or-update (`ColumnTypeEnum`:
string, int, long, real, boolean, dateTime, guid, dynamic). Stream declarations of a data
collection rule spell the same types in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.azure.logs import STREAMS

_TYPES = {"datetime": "dateTime"}


def tables() -> dict[str, list[Mapping[str, str]]]:
    """The columns of each table that records go to, by its name, each with `name` and `type`."""
    return {
        stream.table: [
            {"name": name, "type": _TYPES.get(kind, kind)} for name, kind in stream.columns.items()
        ]
        for stream in STREAMS.values()
    }


def collection_rule() -> dict[str, Any]:
    """The streams that a data collection rule declares, and where each flows, by the code's own.

    The name of the destination, `workspace`, is the template's.
    Source: https://learn.microsoft.com/azure/azure-monitor/data-collection/data-collection-rule-structure
    """
    return {
        "streamDeclarations": {
            stream.name: {"columns": [{"name": n, "type": t} for n, t in stream.columns.items()]}
            for stream in STREAMS.values()
        },
        "dataFlows": [
            {
                "streams": [stream.name],
                "destinations": ["workspace"],
                "transformKql": "source",
                "outputStream": f"Custom-{stream.table}",
            }
            for stream in STREAMS.values()
        ],
    }
