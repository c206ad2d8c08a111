"""The command line's part for reviews of access."""

from __future__ import annotations

import csv
import enum
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

import tables
from console.exports import cell
from session import gate
from shared.azure.events import uses_in
from shared.errors import Unusable
from shared.model import ResourceId
from terminal import complain, out, progress, say, show_json

app = typer.Typer(help="Who holds what, and what it is used for.", no_args_is_help=True)


class Form(enum.StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@app.command()
def review(
    scope: Annotated[str, typer.Option(help="An ARM id; / is all that may be read.")] = "/",
    form: Annotated[Form, typer.Option("--format", help="How to print.")] = Form.TABLE,
) -> None:
    """Who holds what, how it was granted, when it was last used, and what is proposed."""
    if not scope.startswith("/"):
        raise Unusable(f"{scope} is no scope: it begins with /")
    with closing(gate()) as built, progress() as bar:
        task = bar.add_task("grants", total=None)
        asked = built.review()
        found = asked.holdings(ResourceId(scope), lambda n: bar.update(task, completed=n))
        rows = [one.to_json() for one in found]
    match form:
        case Form.JSON:
            show_json(rows)
        case Form.CSV:
            _as_csv(rows)
        case Form.TABLE if rows:
            out.print(tables.access_table(rows))
        case _:
            say("nobody holds anything here that may be seen")
    for line in asked.unseen:
        complain(f"not whole: {line}", style="red")
    if asked.unseen:
        raise typer.Exit(1)


def _as_csv(rows: list[dict[str, Any]]) -> None:
    """RFC 4180; a cell that a spreadsheet would take for a formula begins with an apostrophe."""
    if not rows:
        return
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]))
    writer.writeheader()
    for row in rows:
        cells = {k: " ".join(v) if isinstance(v, list) else str(v) for k, v in row.items()}
        writer.writerow({k: cell(v) for k, v in cells.items()})


@app.command()
def learn(
    files: Annotated[list[Path], typer.Argument(help="Activity log entries as JSON.")],
    whole_since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="From this day on (UTC) they hold every entry."),
    ] = None,
) -> None:
    """Keep what exported activity log entries tell of uses of role assignments.

    A file holds entries as Azure exports them: one, a list, an object with `records` or `value`,
    or one to a line. Only where somebody says that they are whole does silence in them count.
    """
    with closing(gate()) as built:
        kept, subscriptions = 0, set[str]()
        for path in files:
            for use in (use for entry in _entries(path) for use in uses_in(entry)):
                built.state.uses.note(use)
                subscriptions.add(use.scope.subscription)
                kept += 1
        if whole_since is not None:
            for subscription in subscriptions:
                built.state.uses.begin(subscription, whole_since.replace(tzinfo=UTC))
    say(f"{kept} uses kept")


def _entries(path: Path) -> Iterator[Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        lines = text.splitlines() if text.lstrip()[:1] == "{" and "\n{" in text else [text]
        for line in lines:
            if line.strip():
                yield json.loads(line)
    except (OSError, ValueError, RecursionError) as error:
        raise Unusable(f"{path} holds no JSON: {error}") from error
