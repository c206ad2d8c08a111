"""What tests of several parts share: a clock that stands still, and an empty store by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.recorded import RECORDED


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def store(clock: VirtualClock) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(clock.now)
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded Azure data, which no clone of the project holds."""
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded Azure data at {RECORDED}: PORTCULLIS_RECORDED names the folder")
    return RECORDED
