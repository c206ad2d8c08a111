"""The HTTP API: what lies on the desk, as JSON; the same functions as the page and the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from http import HTTPStatus
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field

from console import exports
from console.asking import Approver, Desked, Operator, person_of
from console.entrance import Role
from console.questions import ExportQuery, FindingsQuery, Id, Key, LogQuery, Stream
from shared.model import ResourceId

Resource = Annotated[str, Query(max_length=2_000)]
Control = Annotated[str, Query(max_length=200)]
Reason = Annotated[str, Field(max_length=1_000)]
FormToken = Annotated[
    str,
    Header(alias="X-Portcullis-Form", description="Of `GET /api/form`; not with a Bearer token."),
]


class Problem(BaseModel):
    """RFC 9457; also what every refusal is."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """How an operation says what it refuses with."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


router = APIRouter(prefix="/api", responses=refusals(400, 401, 403, 413, 422, 503))


class LogPage(BaseModel):
    """Lines, newest first; `next` is the `after` of the next page, empty at the end.

    A page with fewer lines than asked and a `next` has searched back to `back_to`.
    """

    items: list[dict[str, Any]]
    next: str
    back_to: str


class FindingsPage(BaseModel):
    """The gravest first. `total` and the counts are of all that are wanted, not of the page."""

    items: list[dict[str, Any]]
    next: str
    total: int
    controls: dict[str, int]
    subscriptions: dict[str, int]
    owners: dict[str, int]


class Decision(BaseModel):
    """A person's word on plans."""

    model_config = ConfigDict(extra="forbid")

    plans: list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]] = Field(
        min_length=1, max_length=100
    )
    approve: bool
    reason: Reason = ""


class Stopping(BaseModel):
    """Why all writes are stopped."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=1_000)]


class Me(BaseModel):
    name: str
    roles: list[Role]


class Token(BaseModel):
    """For one request that changes something, within the hour."""

    form: str


def spending(request: Request, form: FormToken = "") -> None:
    """Take the form's token of a request that changes something."""
    request.app.state.forms.spend(person_of(request), form)


Spent = Depends(spending)


@router.get("/me")
def me(request: Request) -> Me:
    """Who you are here."""
    person = person_of(request)
    return Me(name=person.name, roles=sorted(person.roles))


@router.get("/form")
def form(request: Request) -> Token:
    """A token that a request with a session's cookie needs to change something."""
    return Token(form=request.app.state.forms.token(person_of(request)))


@router.get("/log")
def log(desk: Desked, asked: Annotated[LogQuery, Query()]) -> LogPage:
    """The log, newest first."""
    page = desk.log(
        asked.question,
        stream=asked.stream,
        after=asked.after,
        since=asked.since,
        until=asked.until,
        limit=asked.limit,
    )
    return LogPage(items=page.lines, next=page.next, back_to=page.back_to)


@router.get("/log/{stream}/{key}", responses=refusals(404))
def record(desk: Desked, stream: Stream, key: Key) -> dict[str, Any]:
    """The whole record of a line."""
    return desk.record(stream, key)


@router.get("/actions/{action}", responses=refusals(404))
def action(desk: Desked, action: Id) -> dict[str, Any]:
    """The story of an action, and how it can be taken back."""
    return desk.action(action)


@router.post(
    "/actions/{action}/undo",
    dependencies=[Spent],
    responses=refusals(404, 409),
)
def undo(desk: Desked, person: Operator, action: Id) -> dict[str, Any]:
    """Order that it is taken back; the order, and what came of it as far as that is known."""
    desk.action(action)
    return dict(desk.gate.undos.order(action, person.name).value)


@router.get("/plans")
def plans(
    desk: Desked, status: Literal["waiting", "approved", "rejected", "stale", "done"] = "waiting"
) -> list[dict[str, Any]]:
    """Plans of a status, those that wait longest first."""
    return desk.plans(status)


@router.get("/plans/{plan}", responses=refusals(404))
def plan(desk: Desked, plan: Id) -> dict[str, Any]:
    """A plan, what it would change, and who caused what it cures."""
    return desk.plan(plan)


@router.post("/plans/decide", dependencies=[Spent])
def decide(desk: Desked, person: Approver, said: Decision) -> list[dict[str, Any]]:
    """Approve or reject plans; what became of each, with `error` where it was refused."""
    return desk.decide_all(said.plans, person.name, yes=said.approve, reason=said.reason)


@router.get("/findings", responses=refusals(409))
def findings(desk: Desked, asked: Annotated[FindingsQuery, Query()]) -> FindingsPage:
    """Findings, the gravest first; closed ones only where they are asked for."""
    page = desk.findings(asked.question, after=asked.after, limit=asked.limit)
    return FindingsPage(
        items=page.items,
        next=page.next,
        total=page.total,
        controls=dict(page.controls.most_common(200)),
        subscriptions=dict(page.subscriptions.most_common(200)),
        owners=dict(page.owners.most_common(200)),
    )


@router.get("/findings/export", response_class=StreamingResponse)
def export(desk: Desked, asked: Annotated[ExportQuery, Query()]) -> StreamingResponse:
    """All findings that are wanted, as CSV (RFC 4180) or as a JSON array."""
    rows = desk.every_finding(asked.question)
    as_csv = asked.form == "csv"
    parts: Iterator[str] = exports.csv_of(rows) if as_csv else exports.json_of(rows)
    kind = "text/csv" if as_csv else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="findings.{asked.form}"'}
    return StreamingResponse(parts, media_type=f"{kind}; charset=utf-8", headers=headers)


@router.get("/finding", responses=refusals(404))
def finding(desk: Desked, resource: Resource, control: Control) -> dict[str, Any]:
    """One finding, with the lines of policy that would exempt it."""
    return desk.finding(resource, control)


@router.post("/look", dependencies=[Spent], responses=refusals(409), status_code=202)
def look(desk: Desked, person: Operator, resource: Resource) -> dict[str, str]:
    """Ask for a look at a resource now."""
    desk.gate.people.look(ResourceId(resource), person.name)
    return {"noted": resource}


@router.get("/estate")
def estate(desk: Desked, days: Annotated[int, Query(ge=1, le=90)] = 30) -> dict[str, Any]:
    """The score as it stands (null before a full sweep has counted), and what happened by day."""
    score = desk.gate.sweep.score()
    return {
        "score": score.to_json() if score else None,
        "days": [day.to_json() for day in desk.gate.trends.days(days)],
    }


@router.get("/gate")
def gate(desk: Desked) -> dict[str, Any]:
    """The gate's own health: reasons for worry, a line each, and its vital signs."""
    return {"reasons": desk.gate.health(), **desk.gate.vital_signs().to_json()}


@router.get("/stop")
def stopped(desk: Desked) -> dict[str, Any]:
    """Who stopped all writes, when and why; `stopped` is null while nobody did."""
    return {"stopped": desk.stop()}


@router.post("/stop", dependencies=[Spent])
def stop(desk: Desked, person: Operator, said: Stopping) -> dict[str, Any]:
    """Stop all writes: none is sent whose last look at the stop began after this."""
    desk.gate.people.suspend(person.name, said.reason)
    return {"stopped": desk.stop()}


@router.post("/resume", dependencies=[Spent], responses=refusals(409))
def resume(desk: Desked, person: Operator) -> dict[str, Any]:
    """Let writes happen again, and look again at every open finding."""
    desk.gate.people.resume(person.name)
    return {"stopped": desk.stop()}
