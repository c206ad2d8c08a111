"""Writes what a deployment reads, and the page about it: `python -m infra.generate`.

`tables.json` and `rule.json` from the streams of records, `queries.json`, `workbook.json` and
`alerts.json` from the queries and rules, `roles.json`, `events.json` and `app.json` from controls
and `policy.yaml`, `onboarding.json` from the parts of a subscription, and the tables of
`docs/queries.md`. `tests/infra` fails while one of them is not what this writes.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.alerts import Rule, alerts, rules
from infra.app import app
from infra.events import events
from infra.onboarding import onboarding
from infra.pack import ALERTS, TABS, Query, read
from infra.roles import in_force, roles
from infra.schema import collection_rule, tables
from infra.workbook import workbook
from rules import controls
from shared.errors import PortcullisError

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "queries.md"
_BLOCK = re.compile(r"(<!-- (queries|alerts) -->).*?(<!-- end -->)", re.DOTALL)


def files() -> dict[Path, str]:
    """Everything that is generated, by file."""
    queries, known = read(), rules()
    judged = controls()
    policy = in_force(judged)
    names, heard = app(judged, policy), events(judged, policy)
    return {
        HERE / "app.json": _json(names),
        HERE / "events.json": _json(heard),
        HERE / "onboarding.json": _json(onboarding(names, heard)),
        HERE / "roles.json": _json(roles(judged, policy)),
        HERE / "rule.json": _json(collection_rule()),
        HERE / "tables.json": _json(tables()),
        HERE / "queries.json": _json(saved(queries)),
        HERE / "workbook.json": _json(workbook(queries)),
        HERE / "alerts.json": _json(alerts(queries, known)),
        PAGE: with_tables(PAGE.read_text(encoding="utf-8"), queries, known),
    }


def saved(queries: Mapping[str, Query]) -> list[dict[str, str]]:
    """What people read as saved searches of the workspace, each with the name of its resource."""
    return [
        {
            "name": f"portcullis-{query.name.replace('/', '-')}",
            "category": f"Portcullis: {TABS[query.folder]}",
            "displayName": query.title,
            "query": query.text,
        }
        for query in queries.values()
        if query.folder in TABS
    ]


def write() -> int:
    """Write what differs; how many files."""
    count = 0
    for path, text in files().items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            count += 1
    return count


def with_tables(text: str, queries: Mapping[str, Query], known: Mapping[str, Rule]) -> str:
    """`text`, the page, with the tables between its markers made anew."""
    tables = {"queries": _queries(queries), "alerts": _rules(queries, known)}

    def made(found: re.Match[str]) -> str:
        return "\n".join([found[1], *tables[found[2]], found[3]])

    return _BLOCK.sub(made, text)


def _queries(queries: Mapping[str, Query]) -> Iterator[str]:
    for folder, title in TABS.items():
        yield f"### {title}\n\n| query | what it answers |\n|---|---|"
        for query in queries.values():
            if query.folder == folder:
                link = f"[{query.title}](../infra/queries/{query.name}.kql)"
                yield f"| {link} | {query.answers} |"
        yield ""


def _rules(queries: Mapping[str, Query], known: Mapping[str, Rule]) -> Iterator[str]:
    yield "| alert | severity | every | over | what to do |\n|---|---|---|---|---|"
    for name, rule in sorted(known.items(), key=lambda one: one[1].severity):
        title = queries[f"{ALERTS}/{name}"].title
        link = f"[{title}](../infra/queries/{ALERTS}/{name}.kql)"
        yield f"| {link} | {rule.severity} | {rule.every} | {rule.window} | {rule.do} |"


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    try:
        sys.stdout.write(f"{write()} files written\n")
    except PortcullisError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
