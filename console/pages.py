"""The web page: what lies on the desk, for a person at 3 a.m.

Every page works without script; `console.js` only brings what is new without a reload.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from console import charts
from console.asking import Approver, Desked, Operator, person_of
from console.questions import FindingsQuery, Id, Key, LogView, Stream
from console.rendering import render
from shared.approvals import STALE, WAITING
from shared.coverage import unseen_by
from shared.errors import PortcullisError
from shared.model import ResourceId
from shared.score import MARKS
from shared.search import LogQuestion, Stands
from shared.trends import Day, top

router = APIRouter(include_in_schema=False)

_MOVES = "Findings opened and closed"
_TOPS: Mapping[Literal["opened", "remediated", "contested"], str] = {
    "opened": "Controls that open most",
    "remediated": "Controls put right most",
    "contested": "Controls contested most",
}
Resource = Annotated[str, Query(max_length=2_000)]
Control = Annotated[str, Query(max_length=200)]
FormText = Annotated[str, Form(max_length=1_000)]


def spending(request: Request, form: FormText = "") -> None:
    """Take the token of a page's form."""
    request.app.state.forms.spend(person_of(request), form)


Spent = Depends(spending)


@router.get("/")
def home() -> Response:
    return RedirectResponse("/log", 303)


# --- the log


@router.get("/log")
def log(request: Request, desk: Desked, asked: Annotated[LogView, Query()]) -> Response:
    since, until = asked.bounds(desk.now)
    page = desk.log(asked.question, after=asked.after, since=since, until=until)
    return render(
        request,
        "log.html",
        page=page,
        asked=asked,
        filtered=any(value for name, value in request.query_params.items() if name != "after"),
        more=_next(request, "/log", page.next),
        live=not asked.after,
        titles=desk.titles,
    )


@router.get("/log/{action}")
def action(request: Request, desk: Desked, action: Id) -> Response:
    return render(request, "action.html", told=desk.action(action), id=action)


@router.get("/log/{stream}/{key}")
def record(request: Request, desk: Desked, stream: Stream, key: Key) -> Response:
    return render(request, "record.html", told=desk.record(stream, key), stream=stream)


@router.post("/log/{action}/undo", dependencies=[Spent])
def undo(desk: Desked, person: Operator, action: Id) -> Response:
    desk.action(action)
    desk.gate.undos.order(action, person.name)
    return RedirectResponse(f"/log/{action}", 303)


# --- approvals


@router.get("/approvals")
def approvals(request: Request, desk: Desked) -> Response:
    return render(
        request, "approvals.html", waiting=desk.plans(WAITING), stale=desk.plans(STALE), results=[]
    )


@router.get("/approvals/{plan}")
def plan(request: Request, desk: Desked, plan: Id) -> Response:
    return render(request, "plan.html", plan=desk.plan(plan))


@router.post("/approvals", dependencies=[Spent])
def decide(
    request: Request,
    desk: Desked,
    person: Approver,
    decision: Annotated[Literal["approve", "reject"], Form()],
    plan: Annotated[list[str] | None, Form(max_length=100)] = None,
    reason: FormText = "",
) -> Response:
    results = desk.decide_all(plan or [], person.name, yes=decision == "approve", reason=reason)
    return render(
        request,
        "approvals.html",
        waiting=desk.plans(WAITING),
        stale=desk.plans(STALE),
        results=results,
        decision=decision,
    )


# --- findings


@router.get("/findings")
def findings(request: Request, desk: Desked, asked: Annotated[FindingsQuery, Query()]) -> Response:
    page = desk.findings(asked.question, after=asked.after)
    return render(
        request,
        "findings.html",
        page=page,
        asked=asked,
        states=list(Stands),
        query=urlencode({k: v for k, v in request.query_params.items() if k != "after" and v}),
        more=_next(request, "/findings", page.next),
        live=not asked.after,
        titles=desk.titles,
    )


@router.get("/finding")
def finding(request: Request, desk: Desked, resource: Resource, control: Control) -> Response:
    return render(request, "finding.html", told=desk.finding(resource, control))


@router.post("/look", dependencies=[Spent])
def look(
    desk: Desked,
    person: Operator,
    resource: Annotated[str, Form(max_length=2_000)],
    back: Annotated[str, Form(max_length=4_000)] = "/findings",
) -> Response:
    desk.gate.people.look(ResourceId(resource), person.name)
    # Only ever a page of ours, whatever the form says.
    ours = back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/findings"
    return RedirectResponse(ours, 303)


# --- the estate and the gate


@router.get("/estate")
def estate(
    request: Request, desk: Desked, days: Annotated[int, Query(ge=1, le=90)] = 30
) -> Response:
    score, shown = desk.gate.sweep.score(), desk.gate.trends.days(days)
    value, unseen = score.value if score else None, unseen_by(desk.gate.state).items()
    return render(
        request,
        "estate.html",
        score=score,
        marks=MARKS,
        days=days,
        charts=list(_charts(shown, value)),
        unseen=[f"{scope}: {told['reason']}" for scope, told in sorted(unseen)],
    )


def _charts(days: list[Day], value: float | None) -> Iterator[tuple[str, str, charts.Table]]:
    """Title, picture (which escapes what it holds) and table."""
    yield "Score", charts.score_chart(days, value), charts.score_table(days, value)
    yield _MOVES, charts.findings_chart(days), charts.findings_table(days)
    yield "Time to remediate", charts.times_chart(days), charts.times_table(days)
    for what, words in _TOPS.items():
        most = top(days, what)
        yield words, charts.controls_chart(what, words, most), charts.controls_table(words, most)


@router.get("/gate")
def gate(request: Request, desk: Desked) -> Response:
    try:
        reasons = desk.gate.health()
    except PortcullisError as error:
        reasons = [str(error)]
    told = desk.log(LogQuestion(), stream="health", limit=20)
    signs = desk.gate.vital_signs()
    return render(request, "gate.html", reasons=reasons, told=told, signs=signs)


@router.get("/stop")
def stopping(request: Request) -> Response:
    return render(request, "stop.html")


@router.post("/stop", dependencies=[Spent])
def stop(desk: Desked, person: Operator, reason: FormText = "") -> Response:
    desk.gate.people.suspend(person.name, reason or "no reason was given")
    return RedirectResponse("/stop", 303)


@router.post("/resume", dependencies=[Spent])
def resume(desk: Desked, person: Operator) -> Response:
    desk.gate.people.resume(person.name)
    return RedirectResponse("/stop", 303)


def _next(request: Request, path: str, cursor: str) -> str:
    """The address of the next page; empty at the end."""
    return f"{path}?{urlencode({**request.query_params, 'after': cursor})}" if cursor else ""
