"""The score: a share of what is judged, that no closed finding lowers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.findings import Standing
from shared.model import Control, Severity
from shared.score import Part, Score, weigh
from tests.made import GROUP, control

NOW = datetime(2026, 3, 2, tzinfo=UTC)
ACCOUNTS, VAULTS = "microsoft.storage/storageaccounts", "microsoft.keyvault/vaults"
BY_TYPE: Mapping[str, Sequence[Control]] = {
    ACCOUNTS: [control("worst", Severity.CRITICAL), control("minor", Severity.LOW)],
    VAULTS: [control("grave", Severity.HIGH), control("middle", Severity.MEDIUM)],
}
IDS = [one.id for kind in BY_TYPE.values() for one in kind]


def standing(name: str = "worst", number: int = 0, **told: Any) -> Standing:
    kind = ACCOUNTS if name in ("worst", "minor") else VAULTS
    value = {
        "Control": name,
        "ResourceId": f"{GROUP}/providers/{kind}/r{number}",
        "Open": True,
        "State": "non-compliant",
        "Decision": None,
        "UndoneUntil": None,
    }
    return Standing({**value, **told})


def exempt(until: datetime | None) -> dict[str, Any]:
    return {"Decision": {"do": "exempt", "until": until.isoformat() if until else None}}


def weighed(accounts: int, vaults: int, *findings: Standing) -> Score:
    return weigh({ACCOUNTS: accounts, VAULTS: vaults}, BY_TYPE, findings, NOW)


def test_the_grave_weigh_more() -> None:
    """Of 2 accounts (8 and 1 each) and a vault (4 and 2), all that is critical on one is open."""
    score = weighed(2, 1, standing("worst"))
    assert score.value == 66.66
    assert (score.judged, score.held) == (6, 5)
    assert score.by_severity[Severity.CRITICAL] == Part(judged=2, held=1)
    assert weighed(2, 1, standing("minor")).value == 95.83


def test_what_is_whole_is_a_hundred_and_nothing_else_is() -> None:
    assert weighed(3, 3).value == 100
    almost = weighed(1_000_000, 0, standing("minor")).value
    assert almost is not None
    assert almost < 100


def test_nothing_judged_is_no_score() -> None:
    """Not zero, and not a hundred."""
    assert weighed(0, 0).value is None
    assert weighed(0, 0).by_severity == {}


@pytest.mark.parametrize(
    "told",
    [
        {"State": "unknown"},
        exempt(None),
        exempt(NOW + timedelta(days=1)),
        {"UndoneUntil": (NOW + timedelta(seconds=1)).isoformat()},
    ],
)
def test_unknown_and_exempt_count_neither_way(told: dict[str, Any]) -> None:
    """They are no longer judged: what is left is as if there were one account less."""
    score = weighed(2, 0, standing("worst", **told), standing("minor", **told))
    assert score == weighed(1, 0)


@pytest.mark.parametrize(
    "told",
    [
        exempt(NOW),
        {"UndoneUntil": NOW.isoformat()},
        {"Decision": {"do": "report", "until": None}},
    ],
)
def test_an_exemption_that_ended_counts_no_more(told: dict[str, Any]) -> None:
    assert weighed(2, 0, standing("worst", **told)) == weighed(2, 0, standing("worst"))


def test_controls_that_are_no_more_count_nowhere() -> None:
    assert weighed(1, 1, standing("gone")) == weighed(1, 1)


def test_what_no_sweep_has_counted_yet_is_judged_where_it_is_violated() -> None:
    """A resource that is new since: the violation counts, whatever was counted."""
    score = weighed(0, 1, standing("worst"))
    assert score.by_severity[Severity.CRITICAL] == Part(judged=1, held=0)


FINDINGS = st.lists(
    st.tuples(
        st.sampled_from(IDS),
        st.booleans(),
        st.sampled_from(["non-compliant", "unknown"]),
        st.sampled_from([{}, exempt(None), exempt(NOW - timedelta(days=1))]),
    ),
    max_size=30,
)


@given(st.integers(0, 20), st.integers(0, 20), FINDINGS)
def test_between_nothing_and_all_and_no_closing_lowers_it(
    accounts: int, vaults: int, given_findings: list[tuple[str, bool, str, dict[str, Any]]]
) -> None:
    """Whatever is counted and found, also where the two do not fit each other."""
    findings = [
        standing(name, number, Open=is_open, State=state, **told)
        for number, (name, is_open, state, told) in enumerate(given_findings)
    ]
    score = weighed(accounts, vaults, *findings)
    assert score.value is None or 0 <= score.value <= 100
    assert 0 <= score.held <= score.judged
    for at, one in enumerate(findings):
        closed = replace(one, value={**one.value, "Open": False})
        after = weighed(accounts, vaults, *findings[:at], closed, *findings[at + 1 :])
        if score.value is not None and after.value is not None:
            assert after.value >= score.value
        # What was nothing but violated is judged no more once it has closed.
        assert after.value is not None or score.value in (0, None)
