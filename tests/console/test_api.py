"""The API: the same desk as JSON, paged and filtered, and nothing for who may not."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from console.entrance import Role
from console.exports import COLUMNS
from tests.console.visitor import Visitor
from tests.console.world import BLOB, HOME, Review
from tests.engine.test_undo_orders import work
from tests.engine.world import storage


@pytest.fixture
def review() -> Review:
    return Review()


def asked(visitor: Visitor, path: str, **query: Any) -> Any:
    answer = visitor.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_log_is_paged_and_filtered(review: Review) -> None:
    """Pages follow each other; words narrow; `intent` is only told to who asks for it."""
    account, action = review.cured()
    for i in range(4):
        review.gate.people.suspend("dave", f"drill {i}")
        review.world.clock.advance(timedelta(minutes=1))
    carol = review.visit()
    first = asked(carol, "/api/log", limit=3)
    rest = asked(carol, "/api/log", limit=3, after=first["next"])
    entries = [line["Entry"] for line in (*first["items"], *rest["items"])]
    assert entries == ["suspended"] * 4 + ["remediated"]
    assert rest["next"] == ""
    (only,) = asked(carol, "/api/log", control=BLOB, resource=account, result="remediated")["items"]
    assert only["ActionId"] == action
    assert len(asked(carol, "/api/log", actor="DAV")["items"]) == 4
    (named,) = asked(carol, "/api/log", resource="CONTOSO")["items"]
    assert named["ActionId"] == action
    assert asked(carol, "/api/log", subscription="none")["items"] == []
    assert len(asked(carol, "/api/log", result="intent")["items"]) == 1
    since = review.world.clock.now() - timedelta(seconds=90)
    assert len(asked(carol, "/api/log", since=since.isoformat())["items"]) == 1


def test_a_line_leads_to_its_record_and_its_story(review: Review) -> None:
    """The record is the one that the log gets; the story says how to take it back."""
    _, action = review.cured()
    carol = review.visit()
    (line,) = asked(carol, "/api/log")["items"]
    whole = asked(carol, f"/api/log/actions/{line['Key']}")
    assert whole["record"] == review.world.records(review.gate)[-1]
    told = asked(carol, f"/api/actions/{action}")
    assert told["undo"]["can"] is True
    (changed,) = told["differences"]
    assert (changed["was"], changed["now"], changed["done"]) == (True, False, True)
    assert told["portal"].startswith("https://portal.azure.com/#resource/subscriptions/")


def test_an_undo_by_bearer_token_names_its_person(review: Review) -> None:
    """A program needs no form: nothing but itself sends its token."""
    account, action = review.cured()
    carol = review.visit(by_header=True)
    order = carol.post(f"/api/actions/{action}/undo").json()
    assert (order["State"], order["Person"]) == ("ordered", "carol")
    work(review.world, review.hand)
    assert review.public(account)
    again = carol.post(f"/api/actions/{action}/undo")
    assert (again.status_code, again.headers["content-type"]) == (409, "application/problem+json")
    assert "was taken back by carol already" in again.json()["detail"]


def test_a_session_needs_a_form(review: Review) -> None:
    """A cookie alone orders nothing; with a token of `/api/form` it does, once."""
    carol = review.visit()
    headers = {"Origin": HOME}
    said = {"reason": "drill"}
    assert carol.post("/api/stop", json=said, headers=headers).status_code == 403
    form = asked(carol, "/api/form")["form"]
    headers["X-Portcullis-Form"] = form
    assert carol.post("/api/stop", json=said, headers=headers).json()["stopped"]["by"] == "carol"
    assert carol.post("/api/resume", headers=headers).status_code == 409
    assert review.gate.state.suspension.stopped() is not None


def test_plans_are_decided_together(review: Review) -> None:
    account, plan = review.waiting()
    carol = review.visit(by_header=True)
    (waiting,) = asked(carol, "/api/plans")
    assert (waiting["id"], waiting["targets"], waiting["reversible"]) == (plan, [account], "yes")
    body = {"plans": [plan, plan, "0" * 16], "approve": True}
    done, missing = carol.post("/api/plans/decide", json=body).json()
    assert (done["status"], done["by"]) == ("approved", "carol")
    assert missing["error"] == f"no plan {'0' * 16}"
    work(review.world, review.hand)
    assert not review.public(account)


def test_findings_are_counted_and_exported(review: Review) -> None:
    """The gravest first; the export holds every one, as CSV that no spreadsheet runs."""
    names = ["=cmd", "plain", "third"]
    for name in names:
        (account,) = review.world.load(storage(name, allowBlobPublicAccess=True))
        review.world.look(review.gate, account)
    carol = review.visit()
    page = asked(carol, "/api/findings", control=BLOB, limit=2)
    rest = asked(carol, "/api/findings", control=BLOB, limit=2, after=page["next"])
    assert (page["total"], page["controls"]) == (3, {BLOB: 3})
    assert len({f["ResourceId"] for f in (*page["items"], *rest["items"])}) == 3
    answer = carol.get("/api/findings/export", params={"control": BLOB})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [tuple(row) for row in rows] == [COLUMNS] * 3
    whole = carol.get("/api/findings/export", params={"control": BLOB, "form": "json"}).json()
    assert len(whole) == 3
    assert carol.get("/api/findings/export?form=json&control=none").json() == []


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@x", "'@x"),
        ("-1", "'-1"),
        ("plain", "plain"),
        (None, ""),
        (3, "3"),
        ({"a": 1}, '{"a": 1}'),
    ],
)
def test_no_cell_is_a_formula(value: Any, cell: str) -> None:
    from console.exports import cell as made  # noqa: PLC0415

    assert made(value) == cell


def test_the_description_is_valid_and_whole(review: Review) -> None:
    """OpenAPI names every route of the API, each with what it refuses with."""
    told = asked(review.visit(), "/api/openapi.json")
    assert told["openapi"].startswith("3.")
    paths = set(told["paths"])
    assert {"/api/log", "/api/actions/{action}/undo", "/api/plans/decide", "/api/stop"} <= paths
    assert all(path.startswith("/api/") for path in paths)
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("role", list(Role))
def test_everybody_with_a_role_may_look(review: Review, role: Role) -> None:
    visitor = review.visit(role)
    assert asked(visitor, "/api/me") == {"name": "carol", "roles": [role.value]}
    for path in (
        "/api/log",
        "/api/plans",
        "/api/findings",
        "/api/stop",
        "/api/estate",
        "/api/gate",
    ):
        asked(visitor, path)
