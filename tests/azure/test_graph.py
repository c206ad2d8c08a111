"""Pages of Resource Graph: what a broken one is never taken for."""

from __future__ import annotations

from typing import Any

import pytest

from shared.azure.graph import Index
from shared.errors import Refused
from simulator.clock import VirtualClock
from tests.made import ACCOUNT


def asked(*answers: dict[str, Any]) -> Index:
    """Answers in their order, the last of them for ever."""
    left = list(answers)
    clock = VirtualClock()
    return Index(lambda *_: (left.pop(0) if len(left) > 1 else left[0], {}), clock.now, clock.pause)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"error": {"code": "X"}},
        {"data": None},
        {"data": {"columns": [], "rows": []}},
        {"data": [{"id": ACCOUNT}, None]},
        {"data": [{"id": 7}]},
        {"data": [], "resultTruncated": "true"},
    ],
)
def test_a_page_of_something_else_is_refused(answer: dict[str, Any]) -> None:
    """A sweep over it does not end as if all had been seen."""
    with pytest.raises(Refused, match="Resource Graph"):
        [page.resources for page in asked(answer).pages("resources")]


def test_pages_that_go_in_a_circle_are_refused() -> None:
    """A token that was had before leads nowhere new."""
    rows = [{"id": ACCOUNT}]
    first, second = ({"data": rows, "$skipToken": token} for token in "ab")
    with pytest.raises(Refused, match="do not end"):
        list(asked(first, second, first).pages("resources"))
    assert len(list(asked(first, second, {"data": []}).pages("resources"))) == 3
