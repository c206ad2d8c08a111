"""What tests of several parts share: a clock that stands still, and an empty store by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.azurite import Azurite, missing
from tests.recorded import RECORDED

# A busy machine is no failure: time is measured in benchmarks, never here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def store(clock: VirtualClock) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(clock.now)
    yield made
    made.close()


@pytest.fixture(scope="session")
def azurite() -> Iterator[Azurite]:
    """One Azurite for all tests of this process; they keep apart by the names they use."""
    if why := missing():
        pytest.skip(f"no Azurite to keep state in: {why}")
    running = Azurite()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded Azure data, which no clone of the project holds."""
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded Azure data at {RECORDED}: PORTCULLIS_RECORDED names the folder")
    return RECORDED
