"""The process that hosts the app: how it starts, and how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from shared.hints import ACT
from shared.store.embedded import EmbeddedStore
from simulator.contoso import HAND
from simulator.processes import ROOT, AppProcess, Ended
from simulator.server import serve
from tests.apps.conftest import Watched, hint, now, until
from tests.engine.world import GROUP, storage


@pytest.fixture
def own(tmp_path: Path) -> dict[str, str]:
    """An app that keeps its state in a file, with an Azure that nobody answers for."""
    return {
        "PORTCULLIS_APP": "hand",
        "PORTCULLIS_STATE": str(tmp_path / "state.db"),
        "PORTCULLIS_ARM_ENDPOINT": "https://127.0.0.1:1",
        "IDENTITY_ENDPOINT": "https://127.0.0.1:1/msi/token",
        "IDENTITY_HEADER": "none",
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddedStore]:
    made = EmbeddedStore(now, tmp_path / "state.db")
    yield made
    made.close()


def test_a_setting_that_cannot_be_used_is_one_line(own: dict[str, str]) -> None:
    """The app does not start, and says which setting."""
    said: list[str] = []
    process = AppProcess({**own, "PORTCULLIS_APP": "door"}, said.append)
    with pytest.raises(Ended):
        process.ready()
    assert process.code == 1
    assert said == ["door cannot start: PORTCULLIS_APP is 'door': gate, hand or all"]


def test_state_that_cannot_be_opened_is_one_line(own: dict[str, str], tmp_path: Path) -> None:
    """The app does not start, and says where its state should be."""
    (tmp_path / "file").write_text("no database, and no folder")
    said: list[str] = []
    process = AppProcess({**own, "PORTCULLIS_STATE": str(tmp_path / "file")}, said.append)
    with pytest.raises(Ended):
        process.ready()
    (line,) = said
    assert line.startswith(f"hand cannot start: state in {tmp_path / 'file'}: ")


def test_work_that_takes_too_long_is_left_to_the_queue(
    own: dict[str, str], store: EmbeddedStore, tmp_path: Path
) -> None:
    """Told to stop as it waits for Azure, the app ends; its message and the next come again."""
    tenant, said = Watched(rbac=False), list[str]()
    tenant.load({"id": GROUP, "location": "westeurope"})
    account = tenant.load(storage(allowBlobPublicAccess=True))
    tenant.stuck = (HAND, "GET", "before")
    for _ in range(2):
        store.send(ACT, hint(account))
    with serve(tenant, identity=HAND, folder=tmp_path) as door:
        process = AppProcess({**own, **door.environment}, said.append)
        until(lambda: tenant.arrived, lambda: f"the read did not come: {said}")
        assert process.stop() == 0
    assert said == ["hand: what is not finished is left to the queue"]
    assert store.waiting(ACT) == 2
    assert store.receive(ACT, 8, timedelta(minutes=1)) == []


def test_it_ends_with_who_started_it(own: dict[str, str]) -> None:
    """Where the one who started it is killed, it is not left behind."""
    start = (
        "from simulator.processes import AppProcess;"
        f"print(AppProcess({ {**own, 'PORTCULLIS_APP': 'gate'}!r}, print).ready(), flush=True);"
        "input()"
    )
    with subprocess.Popen(  # noqa: S603  our own script
        [sys.executable, "-c", start],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        url = starter.stdout.readline().strip()
        assert answers(url)
        starter.kill()
    until(lambda: not answers(url), lambda: f"{url} still answers")


def answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health", timeout=30).ok
    except requests.ConnectionError:
        return False
