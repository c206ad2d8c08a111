"""Microsoft's Kusto language service, asked what it makes of queries over a schema.

It lies in `node_modules` beside this file, where `python -m tests.kusto` puts it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.azurite import OLDEST_NODE, node

HERE = Path(__file__).parent
SERVICE = (
    HERE / "node_modules" / "@kusto" / "language-service-next" / "Kusto.Language.Bridge.min.js"
)


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


def ask(tables: Mapping[str, Mapping[str, str]], queries: Mapping[str, str]) -> dict[str, Told]:
    """What the service says of each query, where a workspace has these tables."""
    said = subprocess.run(  # noqa: S603  our own script
        [str(node()), str(HERE / "check.js")],
        input=json.dumps({"tables": tables, "queries": queries}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    return {name: _told(one) for name, one in json.loads(said.stdout).items()}


def _told(said: dict[str, list[list[str]]]) -> Told:
    return Told(
        faults=[str(fault) for fault in said["faults"]],
        columns={name: kind for name, kind in said["columns"]},  # noqa: C416  lists of two
        tables={str(table) for table in said["tables"]},
        words={(column, word) for column, word in said["words"]},
        keys={str(key) for key in said["keys"]},
    )
