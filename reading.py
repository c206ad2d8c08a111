"""The command line's part for reading: the log, the findings, the plans, and the story of one."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

import tables
import words
from session import FormatOption, closing, gate
from shared import approvals
from shared.errors import Unusable
from shared.log import Line
from shared.model import Severity
from shared.search import FindingQuestion, LogQuestion, Stands, instant
from terminal import Format, out, show, show_json

if TYPE_CHECKING:
    from console.desk import Desk
    from wiring import Gate

app = typer.Typer()
PAGE = 500

SinceOption = Annotated[str, typer.Option(help="From then on: 24h, 7d or 2026-03-02T03:00 (UTC).")]
UntilOption = Annotated[str, typer.Option(help="Up to then: 24h, 7d or 2026-03-02T03:00 (UTC).")]
SubscriptionOption = Annotated[str, typer.Option(help="A subscription's id.")]
GroupOption = Annotated[str, typer.Option(help="A resource group's name.")]
ControlOption = Annotated[
    str, typer.Option(help="A control's id.", autocompletion=words.control_ids)
]
SeverityOption = Annotated[Severity | None, typer.Option(help="Of this severity.")]
ResourceOption = Annotated[str, typer.Option(help="An ARM id, a scope, or a part of an id.")]
OwnerOption = Annotated[str, typer.Option(help="The owner that is named.")]
ActorOption = Annotated[str, typer.Option(help="Part of the name of who caused or ordered it.")]
ResultOption = Annotated[
    str, typer.Option(help="What happened, as `remediated`.", autocompletion=words.results)
]
StandsOption = Annotated[Stands | None, typer.Option(help="How a finding stands.")]


class Status(enum.StrEnum):
    """What became of a plan."""

    WAITING = approvals.WAITING
    APPROVED = approvals.APPROVED
    REJECTED = approvals.REJECTED
    STALE = approvals.STALE
    DONE = approvals.DONE


def _desk(built: Gate) -> Desk:
    from console.desk import Desk

    return Desk(built)


@app.command()
def log(
    *,
    since: SinceOption = "",
    until: UntilOption = "",
    subscription: SubscriptionOption = "",
    group: GroupOption = "",
    control: ControlOption = "",
    severity: SeverityOption = None,
    actor: ActorOption = "",
    result: ResultOption = "",
    resource: ResourceOption = "",
    owner: OwnerOption = "",
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 50,
    form: FormatOption = Format.TABLE,
) -> None:
    """What was done, asked, refused and undone, newest first."""
    asked = LogQuestion(
        subscription=subscription,
        group=group,
        control=control,
        severity=severity or "",
        actor=actor,
        result=result,
        resource=resource,
        owner=owner,
    )
    with closing(gate()) as built:
        _known(built, control)
        now = built.state.now()
        # What goes to Log Analytics has intents in it, what a person reads has not.
        wanted = asked.holds if form is Format.JSON else asked
        found = _records(
            built,
            wanted,
            since=instant(since, now) if since else None,
            until=instant(until, now) if until else None,
            limit=limit,
        )
        records = list(found)
    show(records, form, tables.log_table)


def _records(
    built: Gate,
    wanted: Callable[[Line], bool],
    *,
    since: datetime | None,
    until: datetime | None,
    limit: int,
) -> Iterator[dict[str, Any]]:
    """Whole records, newest first, each once, until there are enough or the log ends."""
    seen: set[str] = set()
    after = ""
    while True:
        page = built.state.log.page(
            "actions", wanted, after=after, since=since, until=until, limit=min(limit, PAGE)
        )
        for line in page.lines:
            record = built.state.log.record("actions", line["Key"])
            if record is not None and record["EventId"] not in seen:
                seen.add(record["EventId"])
                yield record
                if len(seen) == limit:
                    return
        after = page.next
        if not after:
            return


@app.command()
def findings(
    *,
    everything: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    stands: StandsOption = None,
    subscription: SubscriptionOption = "",
    group: GroupOption = "",
    control: ControlOption = "",
    severity: SeverityOption = None,
    resource: ResourceOption = "",
    owner: OwnerOption = "",
    form: FormatOption = Format.TABLE,
) -> None:
    """The findings as they stand, the gravest first."""
    asked = FindingQuestion(
        stands=stands or "",
        subscription=subscription,
        group=group,
        control=control,
        severity=severity or "",
        resource=resource,
        owner=owner,
    )
    questions = [asked]
    if everything and stands is None:
        questions.append(replace(asked, stands=Stands.CLOSED))
    with closing(gate()) as built:
        _known(built, control)
        rows = [row for one in questions for row in _desk(built).every_finding(one)]
    rows.sort(key=lambda row: (-Severity(row["Severity"]).rank, row["OpenedAt"]))
    show(rows, form, tables.findings_table)


@app.command()
def plans(
    status: Annotated[Status, typer.Option(help="What became of them.")] = Status.WAITING,
    form: FormatOption = Format.TABLE,
) -> None:
    """Plans that wait for a person, those that wait longest first; stale ones of the last day."""
    with closing(gate()) as built:
        rows = _desk(built).plans(status)
    show(rows, form, tables.plans_table)


@app.command("show")
def show_one(
    beginning: Annotated[str, typer.Argument(metavar="ID", help="Of an action or a plan.")],
    form: FormatOption = Format.TABLE,
) -> None:
    """The story of an action or a plan: before, after, why, who, and how it is taken back."""
    with closing(gate()) as built:
        desk = _desk(built)
        action, plan = _named(built, beginning)
        told = desk.action(action) if action else desk.plan(plan)
    if form is Format.JSON:
        show_json(told)
    else:
        for line in tables.action_story(told) if action else tables.plan_story(told):
            out.print(line, soft_wrap=True)


def _named(built: Gate, beginning: str) -> tuple[str, str]:
    """The action or the plan whose id begins so; the other is empty.

    Raises:
        Unusable: none does, or several.
    """
    state = built.state
    actions = [(one.id, "") for one in state.journal.all() if one.id.startswith(beginning)]
    waiting = [("", one.id) for one in state.approvals.all() if one.id.startswith(beginning)]
    found = [*actions, *waiting] if beginning else []
    if not found:
        lists = "'portcullis log' and 'portcullis plans' show them"
        raise Unusable(f"no action or plan {beginning}: {lists}")
    if len(found) > 1:
        raise Unusable(f"{beginning} begins {len(found)} ids: give more of it")
    return found[0]


def _known(built: Gate, control: str) -> None:
    if control and control not in built.engine.controls:
        raise Unusable(f"no such control: {control}")
