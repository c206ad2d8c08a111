"""The tables of the workspace, as their resource wants them.

Source: https://learn.microsoft.com/rest/api/loganalytics/tables/create-or-update (`ColumnTypeEnum`:
string, int, long, real, boolean, dateTime, guid, dynamic). Stream declarations of a data
collection rule spell the same types in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping

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
