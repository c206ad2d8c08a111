"""What tests of several parts share: a still clock, an empty store by it, the app's module."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.azurite import Azurite, missing
from tests.recorded import RECORDED

# A busy machine is no failure: time is measured in benchmarks, never here.
settings.register_profile("here", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("here")

ROOT = Path(__file__).parents[1]


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def store(clock: VirtualClock) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(clock.now)
    yield made
    made.close()


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], ModuleType]:
    """The app's module, fresh, as a process with that `PORTCULLIS_APP` imports it."""

    def fresh(app: str) -> ModuleType:
        monkeypatch.setenv("PORTCULLIS_APP", app)
        spec = importlib.util.spec_from_file_location(f"app_{app}", ROOT / "function_app.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return fresh


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
