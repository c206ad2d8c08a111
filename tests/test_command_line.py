"""The command line, as a person has it: processes against a tenant served over TLS."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import portcullis
from simulator import roles
from simulator.clock import WallClock
from simulator.faults import Fault
from simulator.server import Serving, serve
from simulator.tenant import Tenant
from tests.engine.world import ALICE, CONTROLS, GROUP, storage

ROOT = Path(__file__).parents[1]
ACCOUNT = str(storage()["id"])
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
POLICY = """version: 1
limits: [{writes: 100, per: estate}]
rules: [{control: storage-public-blob-access, mode: approve}]
"""
BLOB = "storage-public-blob-access"


@dataclass
class Ran:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)

    def refused(self) -> str:
        """The one line on stderr of bad input; nothing on stdout."""
        assert self.code not in (0, 70), self.err
        assert self.out == ""
        assert self.err.endswith("\n")
        assert self.err.count("\n") == 1, self.err
        assert self.err.startswith("portcullis: ")
        return self.err


@dataclass
class Shell:
    """A folder with a policy, and the variables that point at the tenant."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> Ran:
        """In a process of its own."""
        known = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
        ran = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "portcullis", *arguments],
            cwd=self.folder,
            env={**known, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ran.stderr, ran.stderr
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    @property
    def written(self) -> set[str]:
        return {p.relative_to(self.folder).as_posix() for p in self.folder.rglob("*")}


@pytest.fixture(scope="module")
def tenant() -> Tenant:
    return Tenant(WallClock())


@pytest.fixture(scope="module")
def serving(tenant: Tenant) -> Iterator[Serving]:
    with serve(tenant) as served:
        yield served


@pytest.fixture
def shell(serving: Serving, tenant: Tenant, tmp_path: Path) -> Iterator[Shell]:
    """Beside a tenant with one account that lets anybody read."""
    tenant.faults.clear()
    for document in (storage(allowBlobPublicAccess=True), {"id": NSG, "properties": {}}):
        tenant.load(document)
    (tmp_path / "policy.yaml").write_text(POLICY)
    yield Shell(tmp_path, dict(serving.environment))
    tenant.faults.clear()


def in_process(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *given: str
) -> Ran:
    """The same without a process, for what is quick to ask."""
    monkeypatch.chdir(shell.folder)
    for name in [n for n in os.environ if n.startswith(("PORTCULLIS", "AZURE", "IDENTITY"))]:
        monkeypatch.delenv(name)
    for name, value in shell.environment.items():
        monkeypatch.setenv(name, value)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        portcullis.main(list(given))
    out, err = capsys.readouterr()
    return Ran(int(ended.value.code or 0), out, err)


@pytest.fixture
def here(shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    return lambda *given: in_process(shell, monkeypatch, capsys, *given)


def blob_access(tenant: Tenant) -> Any:
    document = tenant.read(ACCOUNT)
    assert document is not None
    return document["properties"]["allowBlobPublicAccess"]


# --- the way of a change, by hand


def test_found_approved_and_undone(shell: Shell, here: Any, tenant: Tenant) -> None:
    """A look finds and asks, a yes cures, an undo restores: several processes, one state."""
    look = shell.run("hint", ACCOUNT, "--wait", "--format", "json").json()
    (blob,) = [one for one in look["seen"] if one["control"] == BLOB]
    assert (blob["state"], blob["decision"]["do"]) == ("non-compliant", "ask")
    (finding,) = [f for f in here("findings", "--format", "json").json() if f["Open"]]
    assert (finding["Control"], finding["Severity"]) == (BLOB, "high")
    assert blob_access(tenant) is True
    done = shell.run("approve", blob["plan"]["id"][:8], "--as", "alice", "--format", "json").json()
    action = next(one["action"] for one in done["seen"] if one["control"] == BLOB)
    assert blob_access(tenant) is False
    undone = shell.run("undo", action, "--as", "bob", "--format", "json").json()
    assert (undone["State"], undone["Person"]) == ("undone", "bob")
    assert blob_access(tenant) is True
    log = here("log", "--format", "json").json()
    entries = [record["Entry"] for record in log]
    assert entries[0] == "undone"
    assert {"asked", "approved", "intent", "remediated", "undone"} <= set(entries)
    lines = (shell.folder / ".portcullis" / "records.jsonl").read_text().splitlines()
    assert {r["EventId"] for r in log} <= {json.loads(line)["EventId"] for line in lines}


def test_applied_on_a_persons_word(shell: Shell, here: Any, tenant: Tenant) -> None:
    """`plan` changes nothing; `apply` cures at once and journals who ordered it."""
    planned = here("plan", ACCOUNT, "--set", "day=2026-02-30", "--format", "json").json()
    (blob,) = [one for one in planned["seen"] if one["plan"]]
    (edit,) = blob["plan"]["changes"][0]["edits"]
    assert (edit["before"], edit["after"]) == (True, False)
    assert blob_access(tenant) is True
    ran = shell.run("apply", ACCOUNT, "--as", "carol", "--control", BLOB)
    assert (ran.code, blob_access(tenant)) == (0, False)
    log = here("log", "--format", "json").json()
    assert {r["Person"] for r in log if r["Entry"] == "remediated"} == {"carol"}


def test_a_sweep_finds_what_nobody_told(shell: Shell, here: Any) -> None:
    """A sweep judges the estate from its index, looks, and writes nothing."""
    summary = shell.run("sweep", "--format", "json").json()
    assert summary["seen"] >= 2
    assert summary["violating"] >= 1
    found = here("findings", "--format", "json").json()
    assert (ACCOUNT.casefold(), BLOB) in {(f["ResourceId"].casefold(), f["Control"]) for f in found}


def test_a_sweep_waits_for_its_turns(shell: Shell, here: Any, tenant: Tenant) -> None:
    """More looks at once than limits leave to a sweep: the command ends when all are done."""
    tenant.add_identity(ALICE)
    many = [tenant.load(storage(f"many{n}", allowBlobPublicAccess=True)) for n in range(150)]
    try:
        assert shell.run("sweep").code == 0
        found = {f["ResourceId"] for f in here("findings", "--format", "json").json()}
        assert found >= set(many)
    finally:
        for one in many:
            tenant.remove(one, by=ALICE)


def test_an_empty_folder_writes_nothing(shell: Shell, here: Any, tenant: Tenant) -> None:
    """Without a policy it is said aloud, looking works, and no write goes out."""
    (shell.folder / "policy.yaml").unlink()
    looked = shell.run("hint", ACCOUNT, "--wait", "--format", "json")
    assert looked.err.startswith("policy broken, nothing is written: $: policy.yaml: ")
    assert looked.json()["seen"]
    before = len(tenant.writes)
    applied = here("apply", ACCOUNT, "--format", "json")
    assert "no limit is set" in applied.out + applied.err
    assert applied.code != 0
    assert (len(tenant.writes), blob_access(tenant)) == (before, True)


# --- the other commands, in process


def test_controls(here: Any) -> None:
    """Every control, by id, with the promised keys; the table names each too."""
    shown = here("controls", "--format", "json").json()
    assert [one["id"] for one in shown] == sorted(CONTROLS)
    assert set(shown[0]) >= {
        "id", "title", "service", "family", "resource_type", "severity", "kind", "reversible",
        "undo", "benchmarks", "permissions",
    }  # fmt: skip
    assert {one["kind"] for one in shown} <= {"auto", "guided", "none"}
    assert all(set(one["permissions"]) == {"read", "write"} for one in shown)
    table = here("controls")
    assert table.code == 0
    assert len(table.out) > 1000


def test_a_hint_is_noted_for_a_look(here: Any, shell: Shell) -> None:
    """Without `--wait` a look is only asked for; a child's hint is noted at what is judged."""
    assert here("hint", ACCOUNT).out == f"noted: {ACCOUNT}\n"
    assert here("hint", f"{NSG}/securityRules/ssh").out == f"noted: {NSG}\n"
    assert here("findings", "--format", "json").json() == []
    looked = here("hint", f"{NSG}/securityRules/ssh", "--wait", "--format", "json").json()
    assert looked["resource_id"] == NSG


def test_rejected_plans_stay_rejected(here: Any, tenant: Tenant) -> None:
    """A no is journalled with its reason, and the same plan is neither asked nor applied again."""
    seen = here("hint", ACCOUNT, "--wait", "--format", "json").json()["seen"]
    (plan,) = [one["plan"]["id"] for one in seen if one["plan"]]
    rejected = here("reject", plan, "--as", "dora", "--reason", "not now", "--format", "json")
    assert rejected.json()["status"] == "rejected"
    assert "it is rejected" in here("approve", plan).refused()
    here("hint", ACCOUNT, "--wait")
    assert "it is rejected" in here("approve", plan).refused()
    assert blob_access(tenant) is True
    (record,) = [r for r in here("log", "--format", "json").json() if r["Entry"] == "rejected"]
    assert (record["Person"], record["Message"]) == ("dora", "not now")


def test_suspended_means_nothing_is_written(here: Any, tenant: Tenant) -> None:
    """While suspended an order ends without a write and says so; resume lifts it, once."""
    here("hint", ACCOUNT, "--wait")
    assert here("suspend", "--reason", "fire drill", "--as", "erin").code == 0
    held = here("apply", ACCOUNT)
    assert held.code != 0
    assert "fire drill" in " ".join((held.out + held.err).split())
    assert blob_access(tenant) is True
    assert here("resume").out == "resumed\n"
    assert "nothing is suspended" in here("resume").refused()
    assert here("apply", ACCOUNT).code == 0
    assert blob_access(tenant) is False


def test_a_refused_write_is_no_success(here: Any, tenant: Tenant) -> None:
    """An order that Azure refuses ends non-zero, with Azure's reason."""
    lock = f"{GROUP}/providers/Microsoft.Authorization/locks/keep"
    tenant.load({"id": lock, "properties": {"level": "ReadOnly"}})
    try:
        ran = here("apply", ACCOUNT, "--format", "json")
    finally:
        tenant.remove(lock, by=ALICE)
    assert ran.code == 1
    results = {one["result"]: one["message"] for one in json.loads(ran.out)["seen"]}
    assert "ScopeLocked" in results["failed"]
    assert blob_access(tenant) is True


def test_policy_commands(here: Any, shell: Shell) -> None:
    """A good file is good; a bad one shows every error with its path; impact compares."""
    assert here("policy", "check", "policy.yaml").out == "policy.yaml: good\n"
    assert here("policy", "check", "policy.yaml", "--format", "json").json() == []
    assert here("policy", "schema").json()["title"] == "Portcullis policy"
    (shell.folder / "bad.yaml").write_text("version: 2\nrules: [{control: x, mode: y}]\n")
    bad = here("policy", "check", "bad.yaml")
    assert (bad.code, bad.out) == (1, "")
    assert sorted(line.split()[1] for line in bad.err.splitlines()) == [
        "$.rules[0].control:",
        "$.rules[0].mode:",
        "$.version:",
    ]
    shown = here("policy", "check", "bad.yaml", "--format", "json")
    assert shown.code == 1
    assert {"path", "message"} == set(json.loads(shown.out)[0])
    here("hint", ACCOUNT, "--wait")
    (shell.folder / "new.yaml").write_text(POLICY.replace("approve", "enforce"))
    found = here("policy", "impact", "new.yaml", "--format", "json").json()
    assert [(c["before"], c["after"]) for c in found["changes"]] == [("ask", "remediate")]
    assert found["would_write"] == 1
    assert "1 decisions change; 1 writes would follow" in here("policy", "impact", "new.yaml").out


def test_impact_of_a_rule_at_a_management_group(here: Any, shell: Shell, tenant: Tenant) -> None:
    """What is below the group is listed from the tenant; a group that is none changes nothing."""
    group = "/providers/Microsoft.Management/managementGroups/corp"
    tenant.load({"id": f"{group}/subscriptions/{GROUP.split('/')[2]}"})
    here("hint", ACCOUNT, "--wait")

    def decided(name: str) -> tuple[str, str]:
        text = POLICY.replace("mode: approve", f"mode: enforce, scope: {name}")
        (shell.folder / "new.yaml").write_text(text)
        assert here("policy", "check", "new.yaml").out == "new.yaml: good\n"
        (change,) = here("policy", "impact", "new.yaml", "--format", "json").json()["changes"]
        return change["before"], change["after"]

    assert decided(group) == ("ask", "remediate")
    assert decided(group.replace("corp", "crop")) == ("ask", "report")


@pytest.mark.parametrize("command", ["findings", "log", "controls", "policy schema"])
def test_printed_data_parses(here: Any, command: str) -> None:
    """With nothing to show too, what is machine-readable is whole JSON and all of stdout."""
    given = command.split() + ([] if "schema" in command else ["--format", "json"])
    ran = here(*given)
    json.loads(ran.out)
    assert (ran.code, ran.err) == (0, "")
    assert here("findings").out == "nothing\n"


# --- bad input

UNJUDGED = f"{GROUP}/providers/Microsoft.BotService/botServices/n"
MISSING = ACCOUNT.replace("contoso", "missing")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (["hint", "contoso"], "contoso is no ARM id"),
        (["hint", ""], "is no ARM id"),
        (["hint", "/"], "is no ARM id"),
        (["hint", UNJUDGED], "no control judges Microsoft.BotService/botServices"),
        (["plan", "contoso"], "contoso is no ARM id"),
        (["plan", UNJUDGED], "no control judges"),
        (["plan", MISSING], "does not exist"),
        (["plan", ACCOUNT, "--set", "nonsense"], "NAME=VALUE"),
        (["plan", ACCOUNT, "--set", "=1"], "NAME=VALUE"),
        (["plan", ACCOUNT, "--set", "a=[1"], "--set a:"),
        (["plan", ACCOUNT, "--set", "a={b: 1, b: 2}"], "b is said twice"),
        (["apply", MISSING], "does not exist"),
        (["apply", ACCOUNT, "--control", "nonsense"], "no such control: nonsense"),
        (["apply", ACCOUNT, "--control", "storage-secure-transfer"], "nothing to cure"),
        (["approve", "nonsense"], "no plan nonsense"),
        (["approve", ""], "no plan"),
        (["reject", "nonsense"], "no plan nonsense"),
        (["undo", "nonsense"], "no action nonsense"),
        (["undo", ""], "no action"),
        (["policy", "check", "missing.yaml"], "missing.yaml"),
        (["policy", "check", "."], "."),
        (["policy", "impact", "missing.yaml"], "missing.yaml"),
        (["nonsense"], "No such command"),
        (["hint"], "Missing argument"),
        (["findings", "--format", "xml"], "--format"),
        (["log", "--limit", "0"], "--limit"),
        (["log", "--limit", "many"], "--limit"),
        (["simulator", "--port", "70000"], "--port"),
        (["simulator", "--load", "missing"], "missing"),
    ],
)
def test_bad_input_is_one_line(here: Any, tenant: Tenant, given: list[str], says: str) -> None:
    """Whatever cannot be used: one line that says what and where, non-zero, nothing written."""
    before = len(tenant.writes)
    assert says in here(*given).refused()
    assert len(tenant.writes) == before


def test_a_broken_policy_is_said(here: Any, shell: Shell, tenant: Tenant) -> None:
    """Each error of the policy in force is a line, and nothing is written."""
    (shell.folder / "policy.yaml").write_text(f"{POLICY}critical_share: 7\nnonsense: 1\n")
    ran = here("apply", ACCOUNT)
    lines = [line for line in ran.err.splitlines() if line.startswith("policy broken")]
    assert len(lines) == 2
    assert ran.code != 0
    assert blob_access(tenant) is True
    bad = here("policy", "impact", "policy.yaml").refused()
    assert "$.nonsense" in bad
    assert "$.critical_share" in bad


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"PORTCULLIS_APP": "door"}, "PORTCULLIS_APP"),
        ({"PORTCULLIS_ARM_ENDPOINT": "http://localhost"}, "PORTCULLIS_ARM_ENDPOINT"),
        ({"PORTCULLIS_LOGS_RULE": "dcr-1"}, "needs PORTCULLIS_LOGS_ENDPOINT beside it"),
        ({"PORTCULLIS_LOGS_ENDPOINT": "https://x"}, "needs PORTCULLIS_LOGS_RULE beside it"),
        ({"PORTCULLIS_LOGS_ENDPOINT": "x", "PORTCULLIS_LOGS_RULE": "dcr-1"}, "LOGS_ENDPOINT"),
        ({"PORTCULLIS_TOPIC_ENDPOINT": "https://x"}, "ends in /api/events"),
        ({"PORTCULLIS_CONSOLE_URL": "http://x"}, "PORTCULLIS_CONSOLE_URL is 'http://x': an https"),
        ({"PORTCULLIS_CONSOLE_URL": "https://x/?a=b"}, "without a query"),
        ({"PORTCULLIS_STATE": "policy.yaml/state.db"}, "state.db"),
        ({"PORTCULLIS_STATE": "policy.yaml"}, "policy.yaml"),
    ],
)
def test_bad_settings_are_one_line(
    here: Any, shell: Shell, variables: dict[str, str], says: str
) -> None:
    """A variable that cannot be used is named; the files that were there stay as they are."""
    shell.environment.update(variables)
    assert says in here("findings").refused()
    assert (shell.folder / "policy.yaml").read_text() == POLICY


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"pid": "x"}', '{"pid": 1, "environment": 7}'])
def test_a_broken_note_of_make_up(here: Any, shell: Shell, text: str) -> None:
    """What `make up` left half-written is named as the file to remove."""
    del shell.environment["PORTCULLIS_ARM_ENDPOINT"]
    (shell.folder / ".portcullis").mkdir()
    (shell.folder / ".portcullis" / "up.json").write_text(text)
    assert "up.json cannot be read" in here("findings").refused()


def test_no_arm_to_be_reached(shell: Shell) -> None:
    """An endpoint where nobody answers is one line for every command that must look."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        nobody = f"https://127.0.0.1:{unheard.getsockname()[1]}"
    shell.environment["PORTCULLIS_ARM_ENDPOINT"] = nobody
    for given in (["hint", ACCOUNT, "--wait"], ["sweep", "--format", "json"]):
        line = shell.run(*given).refused()
        assert "127.0.0.1" in line


def test_no_token_to_be_had(shell: Shell) -> None:
    """An identity endpoint where nobody answers, or that refuses us, is one line."""
    shell.environment["IDENTITY_HEADER"] = "wrong"
    assert "no token" in shell.run("hint", ACCOUNT, "--wait").refused()


def test_an_expired_token(shell: Shell, tenant: Tenant) -> None:
    """A token that Azure does not take any more is one line with Azure's own word."""
    tenant.faults.add(Fault("token-expired", times=0))
    assert "ExpiredAuthenticationToken" in shell.run("plan", ACCOUNT).refused()


def test_records_that_cannot_be_written(shell: Shell, here: Any) -> None:
    """A full record file is one line; the records wait, and go out when there is room."""
    shell.environment["PORTCULLIS_RECORDS"] = "/dev/full"
    ran = shell.run("hint", ACCOUNT, "--wait", "--format", "json")
    assert ran.code == 1
    assert ran.err.startswith("portcullis: the record file /dev/full")
    shell.environment["PORTCULLIS_RECORDS"] = "records.jsonl"
    assert here("findings").code == 0
    lines = (shell.folder / "records.jsonl").read_text().splitlines()
    assert BLOB in {json.loads(line).get("Control") for line in lines}


def test_help_and_nothing(here: Any) -> None:
    """Help is on stdout and no error; no command at all shows it too."""
    assert "approve" in here("--help").out
    assert "--set" in here("apply", "-h").out
    nothing = here()
    assert (nothing.code, nothing.err) == (2, "")
    assert "Usage" in nothing.out


# --- access

GRANTED = f"{GROUP}/providers/Microsoft.Authorization/roleAssignments"


def test_an_access_review_is_one_command(here: Any, tenant: Tenant) -> None:
    """As a table, as JSON, and as a file for a spreadsheet, where no cell is a formula."""
    held = roles.assignment(ALICE.object_id, roles.READER, GROUP)
    tenant.load(held)
    shown = here("access", "review", "--format", "json").json()
    (mine,) = [one for one in shown if one["assignment"] == held["id"]]
    assert (mine["role"], mine["scope"], mine["how"]) == ("Reader", GROUP, "direct")
    table = here("access", "review", "--scope", GROUP)
    assert "Reader" in table.out
    text = here("access", "review", "--format", "csv").out
    (row,) = [one for one in csv.DictReader(text.splitlines()) if one["assignment"] == held["id"]]
    assert (row["role"], row["until"]) == ("Reader", "")
    assert not any(cell[:1] in "=+-@" for cell in row.values() if cell)


def test_exported_activity_log_entries_are_learnt_from(shell: Shell, here: Any) -> None:
    """In each of the forms that Azure writes them in; what failed is no use."""
    subscription = GROUP.split("/resourceGroups")[0]
    evidence = {
        "roleAssignmentScope": subscription,
        "roleAssignmentId": "dddddddd000040008000000000000009",
    }
    action = {"action": "Microsoft.Storage/storageAccounts/write", "evidence": evidence}
    entry = {
        "resourceId": ACCOUNT,
        "eventTimestamp": "2026-03-01T00:00:00Z",
        "authorization": action,
    }
    exported = {
        "resourceId": ACCOUNT.upper(),
        "time": "2026-03-01T00:00:00Z",
        "identity": {"authorization": action},
    }
    failed = {**entry, "status": {"value": "Failed"}}
    one, two, three = (shell.folder / f"{i}.json" for i in range(3))
    one.write_text(json.dumps([entry, failed, {"nothing": 1}]))
    two.write_text(json.dumps({"records": [exported]}))
    three.write_text(f"{json.dumps(entry)}\n{json.dumps(exported)}\n")
    ran = here("access", "learn", str(one), str(two), str(three))
    assert ran.out == "4 uses kept\n"


def test_silence_counts_from_when_somebody_says_that_the_entries_are_whole(
    shell: Shell, here: Any, tenant: Tenant
) -> None:
    """An export may be of anything: an old entry in it does not make a gap a silence."""
    subscription = GROUP.split("/resourceGroups")[0]
    held = tenant.load(roles.assignment(ALICE.object_id, roles.READER, subscription))
    evidence = {"roleAssignmentScope": subscription, "roleAssignmentId": "d" * 32}
    action = {"action": "Microsoft.Storage/storageAccounts/write", "evidence": evidence}
    entry = {"resourceId": ACCOUNT, "time": "2026-03-01T00:00:00Z", "authorization": action}
    (shell.folder / "log.json").write_text(json.dumps(entry))

    def known() -> str:
        shown = here("access", "review", "--format", "json").json()
        return next(str(one["used_since"]) for one in shown if one["assignment"] == held)

    here("access", "learn", "log.json")
    assert known() > "2026-03-02"
    here("access", "learn", "log.json", "--whole-since", "2026-01-01")
    assert known() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "given",
    [
        ("review", "--scope", "rg"),
        ("review", "--format", "xml"),
        ("learn", "nowhere.json"),
        ("learn", "policy.yaml"),
    ],
)
def test_bad_input_of_access_is_one_line(here: Any, given: tuple[str, ...]) -> None:
    here("access", *given).refused()
