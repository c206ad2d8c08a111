"""Microsoft's Kusto language service, asked what it makes of queries over a schema.

No engine of Kusto can be had from a registry: `run` is our own, of the part that our queries use,
over the service's syntax tree. The service's word counts more.

It lies in `node_modules` beside this file, where `python -m tests.kusto` puts it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.azurite import OLDEST_NODE, node

Tables = Mapping[str, Mapping[str, str]]
Row = Mapping[str, Any]

HERE = Path(__file__).parent
SERVICE = (
    HERE / "node_modules" / "@kusto" / "language-service-next" / "Kusto.Language.Bridge.min.js"
)


class NotKnown(Exception):
    """Our reading of Kusto does not hold what a query uses."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the service says of one query.

    `columns` are what it gives, types by name; `words` are columns with the words they are compared
    with; `keys` are what is taken out of dynamic values.
    """

    faults: list[str]
    columns: dict[str, str]
    tables: set[str]
    words: set[tuple[str, str]]
    keys: set[str]


def missing() -> str | None:
    """Why the service cannot be asked here; None where it can."""
    if node() is None:
        return f"no Node {OLDEST_NODE} or newer"
    if not SERVICE.exists():
        return "it is not installed: make test, or python -m tests.kusto, does it"
    return None


class Kusto:
    """The service as a process that answers questions; it ends with whoever started it."""

    def __init__(self) -> None:
        """Start it."""
        self._process = subprocess.Popen(  # noqa: S603  our own script
            [str(node()), str(HERE / "service.js")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )

    def ask(self, tables: Tables, queries: Mapping[str, str]) -> dict[str, Told]:
        """What the service says of each query, where a workspace has these tables."""
        said = self._answer({"do": "check", "tables": tables, "queries": queries})
        return {name: _told(one) for name, one in said.items()}

    def run(
        self,
        tables: Tables,
        rows: Mapping[str, Iterable[Row]],
        now: datetime,
        queries: Mapping[str, str],
    ) -> dict[str, list[Row]]:
        """The rows of each query over tables that hold these rows, by our own reading of Kusto.

        Times are text in ISO 8601, spans are milliseconds.

        Raises:
            NotKnown: a query uses what our reading does not hold.
        """
        held = {name: list(found) for name, found in rows.items()}
        asked = {"tables": tables, "rows": held, "now": now.isoformat(), "queries": queries}
        return self._answer({"do": "run", **asked})

    def stop(self) -> None:
        """End it for sure."""
        self._process.kill()
        self._process.communicate()

    def _answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps(asked)}\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        if "error" in said:
            raise NotKnown(said["error"])
        answer: dict[str, Any] = said["answer"]
        return answer


def _told(said: dict[str, list[list[str]]]) -> Told:
    return Told(
        faults=[str(fault) for fault in said["faults"]],
        columns={name: kind for name, kind in said["columns"]},  # noqa: C416  lists of two
        tables={str(table) for table in said["tables"]},
        words={(column, word) for column, word in said["words"]},
        keys={str(key) for key in said["keys"]},
    )
