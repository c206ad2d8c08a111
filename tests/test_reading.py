"""Reading from a terminal: the log paged and narrowed, findings, plans, stories, completion."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import reading
import tables
import words
from shared import log
from shared.model import Severity
from shared.settings import App
from simulator.clock import MONDAY_MORNING
from tests.engine.world import ALICE, CONTROLS, GROUP, storage
from tests.stage import Stage
from wiring import Gate

ROOT = Path(__file__).parents[1]
BLOB, HTTPS = "storage-public-blob-access", "storage-secure-transfer"
ACCOUNT, OTHER = (str(storage(name)["id"]) for name in ("contoso", "other"))
POLICY = f"""version: 1
limits: [{{writes: 100, per: estate}}]
rules: [{{control: {BLOB}, mode: enforce}}, {{control: {HTTPS}, mode: approve}}]
"""


@pytest.fixture
def stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Stage:
    """Alice opened one account, and let http into another; an hour later all was looked at."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    made = Stage(tmp_path, monkeypatch, capsys)
    for one, name in ((ACCOUNT, "contoso"), (OTHER, "other")):
        made.tenant.load({**storage(name), "id": one, "tags": {"owner": f"team-{name}"}})
    changes(made, ACCOUNT, allowBlobPublicAccess=True)
    made.clock.advance(timedelta(hours=1))
    changes(made, OTHER, supportsHttpsTrafficOnly=False)
    return made


def changes(stage: Stage, account: str, **properties: Any) -> None:
    stage.tenant.write(account, {"properties": properties}, by=ALICE, method="PATCH")
    app = stage.gate(App.ALL)
    stage.passes(app, app, timedelta(seconds=30))
    app.close()


@pytest.fixture
def gate(stage: Stage) -> Iterator[Gate]:
    made = stage.gate(App.ALL)
    yield made
    made.close()


def told(stage: Stage, *given: str) -> Any:
    ran = stage.run(*given, "--format", "json")
    assert ran.code == 0, ran.err
    return json.loads(ran.out)


def entries(stage: Stage, *given: str) -> list[str]:
    return [record["Entry"] for record in told(stage, "log", *given)]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ([], ["asked", "remediated", "intent"]),
        (["--since", "30m"], ["asked"]),
        (["--until", "30m"], ["remediated", "intent"]),
        (["--since", f"{MONDAY_MORNING:%Y-%m-%dT%H:%M}"], ["asked", "remediated", "intent"]),
        (["--until", "2026-03-01"], []),
        (["--since", "2026-03-02T08:00:00+01:00"], ["asked"]),
        (["--control", HTTPS], ["asked"]),
        (["--result", "remediated"], ["remediated"]),
        (["--result", "intent"], ["intent"]),
        (["--severity", "low"], []),
        (["--actor", "ALICE", "--control", BLOB], ["remediated", "intent"]),
        (["--actor", "bob"], []),
        (["--resource", OTHER], ["asked"]),
        (["--resource", GROUP], ["asked", "remediated", "intent"]),
        (["--group", "RG", "--limit", "1"], ["asked"]),
        (["--group", "none"], []),
        (["--subscription", GROUP.split("/")[2], "--limit", "2"], ["asked", "remediated"]),
    ],
)
def test_the_log_is_narrowed(stage: Stage, given: list[str], found: list[str]) -> None:
    """Each word narrows, newest first, and all of them must hold."""
    assert entries(stage, *given) == found


def test_what_is_printed_is_what_goes_to_log_analytics(stage: Stage, gate: Gate) -> None:
    """Whole records, whatever was asked; a table leaves intents out."""
    assert told(stage, "log") == list(gate.state.outbox.records("actions"))[::-1]
    table = stage.run("log").out
    assert "remediated" in table
    assert "intent" not in table
    assert "allowBlobPublicAccess:" in table
    assert "true -> false" in table


def test_a_search_goes_on_where_a_page_ends_early(
    stage: Stage, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many lines lie between: the oldest that is wanted is found, and none twice.

    A record may have two lines, of a process that stopped between the record and its line.
    """
    (line,) = gate.state.log.page("actions", limit=1).lines
    second = {name: value for name, value in line.items() if name != "Key"}
    key = log.key_of(MONDAY_MORNING, 0, line["EventId"])
    gate.state.store.put("log", "actions", key, second)
    monkeypatch.setattr(log, "PATIENCE", 1)
    assert entries(stage, "--result", "remediated") == ["remediated"]
    assert entries(stage) == ["asked", "remediated", "intent"]
    monkeypatch.setattr(reading, "PAGE", 1)
    assert entries(stage, "--limit", "2") == ["asked", "remediated"]


def test_findings_are_narrowed(stage: Stage) -> None:
    """By how they stand, what they are of and where; closed ones only where they are asked for."""

    def found(*given: str) -> list[tuple[str, bool]]:
        return [(row["Control"], row["Open"]) for row in told(stage, "findings", *given)]

    assert found() == found("--stands", "waiting") == [(HTTPS, True)]
    assert found("--all") == [(BLOB, False), (HTTPS, True)]
    assert found("--stands", "closed") == found("--all", "--control", BLOB) == [(BLOB, False)]
    assert found("--resource", ACCOUNT) == found("--group", "none") == []
    assert found("--severity", "critical") == found("--subscription", "none") == []
    assert found("--owner", "nobody") == []
    assert "waiting" in stage.run("findings").out


def test_plans_and_their_story(stage: Stage) -> None:
    """What waits is listed; its story says what it would write; decided, it is listed there."""
    (plan,) = told(stage, "plans")
    listed = stage.run("plans").out
    assert plan["id"] in listed
    assert "false -> true" in listed
    story = stage.run("show", plan["id"][:6]).out
    assert "supportsHttpsTrafficOnly: false -> true" in story
    assert "waiting since 2026-03-02" in story
    assert f" {OTHER}\n" in story.replace("  ", " ")
    assert "Microsoft.Storage/storageAccounts/write" in story
    assert told(stage, "show", plan["id"]) == plan
    assert stage.run("reject", plan["id"][:6], "--as", "dora", "--reason", "not now").code == 0
    assert told(stage, "plans") == []
    assert stage.run("plans").out == "nothing\n"
    (rejected,) = told(stage, "plans", "--status", "rejected")
    assert (rejected["id"], rejected["by"]) == (plan["id"], "dora")
    assert "not now" in stage.run("show", plan["id"]).out


def test_the_story_of_an_action(stage: Stage) -> None:
    """Old and new values, the line of policy, who caused it, and how to take it back."""
    (record,) = told(stage, "log", "--result", "remediated")
    action = record["ActionId"]
    story = stage.run("show", action[:8]).out
    for words_in_it in (
        "allowBlobPublicAccess: true -> false",
        "$.rules[0]",
        "caused by alice@contoso.example",
        f"portcullis undo {action}",
    ):
        assert words_in_it in story
    assert told(stage, "show", action)["undo"]["can"] is True
    assert stage.run("undo", action, "--as", "dora").code == 0
    story = stage.run("show", action).out
    assert "taken back by dora" in story
    assert "left alone until 2026-03-09" in story


def test_values_are_told_as_they_are() -> None:
    """Which range was let in stands there; what came or went as a whole is named."""
    path = f"{ACCOUNT}#/properties/networkAcls/ipRules"
    record = {"Before": {path: []}, "After": {path: [{"value": "203.0.113.0/24"}]}}
    told = tables.differences(record)
    assert told == 'networkAcls.ipRules: [] -> [{"value": "203.0.113.0/24"}]'
    gone = {"verb": "delete", "target": ACCOUNT, "edits": [], "document": {"properties": {}}}
    plan = {"changes": [{**gone, "action": ""}], "caveats": ["It is gone for good."]}
    told = tables.differences({"Plan": plan})
    assert told == "contoso: there -> absent\nnote: It is gone for good."


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["log", "--since", "yesterday"], "yesterday is no time"),
        (["log", "--until", "9999999d"], "9999999d is no time"),
        (["log", "--control", "nonsense"], "no such control: nonsense"),
        (["log", "--severity", "grave"], "--severity"),
        (["findings", "--stands", "still"], "--stands"),
        (["findings", "--control", "nonsense"], "no such control: nonsense"),
        (["plans", "--status", "open"], "--status"),
        (["show", "nonsense"], "no action or plan nonsense"),
        (["show", ""], "no action or plan"),
    ],
)
def test_what_cannot_be_asked_is_one_line(stage: Stage, given: list[str], says: str) -> None:
    ran = stage.run(*given)
    assert ran.code not in (0, 70)
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert says in ran.err


def test_the_beginning_of_two_ids_names_neither(stage: Stage, gate: Gate) -> None:
    """Nothing is guessed where ids begin alike."""
    (story,) = gate.state.journal.all()
    gate.state.store.put("actions", f"{story.id}f", "story", {**story.value, "ActionId": "f"})
    twin = {**story.value, "ActionId": f"{story.id[:8]}ffffffff"}
    gate.state.store.put("actions", twin["ActionId"], "story", twin)
    assert "begins 2 ids" in stage.run("show", story.id[:8]).err


# --- completion

BIN = "bin"


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """A home of its own, and `portcullis` on the path."""
    command = tmp_path / BIN / "portcullis"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m portcullis "$@"\n')
    command.chmod(0o755)
    path = f"{command.parent}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}


def bash(shell: dict[str, str], script: str) -> str:
    ran = subprocess.run(  # noqa: S603
        ["/bin/bash", "--norc", "-c", script],
        env=shell,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stderr
    return ran.stdout


def test_what_is_installed_completes_in_bash(shell: dict[str, str]) -> None:
    """The script that `--install-completion` leaves, as the shell calls it; nothing is set up."""
    assert "bash completion installed" in bash(shell, "portcullis --install-completion; exit $?")
    script = "source ~/.bash_completions/portcullis.sh\n"
    for line in ("portcullis lo", "portcullis log --severity cr", "portcullis apply --control x"):
        typed = line.split()
        script += (
            f"COMP_WORDS=({line}); COMP_CWORD={len(typed) - 1}; _portcullis_completion portcullis\n"
        )
        script += 'echo "$?: ${COMPREPLY[@]}"\n'
    assert bash(shell, script).splitlines() == ["0: log", "0: critical", "0: "]
    assert not (Path(shell["HOME"]) / ".portcullis").exists()


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("portcullis lo", "log"),
        ("portcullis log --control storage-public-b", BLOB),
        ("portcullis findings --control storage-public-b", BLOB),
        ("portcullis apply --control storage-public-b", BLOB),
        ("portcullis log --severity cr", "critical"),
        ("portcullis log --result remed", "remediated"),
        ("portcullis findings --stands cont", "contested"),
        ("portcullis plans --status st", "stale"),
    ],
)
def test_zsh_completes(shell: dict[str, str], line: str, first: str) -> None:
    """Commands, control ids, severities, results, and how things stand."""
    ask = f"_PORTCULLIS_COMPLETE=complete_zsh _TYPER_COMPLETE_ARGS='{line}' portcullis"
    assert re.findall(r'"([a-z-]+)"', bash(shell, ask))[0] == first


def test_a_completion_loads_no_rule_and_no_azure(shell: dict[str, str]) -> None:
    """Whoever presses TAB waits for it."""
    code = (
        "import sys, portcullis\ntry: portcullis.main([])\nexcept SystemExit: print(*sys.modules)"
    )
    ask = "_PORTCULLIS_COMPLETE=complete_bash COMP_WORDS='portcullis log --control ' COMP_CWORD=3"
    out = bash(shell, f"{ask} {sys.executable} -c '{code}'").splitlines()
    assert set(CONTROLS) <= set(out)
    slow = ("azure", "detectors", "fastapi", "remediations", "wiring")
    assert {m for m in out[-1].split() if m.split(".")[0] in slow} == set()


def test_words_are_those_there_are() -> None:
    """Every control; and of results those that the records' page explains."""
    assert words.control_ids("") == sorted(CONTROLS)
    page = (ROOT / "docs/records.md").read_text(encoding="utf-8")
    table = page.split("| `Entry` | what happened |\n|---|---|\n", 1)[1].split("\n\n", 1)[0]
    firsts = (row.split("|")[1] for row in table.splitlines())
    explained = {word for first in firsts for word in re.findall(r"`([a-z-]+)`", first)}
    assert set(words.RESULTS) == explained
    assert list(Severity) == ["low", "medium", "high", "critical"]
