"""The queries: one file each below `queries/`, in a folder that says what they are for.

A file begins with comment lines: its title, then what it answers. Each stands for itself, and can
be pasted into Log Analytics as it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from shared.errors import Unusable

QUERIES = Path(__file__).parent / "queries"
ALERTS, PARAMETERS = "alerts", "parameters"
TABS = {
    "overview": "Overview",
    "remediations": "Remediations",
    "approvals": "Approvals",
    "findings": "Findings",
    "health": "Gate health",
    "story": "One story",
}
"""Folders whose queries people read, with what they are called, in the order of the workbook."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `name` is its file below `queries/`, without the ending."""

    name: str
    title: str
    answers: str
    text: str

    @property
    def folder(self) -> str:
        return self.name.split("/", maxsplit=1)[0]


def read(root: Path = QUERIES) -> dict[str, Query]:
    """Every query, by name.

    Raises:
        Unusable: a file that begins without a title and what it answers, or in an unknown folder.
    """
    found = (_query(path, root) for path in sorted(root.rglob("*.kql")))
    return {query.name: query for query in found}


def _query(path: Path, root: Path) -> Query:
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(root).with_suffix("").as_posix()
    head: list[str] = []
    for line in text.splitlines():
        if not line.startswith("// "):
            break
        head.append(line.removeprefix("// "))
    if len(head) < 2:
        raise Unusable(f"{name}.kql: begins without // its title and // what it answers")
    query = Query(name, head[0], " ".join(head[1:]), text)
    if query.folder not in (*TABS, ALERTS, PARAMETERS):
        raise Unusable(f"{name}.kql: no folder of queries is called {query.folder}")
    return query
