"""How the command line speaks: tables and JSON on standard output, trouble on standard error."""

from __future__ import annotations

import enum
import json
import sys
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import tables
from shared.approvals import Asked
from shared.journal import REMEDIATED, RUNNING, SETTLING, UNDONE, Story
from shared.look import Look

out = tables.console()
err = Console(stderr=True)


class Format(enum.StrEnum):
    TABLE = "table"
    JSON = "json"


class CheckFormat(enum.StrEnum):
    TABLE = "table"
    JSON = "json"
    SARIF = "sarif"


def say(text: str, style: str | None = None) -> None:
    """One line, whatever its length: ids are not broken at the width of a terminal."""
    out.print(text, style=style, markup=False, soft_wrap=True)


def complain(text: str, style: str | None = None) -> None:
    """One line on standard error."""
    err.print(text, style=style, markup=False, soft_wrap=True)


def show_json(value: Any) -> None:
    """Machine-readable output goes to standard output alone, unwrapped."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def show(rows: list[dict[str, Any]], form: Format, table: Any) -> None:
    if form is Format.JSON:
        show_json(rows)
    elif rows:
        out.print(table(rows))
    else:
        say("nothing")


def show_look(look: Look, form: Format) -> None:
    seen = [one.to_json() for one in look.seen]
    if form is Format.JSON:
        show_json({"resource_id": look.resource_id.text, "exists": look.exists, "seen": seen})
    elif not look.exists:
        say(f"{look.resource_id} does not exist")
    else:
        out.print(tables.look_table(seen))


def show_ordered(look: Look, form: Format, *, carried_out: bool) -> None:
    """A look that a person ordered; exit 1 where it ended without what was ordered."""
    show_look(look, form)
    states = {one.story.state for one in look.seen if one.story}
    if carried_out and (not states or states - {REMEDIATED, RUNNING, SETTLING}):
        raise typer.Exit(1)


def show_waiting(asked: Asked, form: Format) -> None:
    """A plan that has to be approved by more people."""
    if form is Format.JSON:
        show_json(dict(asked.value))
        return
    said = f"{len(asked.approved_by)} of {asked.approvers} people approved"
    say(f"noted: {said} plan {asked.id}; somebody else must too")


def show_undone(story: Story, form: Format) -> None:
    if form is Format.JSON:
        show_json(dict(story.value))
    else:
        said = "undone" if story.state == UNDONE else f"{story.state}: {story.value['Message']}"
        say(f"{said}: {story.resource}")
    if story.state not in (UNDONE, RUNNING):
        raise typer.Exit(1)


def progress() -> Progress:
    columns = (TextColumn("{task.description:<18}"), BarColumn(), MofNCompleteColumn())
    shown = err.is_terminal
    return Progress(*columns, TimeElapsedColumn(), console=err, disable=not shown)


def fail(message: str, code: int) -> NoReturn:
    if message.strip():
        complain("portcullis: " + " ".join(message.split()))
    sys.exit(code)
