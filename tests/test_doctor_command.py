"""`portcullis doctor` as a person has it: a table or JSON, an exit code, and never a traceback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import session
from shared import needs
from shared.settings import App, Settings
from simulator import roles
from simulator.clock import WallClock
from simulator.server import serve
from simulator.tenant import Tenant
from tests.engine.world import ALICE, CONTROLS, SUBSCRIPTION, US, storage
from tests.test_command_line import Ran, Shell, in_process

POLICY = f"version: 1\nscopes: [{SUBSCRIPTION}]\n"
HAND = "aaaaaaaa-0000-4000-8000-000000000009"
HOME = f"{SUBSCRIPTION}/resourceGroups/rg-portcullis-prod"
CANARY = "/resourceGroups/rg-portcullis-prod/providers/Microsoft.Resources/templateSpecs/canary"
WORKSPACE = f"{HOME}/providers/Microsoft.OperationalInsights/workspaces/log"
OUTPUTS = {
    "PORTCULLIS_GATE_PRINCIPAL_ID": US.object_id,
    "PORTCULLIS_HAND_PRINCIPAL_ID": HAND,
    "PORTCULLIS_STATE_ID": f"{HOME}/providers/Microsoft.Storage/storageAccounts/stabc",
    "PORTCULLIS_WORKSPACE_ID": WORKSPACE,
    "PORTCULLIS_CANARY": CANARY,
    "PORTCULLIS_RIGHTS_AT_MANAGEMENT_GROUP": "false",
    "PORTCULLIS_CONSOLE": "https://func-gate-abc.azurewebsites.net",
}


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


# --- in the folder of azd up


def checkout(folder: Path, **more: str) -> None:
    """What azd keeps in its folder."""
    kept = folder / ".azure" / "prod"
    kept.mkdir(parents=True)
    (kept.parent / "config.json").write_text('{"version": 1, "defaultEnvironment": "prod"}')
    lines = [f'{name}="{value}"' for name, value in {**OUTPUTS, **more}.items()]
    (kept / ".env").write_text("\n".join(lines))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that azd deployed from, and a process to which nothing is told."""
    checkout(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {})
    return tmp_path


@pytest.mark.usefixtures("here")
def test_a_checkout_is_told_what_the_gate_is() -> None:
    """By the outputs of its templates; other commands are not told."""
    told = Settings.of(session.deployed(), Path())
    assert (told.app, told.identities) == (App.GATE, frozenset({US.object_id, HAND}))
    assert told.storage is not None
    assert told.storage.tables == "https://stabc.table.core.windows.net"
    assert told.canary == CANARY
    assert {one.text for one in told.named.listed} == {HOME, WORKSPACE}
    assert told.named.deployments == {"prod"}
    others = {name for name in session.environment() if name.startswith(("PORTCULLIS", "AZURE"))}
    assert others == {"PORTCULLIS_STATE", "PORTCULLIS_RECORDS"}


def test_our_own_variables_come_first(here: Path) -> None:
    os.environ |= {"PORTCULLIS_STATE": "here.db", "PORTCULLIS_APP": "hand"}
    told = Settings.of(session.deployed(), here)
    assert (told.storage, told.state, told.app) == (None, here / "here.db", App.HAND)


def test_make_up_is_another_deployment(here: Path) -> None:
    """While it runs, the gate that azd deployed from the same folder is none of its."""
    up = here / ".portcullis" / "up.json"
    up.parent.mkdir()
    running = {"PORTCULLIS_ARM_ENDPOINT": "https://127.0.0.1:1", "PORTCULLIS_APP": "all"}
    up.write_text(json.dumps({"pid": os.getpid(), "environment": running}))
    told = session.deployed()
    assert told["PORTCULLIS_APP"] == "all"
    assert told.keys().isdisjoint({*OUTPUTS, "PORTCULLIS_STORAGE", "PORTCULLIS_OWN"})


def test_a_checkout_that_nothing_was_deployed_from(here: Path) -> None:
    (here / ".azure" / "prod" / ".env").write_text('AZURE_LOCATION="westeurope"\n')
    assert session.deployed() == session.environment()


def test_a_person_in_the_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Signed in as a reader, and told nothing: gate and hand are looked at, each by itself."""
    tenant = Tenant(WallClock(), rbac=True)
    tenant.load(storage())
    tenant.load(roles.assignment(ALICE.object_id, roles.READER, SUBSCRIPTION))
    actions = sorted(needs.reads(CONTROLS))
    gate = tenant.load(roles.custom_role("gate", SUBSCRIPTION, roles.block(actions)))
    given = {"roleDefinitionId": gate, "principalType": US.kind}
    for who in (US.object_id, HAND):
        tenant.load(roles.assignment(who, gate, SUBSCRIPTION, **given))
    tenant.load(roles.assignment(US.object_id, roles.CONTRIBUTOR, HOME))
    checkout(tmp_path)
    rule = "{control: storage-public-blob-access, mode: enforce}"
    limits = "limits: [{writes: 1, per: estate}]"
    (tmp_path / "policy.yaml").write_text(f"{POLICY}{limits}\nrules: [{rule}]\n")
    with serve(tenant, identity=ALICE) as serving:
        # The account of state is not of this tenant.
        shell = Shell(tmp_path, {**serving.environment, "PORTCULLIS_STATE": "state.db"})
        ran = in_process(shell, monkeypatch, capsys, "doctor", "--format", "json")
    told = lines(ran)
    shown = {key: one["state"] for key, one in told.items() if key[0] in ("reads", "writes")}
    assert shown == {
        ("reads", f"gate {SUBSCRIPTION}"): "ok",
        ("reads", f"hand {SUBSCRIPTION}"): "wrong",
        ("writes", f"gate {SUBSCRIPTION}"): "wrong",
        ("writes", f"hand {SUBSCRIPTION}"): "ok",
    }
    assert told["identity", ALICE.object_id]["state"] == "ok"
    assert told["reads", f"hand {SUBSCRIPTION}"]["mend"].startswith("portcullis onboard ")
    assert f"at {HOME}" in told["writes", f"gate {SUBSCRIPTION}"]["message"]
