"""`make up`: the tenant and both apps, from the start to Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from rich.console import Console

from simulator.clock import WallClock
from simulator.processes import ROOT
from simulator.tenant import Tenant
from simulator.up import STORES, Up
from tests.apps.conftest import until
from tests.azurite import missing


@contextmanager
def command(folder: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """A process that is ended at the latest with the block."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PORTCULLIS_")}
    own = {"PYTHONPATH": str(ROOT), "PORTCULLIS_POLICY": str(ROOT / "policy.yaml")}
    with subprocess.Popen(  # noqa: S603  our own modules
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**kept, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def answers(url: str) -> Any:
    try:
        return requests.get(f"{url}/health", timeout=30).json()
    except requests.ConnectionError:
        return None


def enters(note: Path, told: dict[str, Any]) -> str:
    """Visit the console by the address that stands in the file; the token of the next visit."""
    url, browser, token = told["console"], requests.Session(), told["token"]
    assert note.stat().st_mode & 0o777 == 0o600
    assert requests.get(f"{url}/", timeout=30).status_code == 401
    entered = browser.get(f"{url}/", params={"token": token}, timeout=30)
    assert [urlsplit(one.url).path for one in (*entered.history, entered)] == ["/", "/", "/log"]
    assert entered.status_code == 200
    again = requests.get(f"{url}/", params={"token": token}, timeout=30)
    assert (again.status_code, "used already" in again.text) == (401, True)
    rebound = requests.get(f"{url}/", headers={"Host": "rebound.example"}, timeout=30)
    assert rebound.status_code == 403

    def newest() -> str:
        return str(json.loads(note.read_text("utf-8"))["token"])

    until(lambda: newest() != token, lambda: "no new way in was told")
    other = requests.get(f"{url}/", params={"token": newest()}, timeout=30)
    assert other.status_code == 200
    return newest()


@pytest.mark.parametrize("store", STORES)
def test_up_and_down(tmp_path: Path, store: str) -> None:
    """It answers, `portcullis` finds it, another is refused, and Ctrl-C leaves nothing behind."""
    if store == "azurite" and (why := missing()):
        pytest.skip(f"no Azurite to keep state in: {why}")
    note = tmp_path / ".portcullis" / "up.json"
    with command(tmp_path, "simulator.up", store) as up:
        until(lambda: note.exists() or up.poll() is not None, lambda: "up.json did not come")
        told = json.loads(note.read_text("utf-8"))
        assert answers(told["console"]) == {"status": "ok", "app": "gate", "reasons": []}
        newer = enters(note, told)
        with command(tmp_path, "simulator.up", store) as second:
            said, _ = second.communicate(timeout=60)
        assert (second.returncode, "runs already" in said) == (1, True)
        with command(tmp_path, "portcullis", "sweep") as sweep:
            swept, _ = sweep.communicate(timeout=60)
        assert (sweep.returncode, "looks asked for" in swept) == (0, True), swept
        with command(tmp_path, "portcullis", "doctor") as looked:
            found, _ = looked.communicate(timeout=60)
        # A laptop has no log, and what it has is as it should be.
        assert (looked.returncode, "0 wrong" in found, "logs: set " in found) == (2, True, True), (
            found
        )
        up.send_signal(signal.SIGINT)
        said, _ = up.communicate(timeout=60)
    assert (up.returncode, said.splitlines()[-1]) == (0, "stopped")
    assert all(f"{told['console']}/?token={token}" in said for token in (told["token"], newer))
    assert [one.name for one in note.parent.glob("*token*")] == []
    assert not note.exists()
    assert answers(told["console"]) is None
    assert (tmp_path / ".portcullis" / "state.db").exists() is (store == "file")


def test_a_store_that_is_none(tmp_path: Path) -> None:
    """Another word than those known starts nothing."""
    with command(tmp_path, "simulator.up", "tape") as up:
        said, _ = up.communicate(timeout=60)
    assert (up.returncode, said) == (2, "no store tape: file or azurite\n")
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_dies_is_said_once() -> None:
    """Which one, how, and what that means; the other goes on."""
    text, stop = io.StringIO(), threading.Event()
    up = Up(Console(file=text), Tenant(WallClock()))
    up.children = {"gate": lambda: None, "hand": lambda: -9}
    watching = threading.Thread(target=up.watch, args=(stop,))
    watching.start()
    until(lambda: up.dead, lambda: "nothing was said")
    stop.set()
    watching.join()
    means = "nothing is written any more, orders wait; Ctrl-C, and make up again"
    assert text.getvalue() == f"hand ended by signal 9: {means}\n"
