"""A worker for each of the three apps, started at the first test that wants it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from infra.package import unpack
from shared.settings import App
from tests.worker.interpreter import Missing, worker_python
from tests.worker.worker import Stage, staged

Stages = Callable[[App], Stage]


@pytest.fixture(scope="session")
def python() -> Path:
    try:
        return worker_python()
    except Missing as missing:
        pytest.skip(f"azure-functions-runtime does not run here: {missing}")


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed, unpacked: the app runs from there."""
    return unpack(tmp_path_factory.mktemp("package"))


@pytest.fixture(scope="session")
def stages(
    python: Path, package: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stages]:
    """Tests of one app share its worker; each uses a resource of its own."""
    with ExitStack() as running:

        @cache
        def stage(app: App) -> Stage:
            kept = tmp_path_factory.mktemp(app.value)
            return running.enter_context(staged(python, package, app, kept))

        yield stage


@pytest.fixture
def gate(stages: Stages) -> Stage:
    return stages(App.GATE)


@pytest.fixture
def hand(stages: Stages) -> Stage:
    return stages(App.HAND)


@pytest.fixture
def both(stages: Stages) -> Stage:
    return stages(App.ALL)
