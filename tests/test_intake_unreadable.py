"""Intake of what is no event: nothing rises, nothing vanishes, a person is told."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.azure import events
from shared.intake import Intake, Taken
from shared.model import ResourceId
from shared.state import State
from shared.store import Store
from simulator.clock import VirtualClock
from tests.engine.world import US
from tests.made import ACCOUNT, GROUP
from tests.test_intake import HINTED, UNREADABLE, WRITE, by, event, health, made


@pytest.fixture
def state(store: Store, clock: VirtualClock) -> State:
    return State.over(store, clock.now)


@pytest.fixture
def intake(state: State) -> Intake:
    return made(state)


@pytest.mark.parametrize(
    "payload",
    ["", "not json", "{", "7", '"text"', "null", b"\xff\xfe", "[1]", "{}", '{"subject": ""}',
     '{"subject": 5}', '{"subject": "/"}', "e30x", base64.b64encode(b"7").decode(),
     "[" * 100_000, "x" * (events.LARGEST + 1), json.dumps(event("/" + "x" * 100_000))],
)  # fmt: skip
def test_what_cannot_be_read_is_kept_and_reported(
    state: State, intake: Intake, payload: str | bytes
) -> None:
    """It is counted, its beginning is kept in the state, and a health record says where."""
    assert intake.take(payload) == UNREADABLE
    (record,) = health(state)
    assert (record["Entry"], record["Severity"]) == ("unreadable-event", "high")
    kept = state.store.get("unreadable", "unreadable", record["KeptAs"])
    assert kept is not None
    assert len(kept.value["text"]) <= 2000
    assert record["Message"] == kept.value["reason"] != ""


def test_the_same_rubbish_is_one_record(state: State, intake: Intake) -> None:
    """What comes again and again fills neither the log nor the state."""
    for _ in range(5):
        intake.take("rubbish")
    assert len(health(state)) == 1
    assert len(list(state.store.scan("unreadable"))) == 1


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from([ACCOUNT, GROUP, WRITE, "/\ud800", "\ud83d", US.object_id, "{", '{"a":1}']),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(
        st.sampled_from(
            ["subject", "data", "eventType", "type", "claims", "httpRequest", "authorization",
             "resourceUri", "scope", "evidence", "principalId", "correlationId",
             "clientRequestId", "operationName", "eventTime", "name", "odd"]
        ),
        inner,
        max_size=6,
    ),
    max_leaves=15,
)  # fmt: skip
fresh = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@fresh
@given(anything)
def test_any_json_is_accounted_for(intake: Intake, state: State, body: Any) -> None:
    """Whatever JSON arrives, nothing rises and nothing vanishes: each element has a fate."""
    for text in (json.dumps(body), base64.b64encode(json.dumps(body).encode()).decode()):
        taken = intake.take(text)
        fates = taken.hinted + taken.ours + taken.ignored + taken.unreadable
        assert fates == (len(body) if isinstance(body, list) else 1)


@fresh
@given(st.text() | st.binary())
def test_any_text_is_accounted_for(intake: Intake, payload: str | bytes) -> None:
    """The same for text and bytes of any kind."""
    taken = intake.take(payload)
    assert taken.hinted + taken.ours + taken.ignored + taken.unreadable in (0, 1)
    assert taken.unreadable or payload.strip() in ("[]", b"[]", "{}", b"{}") or taken == Taken()


@pytest.mark.parametrize("shape", ["%s", "[%s]", '{"data":%s}', '[{"subject":"/a/b","data":%s}]'])
def test_nesting_of_any_depth(intake: Intake, shape: str) -> None:
    """However deep JSON nests, around every limit of the parser too, it has a fate."""
    for depth in [*range(940, 1000), 2000, 20_000, 150_000]:
        text = shape % ("[" * depth + "1" + "]" * depth)
        taken = intake.take(text)
        assert sum((taken.hinted, taken.ours, taken.ignored, taken.unreadable)) == 1


def test_long_words_are_cut(state: State, intake: Intake) -> None:
    """A forged event does not fill the state: what is kept of an actor is short."""
    data = {**by("x" * 9000, "y" * 9000, "z" * 9000), "operationName": "o" * 9000}
    assert intake.take(json.dumps(event(**data))) == HINTED
    row = state.store.get("dirty", ResourceId(ACCOUNT).key, "marker")
    assert row is not None
    assert max(len(text) for text in row.value["actors"][0].values()) <= 300
