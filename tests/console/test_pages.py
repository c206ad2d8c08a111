"""The page: what a person sees of the log, the plans and the findings, and what a click does."""

from __future__ import annotations

import re
from html import unescape

import pytest

from console.entrance import Role
from shared.journal import undo_id
from shared.orders import ORDERED
from tests.console.world import BLOB, HOME, Review, sent, token
from tests.engine.test_undo_orders import work
from tests.engine.world import enforce, policy, storage

READS = ["/log", "/approvals", "/findings", "/gate", "/stop", "/estate"]


@pytest.fixture
def review() -> Review:
    return Review()


def text(html: str) -> str:
    """What stands on a page, without its marks."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@pytest.mark.parametrize("path", READS)
def test_every_page_of_an_empty_gate_says_that_nothing_is_there(review: Review, path: str) -> None:
    """A newcomer sees pages, not errors; and nothing in them is script or style."""
    page = review.visit().get(path)
    assert page.status_code == 200
    assert "<h1>" in page.text
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| on[a-z]+=", page.text)


def test_the_log_tells_what_where_why_and_who(review: Review) -> None:
    """One line holds what is asked at 3 a.m.: before and after, and the line of policy."""
    review.world.load(storage(allowBlobPublicAccess=False))
    account, action = review.cured()
    page = review.visit().get("/log")
    words = text(page.text)
    assert "put right" in words
    assert "allowBlobPublicAccess : true → false" in words.replace(
        "allowBlobPublicAccess:", "allowBlobPublicAccess :"
    )
    assert "$.rules[0]" in words
    assert f'href="/log/{action}"' in page.text
    assert account.rsplit("/", 1)[-1] in words


def test_an_action_can_be_followed_and_undone(review: Review) -> None:
    """Its page shows old and new values and the line of policy; the button restores them."""
    account, action = review.cured()
    carol = review.visit()
    page = carol.get(f"/log/{action}")
    assert "before: true" in text(page.text).replace("before:  true", "before: true")
    answer = sent(carol, f"/log/{action}", f"/log/{action}/undo")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/log/{action}")
    assert "undo ordered" in text(carol.get(f"/log/{action}").text)
    assert not review.public(account)
    work(review.world, review.hand)
    assert review.public(account)
    assert "taken back by carol" in text(carol.get(f"/log/{action}").text)
    assert "taken back" in text(carol.get("/log").text)


def test_a_form_is_good_once(review: Review) -> None:
    """The same undo sent again is refused: a replay orders nothing."""
    _, action = review.cured()
    carol = review.visit()
    fields = {"form": token(carol.get(f"/log/{action}"))}
    headers = {"Origin": HOME}
    assert carol.post(f"/log/{action}/undo", data=fields, headers=headers).status_code == 303
    work(review.world, review.hand)
    again = carol.post(f"/log/{action}/undo", data=fields, headers=headers)
    assert again.status_code == 409
    assert "sent before" in again.text


@pytest.mark.parametrize("fields", [{}, {"form": ""}, {"form": "1.2.3"}])
def test_a_form_without_its_token_does_nothing(review: Review, fields: dict[str, str]) -> None:
    """Another site cannot make one up."""
    _, action = review.cured()
    answer = review.visit().post(f"/log/{action}/undo", data=fields, headers={"Origin": HOME})
    assert answer.status_code == 403
    assert review.gate.state.orders.of(action) is None


def test_a_form_of_one_person_is_no_good_for_another(review: Review) -> None:
    _, action = review.cured()
    fields = {"form": token(review.visit(name="carol").get(f"/log/{action}"))}
    answer = review.visit(name="mallory").post(
        f"/log/{action}/undo", data=fields, headers={"Origin": HOME}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "role", "fields"),
    [
        ("/log/{action}/undo", Role.APPROVER, {}),
        ("/stop", Role.APPROVER, {"reason": "x"}),
        ("/resume", Role.READER, {}),
        ("/look", Role.READER, {"resource": "/subscriptions/x"}),
        ("/approvals", Role.OPERATOR, {"plan": "0" * 16, "decision": "approve"}),
        ("/approvals", Role.READER, {"plan": "0" * 16, "decision": "reject"}),
    ],
)
def test_who_has_not_the_role_can_press_nothing(
    review: Review, path: str, role: Role, fields: dict[str, str]
) -> None:
    """Roles include each other not: each order wants its own, whatever form is sent."""
    _, action = review.cured()
    able = review.visit(name="carol")
    fields = {**fields, "form": token(able.get("/stop"))}
    less = review.visit(role, name="carol")
    answer = less.post(path.format(action=action), data=fields, headers={"Origin": HOME})
    assert answer.status_code == 403
    assert "needs the role" in answer.text
    assert review.gate.state.suspension.stopped() is None


def test_a_reader_sees_no_button_but_the_command(review: Review) -> None:
    _, action = review.cured()
    page = review.visit(Role.READER).get(f"/log/{action}")
    assert "<form" not in page.text.split("<main")[1]
    assert f"portcullis undo {action}" in page.text


def test_what_restores_rights_shows_the_command(review: Review) -> None:
    """No click grants rights: a person runs it under their own credential."""
    _, action = review.cured()
    story = review.gate.state.journal.find(action).having(Controls=["iam-orphaned-principal"])
    review.gate.state.store.put("actions", action, "story", story.value)
    page = review.visit().get(f"/log/{action}")
    assert "Undo now" not in page.text
    assert f"<code>portcullis undo {action}</code>" in page.text
    answer = sent(review.visit(), "/stop", f"/log/{action}/undo")
    assert answer.status_code == 409
    assert review.gate.state.orders.of(action) is None


def test_plans_are_approved_and_carried_out_by_the_hand(review: Review) -> None:
    """In bulk: each is told by itself, and one that does not wait any more holds up none."""
    first, one = review.waiting(name="one")
    second, two = review.waiting(name="two")
    carol = review.visit()
    page = carol.get("/approvals")
    assert "2 plans wait" in text(page.text)
    review.gate.people.reject(two, "dave", "not now")
    chosen = {"plan": [one, two], "decision": "approve", "reason": "CHG-7"}
    answer = sent(carol, "/approvals", "/approvals", **chosen)
    assert answer.status_code == 200
    assert "does not wait any more: it is rejected" in answer.text
    work(review.world, review.hand)
    assert (review.public(first), review.public(second)) == (False, True)
    record = next(r for r in review.world.records(review.gate) if r["Entry"] == "remediated")
    assert record["Person"] == "carol"
    said = next(r for r in review.world.records(review.gate) if r["Entry"] == "approved")
    assert said["Message"] == "CHG-7"


def test_a_plan_is_rejected_with_its_reason(review: Review) -> None:
    account, plan = review.waiting()
    carol = review.visit()
    sent(carol, f"/approvals/{plan}", "/approvals", plan=plan, decision="reject", reason="launch")
    assert "carol: launch" in text(carol.get(f"/approvals/{plan}").text)
    assert review.public(account)


def test_four_eyes_on_the_page(review: Review) -> None:
    """The first yes is counted, the same person's second refused, another's carries it out."""
    account, plan = review.waiting(approvers=2)
    carol = review.visit(name="carol")
    first = sent(carol, f"/approvals/{plan}", "/approvals", plan=plan, decision="approve")
    assert "1 of 2 people approved" in text(first.text)
    again = sent(carol, f"/approvals/{plan}", "/approvals", plan=plan, decision="approve")
    assert "somebody else must too" in text(again.text)
    dave = review.visit(name="dave")
    sent(dave, f"/approvals/{plan}", "/approvals", plan=plan, decision="approve")
    work(review.world, review.hand)
    assert not review.public(account)


def test_a_plan_whose_resource_moved_on_leads_to_the_new_one(review: Review) -> None:
    """Shown as out of date, with the plan that took its place."""
    account, plan = review.waiting()
    review.world.policy = policy(
        f"rules: [{{control: [{BLOB}, storage-secure-transfer], mode: approve}}]\n"
    )
    review.world.change(account, {"supportsHttpsTrafficOnly": False})
    review.world.look(review.gate, account)
    carol = review.visit()
    old = carol.get(f"/approvals/{plan}")
    assert "This plan is out of date" in old.text
    (new,) = [a.id for a in review.gate.state.approvals.all() if a.status == "waiting"]
    assert f'href="/approvals/{new}"' in old.text
    listed = text(carol.get("/approvals").text)
    assert "Out of date" in listed
    assert "the new plan" in listed


def test_stop_and_resume(review: Review) -> None:
    """The button stops all writes, every page says so, and the same page lifts it."""
    carol = review.visit()
    sent(carol, "/stop", "/stop", reason="incident 17")
    assert review.gate.state.suspension.stopped() is not None
    for path in READS:
        assert "All writes are stopped by carol" in text(carol.get(path).text)
    sent(carol, "/stop", "/resume")
    assert review.gate.state.suspension.stopped() is None
    entries = [(r["Entry"], r["Person"]) for r in review.world.records(review.gate)]
    assert entries == [("suspended", "carol"), ("resumed", "carol")]


def test_a_finding_shows_the_lines_that_exempt_it(review: Review) -> None:
    """Copied, and filled in, they are a policy that loads and exempts this very finding."""
    (account,) = review.world.load(storage(allowBlobPublicAccess=True))
    review.world.look(review.gate, account)
    page = review.visit().get("/finding", params={"resource": account, "control": BLOB})
    lines = re.search(r'<pre id="exemption"[^>]*>(.*?)</pre>', page.text, re.DOTALL)
    assert lines
    told = unescape(lines[1]).replace("reason: \n", "reason: OPS-1\n")
    told = told.replace("approved_by: \n", "approved_by: carol\n")
    review.world.policy = policy(told + enforce(BLOB))
    review.world.look(review.gate, account)
    listed = text(review.visit().get("/findings?stands=exempt").text)
    assert "1 finding" in listed


def test_a_hostile_name_is_only_text(review: Review) -> None:
    """Whatever a tag, a reason or a name holds, no page runs it."""
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    review.gate.people.suspend(evil, evil)
    _, plan = review.waiting()
    review.gate.people.reject(plan, evil, evil)
    carol = review.visit(name=evil)
    for path in ("/log", "/stop", f"/approvals/{plan}", "/log?actor=" + evil):
        page = carol.get(path)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "<img src=x" not in page.text


@pytest.mark.parametrize("back", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_a_look_leads_back_to_a_page_of_ours_alone(review: Review, back: str) -> None:
    account, _ = review.cured()
    answer = sent(review.visit(), "/stop", "/look", resource=account, back=back)
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings")
    assert review.gate.state.store.waiting("hints") == 1


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nowhere", 404),
        ("/log/0000000000000000", 404),
        ("/log/not-an-id", 422),
        ("/approvals/0000000000000000", 404),
        ("/finding?resource=/x&control=y", 404),
        ("/findings?after=%00", 409),
        ("/log?after=1", 422),
        ("/log?window=1y", 422),
    ],
)
def test_what_is_not_there_is_one_sentence(review: Review, path: str, status: int) -> None:
    page = review.visit().get(path)
    assert page.status_code == status
    assert "<h1>" in page.text
    assert "Traceback" not in page.text


def test_a_log_of_fifty_thousand_lines_is_a_page_at_a_time(review: Review) -> None:
    """The newest fifty, a way to the older ones, and no line twice."""
    _, action = review.cured()
    store = review.gate.state.store
    (row,) = list(review.gate.state.log.scan("actions"))[:1]
    for i in range(50_000):
        key = f"{9_999_999_999_999_000 - i:016d}-00000000-{i:016x}"
        store.put("log", "actions", key, {**row.value, "EventId": f"{i:016x}"})
    carol = review.visit()
    page = carol.get("/log")
    older = re.search(r'rel="next" href="([^"]+)"', page.text)
    assert older
    first = re.findall(r"<tr>", page.text)
    assert len(first) == 51
    assert action in page.text
    after = carol.get(unescape(older[1]))
    assert len(re.findall(r"<tr>", after.text)) == 51
    assert "data-live" not in after.text.split("<main")[1].split(">")[0]


def test_an_order_that_waits_is_no_longer_offered(review: Review) -> None:
    """Between the click and the hand there is no second button to press."""
    _, action = review.cured()
    carol = review.visit()
    sent(carol, f"/log/{action}", f"/log/{action}/undo")
    order = review.gate.state.orders.of(action)
    assert order is not None
    assert order.state == ORDERED
    assert "Undo now" not in carol.get(f"/log/{action}").text


@pytest.mark.parametrize(
    ("state", "words", "offered"),
    [
        ("running", "carol is taking it back", False),
        ("failed", "what the last attempt came to. ScopeLocked", True),
    ],
)
def test_how_an_undo_goes_is_told(review: Review, state: str, words: str, *, offered: bool) -> None:
    """While Azure is at work nobody is asked to press again; what failed is said beside it."""
    _, action = review.cured()
    done = review.gate.state.journal.find(action)
    undo = done.having(State=state, UndoOf=action, Person="carol", Message="ScopeLocked")
    review.gate.state.store.put("actions", undo_id(done), "story", undo.value)
    page = review.visit().get(f"/log/{action}")
    assert words in text(page.text)
    assert ("Undo now" in page.text) is offered
