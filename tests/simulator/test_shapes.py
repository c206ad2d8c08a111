"""The shape of a body: keys and kinds, whatever the values."""

from typing import Any

import pytest

from tests.simulator.shapes import shape


def test_values_do_not_matter() -> None:
    assert shape({"a": 1, "b": ["x"], "c": {"d": True}}) == shape(
        {"c": {"d": False}, "b": ["y", "z"], "a": 2.5}
    )


@pytest.mark.parametrize("other", [{"a": "1"}, {"a": None}, {"a": [1]}, {"a": {}}, {}, None])
def test_kinds_and_keys_do(other: Any) -> None:
    assert shape({"a": 1}) != shape(other)


def test_true_is_no_number() -> None:
    assert shape({"a": True}) != shape({"a": 1})


def test_elements_of_a_list_are_seen_together() -> None:
    both = {"a": [{"x": 1, "y": "s"}]}
    assert shape({"a": [{"x": 1}, {"y": "s"}]}) == shape(both)
    assert shape({"a": [{"x": 1}]}) != shape(both)
    assert shape({"a": []}) != shape(both)


def test_what_the_server_computes_is_left_out_with_all_below() -> None:
    shown = {"name": "n", "systemData": {"createdBy": "alice"}, "etag": "1"}
    assert shape(shown) == shape({"name": "n"})
