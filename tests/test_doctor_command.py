"""`portcullis doctor` as a person has it: a table or JSON, an exit code, and never a traceback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from simulator.clock import WallClock
from simulator.server import serve
from simulator.tenant import Tenant
from tests.engine.world import ALICE, SUBSCRIPTION, storage
from tests.test_command_line import Ran, Shell

POLICY = f"version: 1\nscopes: [{SUBSCRIPTION}]\n"


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """A laptop: a file for state, no log, no topic, nobody who sends events."""
    tenant = Tenant(WallClock())
    tenant.load(storage())
    (tmp_path / "policy.yaml").write_text(POLICY)
    with serve(tenant) as serving:
        ours = {"PORTCULLIS_IDENTITIES": ALICE.object_id}
        yield Shell(tmp_path, {**serving.environment, **ours})


def lines(ran: Ran) -> dict[tuple[str, str], Any]:
    return {(one["check"], one["subject"]): one for one in json.loads(ran.out)}


def test_a_laptop(shell: Shell) -> None:
    """What it has not is told as what it is: some wrong, the log unknown, the rest well."""
    ran = shell.run("doctor", "--format", "json")
    told = lines(ran)
    assert (ran.code, ran.err) == (1, "")
    assert {key for key, one in told.items() if one["state"] == "wrong"} == {
        ("events", SUBSCRIPTION),
        ("sweeps", "full"),
    }
    assert told["logs", ""]["state"] == "unknown"
    assert "no data collection rule" in told["logs", ""]["message"]
    assert all(one["mend"] for one in told.values() if one["state"] == "wrong")
    assert {tuple(one) for one in told.values()} == {
        ("check", "subject", "state", "message", "mend")
    }


def test_the_table(shell: Shell) -> None:
    """One row a line of the report, and the count at its end."""
    ran = shell.run("doctor")
    assert (ran.code, ran.err) == (1, "")
    assert "none has ever ended" in ran.out
    assert any(line.startswith("sweeps full: portcullis sweep") for line in ran.out.splitlines())
    assert ran.out.splitlines()[-1].endswith(" unknown")
    assert " wrong, " in ran.out.splitlines()[-1]


@pytest.mark.parametrize(
    ("variable", "value", "check"),
    [
        ("PORTCULLIS_APP", "foot", "settings"),
        ("PORTCULLIS_STATE", "policy.yaml", "state"),
        ("PORTCULLIS_POLICY", "none.yaml", "policy"),
        ("PORTCULLIS_ARM_ENDPOINT", "https://127.0.0.1:1", "identity"),
    ],
)
def test_what_cannot_be_used(shell: Shell, variable: str, value: str, check: str) -> None:
    """It is a line of the report; nothing of it ends the command otherwise."""
    shell.environment[variable] = value
    ran = shell.run("doctor", "--format", "json")
    told = json.loads(ran.out)
    assert ran.code == 1
    state = "unknown" if check == "identity" else "wrong"
    assert state in {one["state"] for one in told if one["check"] in (check, "clock")}
