"""The API under whatever its description allows, and what it does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from starlette.requests import Request
from starlette.responses import Response

from console.entrance import Entrance, Person, Role, Shut
from console.safety import Guarded
from tests.console.serving import served
from tests.console.world import HOME, Door, Review

PROFILE = settings(deadline=None, suppress_health_check=list(HealthCheck))


class Nobody(Entrance):
    """Nobody has proven anything."""

    def arrive(self, request: Request) -> Response | None:
        del request
        return None

    def person(self, request: Request) -> Person:
        raise Shut(401, "Sign in first.")


def inside() -> Guarded:
    """The console over a gate with a log, a plan and findings, for a person with every role."""
    review = Review()
    review.waiting(name="one")
    review.gate.people.suspend("dave", "drill")
    review.gate.people.resume("dave")
    person = Person(name="carol", id="carol", roles=frozenset(Role), by_header=True)
    return Guarded(review.pages, Door(person), frozenset({HOME}))


@pytest.fixture(scope="module")
def api() -> Iterator[schemathesis.BaseSchema]:
    with served(inside()) as port:
        yield schemathesis.openapi.from_url(f"http://127.0.0.1:{port}/api/openapi.json")


@pytest.fixture(scope="module")
def shut() -> Iterator[str]:
    """The same console's address, where nobody can prove anything."""
    with served(Guarded(_unreachable, Nobody(), frozenset({HOME}))) as port:
        yield f"http://127.0.0.1:{port}"


def each(schema: schemathesis.BaseSchema, examples: int, check: Callable[[Any], None]) -> int:
    """Check many requests to every operation; how many operations there are."""
    operations = [found.ok() for found in schema.get_all_operations()]  # type: ignore[union-attr]
    for operation in operations:
        tried = given(operation.as_strategy())(check)
        settings(PROFILE, max_examples=examples)(tried)()
    return len(operations)


def test_nothing_breaks_it(api: schemathesis.BaseSchema) -> None:
    """Valid or not, every request gets an answer that the description knows; never a fault."""

    def sound(case: Any) -> None:
        case.call_and_validate()

    assert each(api, 25, sound) >= 15


def test_nobody_gets_anything_without_a_role(api: schemathesis.BaseSchema, shut: str) -> None:
    """The same requests of somebody unproven are refused before anything hears of them."""

    def refused(case: Any) -> None:
        answer = case.call(base_url=shut)
        assert answer.status_code == 401
        assert set(answer.json()) == {"type", "title", "status", "detail"}

    each(api, 5, refused)


async def _unreachable(*_: object) -> None:
    raise AssertionError("a request got past the entrance")
