"""What queries answer, asked of the records of a morning as they lie in the tables.

Azure's engine cannot be had here: `Kusto.run` stands for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import pytest

from docs.example import CAROL, played
from infra import pack
from infra.workbook import CHOICES
from shared.azure.logs import STREAMS, row
from shared.outbox import Record
from simulator import contoso
from tests.infra.conftest import deployed
from tests.kusto import Kusto, NotKnown

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SOON = timedelta(minutes=2)
ALICE = "alice@contoso.example"
BLOBS, VAULTS = "storage-public-blob-access", "keyvault-network-default-allow"
QUERIES = {name: query.text for name, query in pack.read().items()}
Records = Mapping[str, list[Record]]
Rows = list[Mapping[str, Any]]


def happened(record: Record) -> datetime:
    return datetime.fromisoformat(record["OccurredAt"])


def apart(records: Iterable[Record]) -> list[Record]:
    """The same records, each a millisecond after the one before, as clocks in Azure tell them."""
    steps = ((timedelta(milliseconds=at), one) for at, one in enumerate(records))
    return [{**one, "OccurredAt": (happened(one) + step).isoformat()} for step, one in steps]


def sent(records: Records, after: timedelta = SOON) -> dict[str, Rows]:
    """The rows of the records, by table, each sent so long after it happened."""
    return {
        STREAMS[name].table: [
            row(STREAMS[name], one, (happened(one) + after).isoformat()) for one in found
        ]
        for name, found in records.items()
    }


def chosen(name: str, **choices: str) -> str:
    """A query with `choices` where it leaves something open."""
    text = QUERIES[name]
    for word, value in choices.items():
        (line,) = (line for line in CHOICES if line.split()[1] == word)
        text = text.replace(line, f"let {word} = {value};")
    return text


class Asked(Protocol):
    """Asks one query of rows, with choices where it leaves something open."""

    def __call__(
        self, name: str, rows: Mapping[str, Rows], now: datetime = NOON, **choices: str
    ) -> Rows: ...


@pytest.fixture
def asked(kusto: Kusto) -> Asked:
    def answer(name: str, rows: Mapping[str, Rows], now: datetime = NOON, **choices: str) -> Rows:
        return kusto.run(deployed(), rows, now, {name: chosen(name, **choices)})[name]

    return answer


@pytest.fixture(scope="module")
def records() -> dict[str, list[Record]]:
    return {name: apart(found) for name, found in played().items()}


@pytest.fixture(scope="module")
def rows(records: Records) -> dict[str, Rows]:
    return sent(records)


@pytest.fixture(scope="module")
def answers(kusto: Kusto, rows: Mapping[str, Rows]) -> dict[str, Rows]:
    """What every query answers at noon, of all subscriptions and controls."""
    return kusto.run(deployed(), rows, NOON, QUERIES)


def last(records: Iterable[Record]) -> list[Record]:
    """The last word on each finding."""
    return list({(r["Control"], r["ResourceId"].lower()): r for r in records}.values())


def test_records_that_came_twice_are_counted_once(
    kusto: Kusto, records: Records, rows: Mapping[str, Rows], answers: dict[str, Rows]
) -> None:
    """Everything sent again an hour later changes no answer."""
    again = sent(records, SOON + timedelta(hours=1))
    doubled = {table: [*found, *again[table]] for table, found in rows.items()}
    said = kusto.run(deployed(), doubled, NOON, QUERIES)
    for name, found in answers.items():
        same = [{k: v for k, v in one.items() if k != "TimeGenerated"} for one in found]
        assert [
            {k: v for k, v in one.items() if k != "TimeGenerated"} for one in said[name]
        ] == same, name


def test_what_was_remediated(answers: dict[str, Rows]) -> None:
    """Each value with what it was and is, who caused it, what ordered it, and the way back."""
    found = answers["remediations/remediated"]
    blob = "/properties/allowBlobPublicAccess"
    assert [
        (one["Controls"], one["CausedBy"], one["OrderedBy"], one["Value"].partition("#")[2])
        for one in found
    ] == [
        (BLOBS, ALICE, "policy.yaml:4 $.rules[0]", blob),
        (VAULTS, ALICE, CAROL, "/properties/networkAcls"),
        (BLOBS, ALICE, "policy.yaml:4 $.rules[0]", blob),
    ]
    assert [(found[0]["Before"], found[0]["After"])] == [("true", "false")]
    assert '"defaultAction":"Deny"' in found[1]["After"]
    assert all(one["UndoCommand"] == f"portcullis undo {one['ActionId']}" for one in found)


def test_numbers(answers: dict[str, Rows]) -> None:
    assert {one["Metric"]: one["Value"] for one in answers["overview/numbers"]} == {
        "Remediated": 3,
        "Asked, and waiting still": 0,
        "Failed": 1,
        "Contested": 1,
        "Minutes to remediate, median": 0,
    }


def test_times_to_remediate_begin_with_the_finding_or_the_change(
    asked: Asked, records: Records
) -> None:
    """Half an hour from the finding, of which the event came a minute late."""
    cures = [
        {**one, "ClosedAt": (happened(one) + timedelta(minutes=30)).isoformat()}
        for one in records["findings"]
        if one["Transition"] == "closed-cured"
    ]
    found = asked("remediations/time-to-remediate", sent({"findings": cures}))
    assert [(one["Control"], one["Cured"], one["MedianMinutes"]) for one in found] == [
        (BLOBS, 2, 30),
        (VAULTS, 1, 30),
    ]
    assert [one["MedianMinutesFromChange"] for one in found] == [31, 31]


def test_who_causes_findings(records: Records, answers: dict[str, Rows]) -> None:
    opened = [r for r in records["findings"] if r["Transition"] == "opened"]
    alice = [r for r in opened if any(actor["name"] == ALICE for actor in r["Actors"])]
    first = answers["overview/top-causers"][0]
    assert (first["Causer"], first["Findings"]) == (ALICE, len(alice))
    assert first["Resources"] == len({r["ResourceId"].lower() for r in alice})


def test_what_is_open_is_what_was_said_last(records: Records, answers: dict[str, Rows]) -> None:
    wanted = [r for r in last(records["findings"]) if r["Open"] and r["State"] == "non-compliant"]
    found = answers["findings/open"]
    keys = {(one["Control"], one["ResourceId"]): one["Decision"] for one in found}
    assert len(found) == len(wanted) > 5
    assert keys == {(r["Control"], r["ResourceId"]): r["Decision"]["do"] for r in wanted}
    assert found[0]["Severity"] == "critical"


def test_what_could_not_be_judged(asked: Asked, records: Records) -> None:
    """The last word counts: what is known again is not unknown."""
    first, second = records["findings"][:2]
    blind = {"Open": True, "State": "unknown", "Reason": "no right to read it"}
    later = [
        {**one, **blind, "Transition": "unknown", "EventId": one["Control"]}
        for one in (first, second)
    ]
    again = {**first, "EventId": "again"}
    found = asked("findings/unknown", sent({"findings": apart([first, second, *later, again])}))
    assert [(one["Control"], one["Reason"]) for one in found] == [
        (second["Control"], "no right to read it")
    ]


def test_undos_and_the_exemptions_they_leave(answers: dict[str, Rows]) -> None:
    (undone,) = answers["remediations/undone"]
    (exempt,) = answers["findings/exempt-by-undo"]
    assert (undone["Person"], exempt["UndoneBy"]) == (CAROL, CAROL)
    assert undone["ResourceId"] == exempt["ResourceId"] == contoso.WEBSITE
    assert exempt["DaysLeft"] == pytest.approx(6.8)


def test_an_exemption_that_ended_is_gone(asked: Asked, rows: Mapping[str, Rows]) -> None:
    assert asked("findings/exempt-by-undo", rows, NOON + timedelta(days=8)) == []


def test_refused_writes(answers: dict[str, Rows]) -> None:
    (failed,) = answers["remediations/failed"]
    assert (failed["Entry"], failed["Refusal"]) == ("failed", "locked")
    assert failed["ResourceId"] == contoso.BACKUPS
    assert "ScopeLocked" in failed["Reason"]


def test_contested(answers: dict[str, Rows]) -> None:
    (most,) = answers["overview/most-contested"]
    assert (most["Control"], most["Times"], most["UndoneBy"]) == (BLOBS, 1, ALICE)
    assert [one["ResourceId"] for one in answers["alerts/contested"]] == [contoso.ASSETS]


def test_approvals_and_their_answers(
    asked: Asked, records: Records, answers: dict[str, Rows]
) -> None:
    """An answer ends the waiting; before it, and when it is asked anew, the plan waits."""
    (one,) = answers["approvals/asked"]
    assert (one["Answer"], one["AnsweredBy"]) == ("approved", CAROL)
    assert answers["approvals/waiting"] == []
    assert answers["approvals/by-person"][0]["Approved"] == 1
    (question,) = [r for r in records["actions"] if r["Entry"] == "asked"]
    anew = {**question, "EventId": "anew", "OccurredAt": "2026-03-02T07:00:00+00:00"}
    more = sent({"actions": [*records["actions"], anew]})
    assert [a["Answer"] for a in asked("approvals/asked", more)] == ["waiting", "approved"]
    (waits,) = asked("approvals/waiting", more)
    assert waits["WaitingHours"] == 5
    assert waits["ApproveCommand"] == f"portcullis approve {question['PlanId']}"
    assert len(asked("alerts/approvals-waiting", more)) == 1
    assert asked("alerts/approvals-waiting", more, NOON - timedelta(hours=2)) == []


def test_the_first_answer_after_a_question_is_its_answer(asked: Asked, records: Records) -> None:
    """A plan that is asked anew and goes stale leaves the earlier answer as it was."""
    (question,) = [r for r in records["actions"] if r["Entry"] == "asked"]
    more = [
        {
            **question,
            "EventId": entry,
            "Entry": entry,
            "OccurredAt": f"2026-03-02T0{at}:00:00+00:00",
        }
        for entry, at in {"asked": 7, "stale": 8}.items()
    ]
    found = asked("approvals/asked", sent({"actions": [*records["actions"], *more]}))
    assert [one["Answer"] for one in found] == ["stale", "approved"]
    assert found[0]["WaitedMinutes"] == 60


def test_what_held_cures_back(asked: Asked, records: Records) -> None:
    (question,) = [r for r in records["actions"] if r["Entry"] == "asked"]
    held = {"Entry": "limit-reached", "Message": "10 writes an hour", "EventId": "held"}
    more = sent({"actions": [*records["actions"], {**question, **held}]})
    (back,) = asked("remediations/held-back", more)
    assert (back["Entry"], back["Control"], back["Times"]) == ("limit-reached", VAULTS, 1)
    (limit,) = asked("remediations/limit-reached", more)
    assert (limit["Limit"], limit["CausedBy"]) == ("10 writes an hour", ALICE)
    assert len(asked("alerts/limit-reached", more)) == 1


def test_stops_and_how_long_they_held(asked: Asked) -> None:
    """A stop that nobody lifted holds until now."""
    at = [("suspended", 6, "incident 17"), ("resumed", 8, ""), ("suspended", 11, "again")]
    told = [
        {
            "EventId": str(hour),
            "OccurredAt": f"2026-03-02T{hour:02}:00:00+00:00",
            "Entry": entry,
            "ResourceId": "/",
            "Person": CAROL,
            "Message": why,
        }
        for entry, hour, why in at
    ]
    found = asked("remediations/suspensions", sent({"actions": told}))
    assert [(one["Reason"], one["Hours"], one["ResumedBy"]) for one in found] == [
        ("again", 1, ""),
        ("incident 17", 2, CAROL),
    ]


def test_the_story_of_a_resource_is_whole(
    asked: Asked, answers: dict[str, Rows], rows: Mapping[str, Rows]
) -> None:
    """Its id counts without case; what has no resource is no story."""
    assert answers["story/resource"] == []
    found = asked("story/resource", rows, resource=f'"{contoso.WEBSITE.upper()}"')
    whole = [one["What"] for one in found if BLOBS in one["Controls"]]
    cure = ["opened", "decided-remediate", "closed-cured"]
    assert [what for what in whole if what in cure][:3] == cure
    assert {"intent", "remediated", "undone", "exempted-by-undo"} <= set(whole)
    assert [one["OccurredAt"] for one in found] == sorted(one["OccurredAt"] for one in found)


def test_the_story_of_an_action_begins_with_its_question(
    asked: Asked, rows: Mapping[str, Rows]
) -> None:
    (cure,) = [one for one in asked("remediations/remediated", rows) if one["OrderedBy"] == CAROL]
    found = asked("story/action", rows, action=f'"{cure["ActionId"][:6]}"')
    assert [one["Entry"] for one in found] == ["asked", "approved", "intent", "remediated"]


def test_the_story_of_an_action_tells_how_it_was_undone(
    asked: Asked, rows: Mapping[str, Rows]
) -> None:
    (undone,) = asked("remediations/undone", rows)
    found = asked("story/action", rows, action=f'"{undone["ActionTakenBack"]}"')
    assert [one["Entry"] for one in found] == ["intent", "remediated", "intent", "undone"]


def test_choices_are_obeyed(
    kusto: Kusto, rows: Mapping[str, Rows], answers: dict[str, Rows]
) -> None:
    """The one subscription there is, chosen, is all there is; another has nothing."""
    subscription = contoso.SUBSCRIPTION.rpartition("/")[2]
    mine, other = f'dynamic(["{subscription}"])', 'dynamic(["another"])'
    names = [name for name, text in QUERIES.items() if "only_controls" in text]
    queries = {name: chosen(name, only_subscriptions=mine) for name in names}
    queries |= {f"{name} there": chosen(name, only_subscriptions=other) for name in names}
    queries |= {f"{name} of it": chosen(name, only_controls=other) for name in names}
    found = kusto.run(deployed(), rows, NOON, queries)
    for name in names:
        assert found[name] == answers[name]
        for none in (found[f"{name} there"], found[f"{name} of it"]):
            assert not any(one.get("Value", "something") for one in none), name


def test_a_chosen_control_leaves_the_others_out(asked: Asked, rows: Mapping[str, Rows]) -> None:
    vaults = f'dynamic(["{VAULTS}"])'
    found = asked("remediations/remediated", rows, only_controls=vaults)
    assert [one["Controls"] for one in found] == [VAULTS]
    numbers = asked("overview/numbers", rows, only_controls=vaults)
    assert [one["Value"] for one in numbers[:4]] == [1, 0, 0, 0]


def test_health(answers: dict[str, Rows]) -> None:
    (unknown,) = answers["health/unknown-own-writes"]
    assert unknown["ResourceId"].lower() == contoso.SHARES[0].lower()
    assert unknown["Operation"] == "Microsoft.Storage/storageAccounts/write"
    (kept,) = answers["health/kept-messages"]
    assert (kept["Entry"], kept["Messages"]) == ("unreadable-event", 1)
    assert len(answers["alerts/unknown-own-write"]) == 1
    assert answers["alerts/critical-health"] == []
    assert [one["Entry"] for one in answers["alerts/high-health"]] == ["unreadable-event"]


def canary(entry: str, minutes: int, **more: str) -> Record:
    """A word of the gate on canaries, so many minutes before noon."""
    at = (NOON - timedelta(minutes=minutes)).isoformat()
    told = {"Entry": entry, "Severity": "low", "Message": "", "ResourceId": "/subscriptions/a"}
    return {"EventId": f"{entry} {minutes}", "OccurredAt": at, **told, **more}


def test_a_canary_is_lost_until_it_is_back(asked: Asked) -> None:
    """By subscription, whatever is said twice or in another order."""
    lost = canary("canary-lost", 90)
    other = canary("canary-lost", 80, ResourceId="/subscriptions/b")
    back = canary("canary-returned", 30)
    said = asked("alerts/canary-lost", sent({"health": [back, lost, other, lost]}))
    assert [one["ResourceId"] for one in said] == ["/subscriptions/b"]
    again = canary("canary-lost", 10)
    said = asked("alerts/canary-lost", sent({"health": [again, lost, back]}))
    assert [one["ResourceId"] for one in said] == ["/subscriptions/a"]


def test_who_looks_no_more_whether_canaries_come_is_noticed(asked: Asked) -> None:
    """Nothing is said where canaries were never wanted."""
    assert asked("alerts/canary-silent", {}) == []
    said = [canary("canaries", minutes) for minutes in (200, 140, 80)]
    assert asked("alerts/canary-silent", sent({"health": said})) == []
    assert len(asked("alerts/canary-silent", sent({"health": said[:2]}))) == 1


def test_sweeps_and_what_they_do_not_see(
    asked: Asked, records: Records, answers: dict[str, Rows]
) -> None:
    (sweep,) = records["sweeps"]
    assert [one["Seen"] for one in answers["health/coverage"]] == [sweep["Seen"]]
    assert answers["health/unseen"] == []
    blind = {**sweep, "UnseenScopes": ["/subscriptions/a"], "UnwatchedSubscriptions": ["b", "c"]}
    found = asked("health/unseen", sent({"sweeps": [blind]}))
    assert [(one["How"], one["Scope"]) for one in found] == [
        ("unseen", "/subscriptions/a"),
        ("unwatched", "b"),
        ("unwatched", "c"),
    ]


SILENCE = ("alerts/nothing-arrives", "alerts/no-sweep", "alerts/no-full-sweep")


@pytest.mark.parametrize("name", SILENCE)
def test_silence_is_a_row(asked: Asked, name: str, answers: dict[str, Rows]) -> None:
    """Where there is nothing an alert has something to count; where there is, nothing."""
    assert len(asked(name, {})) == 1
    assert answers[name] == []


def test_a_sweep_that_failed_is_no_sweep_but_a_sign_of_life(asked: Asked, records: Records) -> None:
    (sweep,) = records["sweeps"]
    failed = sent({"sweeps": [{**sweep, "Failed": "Azure is away"}]})
    found = {name: len(asked(name, failed)) for name in (*SILENCE, "alerts/sweep-failed")}
    assert list(found.values()) == [0, 1, 1, 1]


def test_any_record_is_a_sign_of_life(asked: Asked, rows: Mapping[str, Rows]) -> None:
    for table, found in rows.items():
        assert asked("alerts/nothing-arrives", {table: found}) == [], table


@pytest.mark.parametrize(
    ("stream", "name"), [("sweeps", "late-sweeps"), ("actions", "late-actions")]
)
def test_late_records_are_those_whose_first_row_was_late(
    asked: Asked, records: Records, stream: str, name: str
) -> None:
    """A record that was sent in time and once more later is not late."""
    one = records[stream][0]
    late, now = sent({stream: [one]}, timedelta(hours=5)), happened(one) + timedelta(hours=5.5)
    (found,) = asked(f"alerts/{name}", late, now)
    assert found["Hours"] == 5
    table = STREAMS[stream].table
    both = {table: [*late[table], *sent({stream: [one]})[table]]}
    assert asked(f"alerts/{name}", both, now) == []
    assert asked(f"alerts/{name}", late, now + timedelta(hours=2)) == []


def test_what_our_kusto_does_not_know_it_refuses(kusto: Kusto) -> None:
    """No query passes by accident."""
    with pytest.raises(NotKnown, match=re.escape("not known here")):
        kusto.run(deployed(), {}, NOON, {"x": "PortcullisSweeps_CL | sample 3"})
