"""Clocks."""

from datetime import UTC, datetime, timedelta

import pytest

from simulator.clock import VirtualClock, WallClock


def test_a_virtual_clock_moves_only_when_told() -> None:
    clock = VirtualClock()
    before = clock.now()
    assert clock.now() == before == datetime(2026, 3, 2, 6, tzinfo=UTC)
    clock.advance(timedelta(days=1, seconds=2))
    assert clock.now() - before == timedelta(days=1, seconds=2)


def test_time_never_runs_back() -> None:
    with pytest.raises(ValueError, match="forward"):
        VirtualClock().advance(timedelta(seconds=-1))


def test_a_clock_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="aware"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


def test_the_wall_clock_is_in_utc() -> None:
    assert WallClock().now().tzinfo is UTC
