"""What lies below a management group: listed from ARM, remembered a while, refused in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest

from shared.errors import Refused, Transient, Why
from shared.hierarchy import Hierarchy
from shared.model import Resource, ResourceId
from shared.policy_scopes import MANAGEMENT_GROUPS, Below
from simulator.clock import VirtualClock
from simulator.faults import Fault
from tests.engine.world import US, World

ONE, TWO, THREE = (f"11111111-1111-4111-8111-11111111111{n}" for n in range(3))


@pytest.fixture
def world() -> World:
    """A group in a group, a subscription in each and one in neither."""
    made = World()
    made.load(*({"id": f"/subscriptions/{one}"} for one in (ONE, TWO, THREE)))
    parent = {"details": {"parent": {"id": f"{MANAGEMENT_GROUPS}/Top"}}}
    made.load(
        {"id": f"{MANAGEMENT_GROUPS}/Top"},
        {"id": f"{MANAGEMENT_GROUPS}/Leaf", "properties": parent},
        {"id": f"{MANAGEMENT_GROUPS}/Empty"},
        {"id": f"{MANAGEMENT_GROUPS}/Top/subscriptions/{ONE}"},
        {"id": f"{MANAGEMENT_GROUPS}/Leaf/subscriptions/{TWO}"},
    )
    return made


def listings(world: World) -> int:
    return sum(r.path.endswith("/descendants") for r in world.tenant.requests)


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_everything_below_at_any_depth_and_nothing_beside(world: World, size: int) -> None:
    """Over any number of pages; names and ids in lower case."""
    world.tenant.listing.page_size = size
    hierarchy = world.gate().hierarchy
    top, leaf = hierarchy.below("TOP"), hierarchy.below("leaf")
    assert top == Below(frozenset((ONE, TWO)), frozenset(["leaf"]))
    assert leaf == Below(frozenset([TWO]), frozenset())
    assert hierarchy.below("empty").subscriptions == frozenset()


def test_a_group_is_listed_once_in_ten_minutes(world: World) -> None:
    """However it is spelled; then what has moved meanwhile is seen."""
    hierarchy = world.gate().hierarchy
    for name in ("top", "TOP", "Top"):
        hierarchy.below(name)
    world.load({"id": f"{MANAGEMENT_GROUPS}/Top/subscriptions/{THREE}"})
    world.clock.advance(timedelta(minutes=10) - timedelta(seconds=1))
    assert THREE not in hierarchy.below("top").subscriptions
    assert listings(world) == 1
    world.clock.advance(timedelta(seconds=1))
    assert THREE in hierarchy.below("top").subscriptions
    assert listings(world) == 2


def test_a_refusal_names_the_group_and_stands_for_a_minute(world: World) -> None:
    world.tenant.refuse(US, "Microsoft.Management/managementGroups/descendants/read", "/")
    hierarchy = world.gate().hierarchy
    for _ in range(2):
        with pytest.raises(Refused, match="below management group Top cannot be listed: ") as told:
            hierarchy.below("Top")
        assert told.value.why is Why.FORBIDDEN
    assert listings(world) == 1
    world.tenant.gates.refusals.clear()
    world.clock.advance(timedelta(minutes=1))
    assert hierarchy.below("Top").groups == {"leaf"}


def test_a_group_that_is_none_is_not_an_empty_one(world: World) -> None:
    """A name with a mistake in it must not be taken for a group that covers nothing."""
    with pytest.raises(Refused, match="there is no such management group"):
        world.gate().hierarchy.below("tpo")


def test_a_passing_fault_is_not_remembered(world: World) -> None:
    world.tenant.faults.add(Fault(what="status", path="*/descendants", status=503))
    hierarchy = world.gate().hierarchy
    with pytest.raises(Transient):
        hierarchy.below("Top")
    assert hierarchy.below("Top").groups == {"leaf"}


class Listed:
    """A reader that lists the given ids."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = ids

    def get(self, resource_id: ResourceId, api_version: str | None = None) -> Resource | None:
        return Resource(id=resource_id, body={"version": api_version})

    def list(self, collection: str, api_version: str) -> Iterator[Resource]:
        for one in self._ids:
            yield Resource(id=ResourceId(one), body={"from": collection, "version": api_version})


def told(*ids: str) -> Hierarchy:
    return Hierarchy(Listed(ids), VirtualClock().now)


def test_a_subscription_is_known_by_either_of_its_ids() -> None:
    """By its own, and as the member of a group."""
    below = told(f"/subscriptions/{ONE}", f"{MANAGEMENT_GROUPS}/a/subscriptions/{TWO}").below("top")
    assert below == Below(frozenset((ONE, TWO)), frozenset())


@pytest.mark.parametrize("odd", ["/", "/tenants/x", "/providers/Microsoft.Management/other/x"])
def test_a_list_that_holds_something_else_is_not_believed(odd: str) -> None:
    """What is not understood may hide a subscription."""
    with pytest.raises(Refused, match="no group and no subscription"):
        told(f"/subscriptions/{ONE}", odd).below("top")
