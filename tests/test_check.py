"""Judging files: every document is accounted for, and what cannot be judged is said."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import portcullis
from shared.checking import Report, check, sarif
from shared.errors import Unusable
from tests.engine.world import CONTROLS, storage
from tests.made import GROUP

SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
OF_RULES = [
    ("sql-firewall-any-internet", "sql1"),
    ("sql-firewall-azure-services", "sql1"),
]
FEW = {
    name: CONTROLS[name]
    for name in (
        *(control for control, _ in OF_RULES),
        "storage-public-blob-access",
        "storage-secure-transfer",
    )
}
"""What the tests here judge by, however many controls there are."""
RULES = f"{SERVER}/firewallRules"
UNSHOWN = {"id": storage("unshown")["id"]}
OPEN = storage(allowBlobPublicAccess=True)
GOOD = storage()
OTHER_TYPE = {"id": f"{GROUP}/providers/Contoso.Own/things/n", "properties": {}}


def server(rid: str = SERVER) -> dict[str, Any]:
    return {"id": rid, "location": "westeurope", "properties": {"publicNetworkAccess": "Enabled"}}


def rule(name: str, start: str, end: str) -> dict[str, Any]:
    return {
        "id": f"{RULES}/{name}",
        "properties": {"startIpAddress": start, "endIpAddress": end},
    }


def written(folder: Path, *bodies: Any) -> Path:
    """A folder with a file for each body; text goes in as it stands."""
    for i, body in enumerate(bodies):
        text = body if isinstance(body, str) else json.dumps(body)
        (folder / f"{i:02}.json").write_text(text, encoding="utf-8")
    return folder


def accounted(report: Report) -> bool:
    parts = report.judged + len(report.not_covered) + len(report.unjudged)
    return report.documents == parts


def states(report: Report) -> dict[tuple[str, str], str]:
    """By control and resource name, the state of each finding."""
    return {
        (f["control"], f["resource_id"].rsplit("/", 1)[-1]): f["state"] for f in report.findings
    }


def run(capsys: pytest.CaptureFixture[str], *arguments: Any) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        portcullis.main(["check", *map(str, arguments)])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


# --- what becomes of documents


def test_a_document_is_judged_from_its_file(tmp_path: Path) -> None:
    """What is violated is a finding with its evidence, by JSON Pointer; what holds is none."""
    report = check([written(tmp_path, OPEN, storage("good"), OTHER_TYPE)], FEW)
    assert (report.documents, report.judged) == (3, 2)
    (found,) = report.findings
    assert (found["control"], found["state"]) == ("storage-public-blob-access", "non-compliant")
    assert found["resource_id"] == OPEN["id"]
    assert found["evidence"] == [
        {"path": "/properties/allowBlobPublicAccess", "observed": True, "expected": False}
    ]
    assert report.not_covered == [{"file": str(tmp_path / "02.json"), "type": "Contoso.Own/things"}]


@pytest.mark.parametrize("nested", ["array", "list answer", "mixed"])
def test_lists_of_documents(tmp_path: Path, nested: str) -> None:
    """A file may hold an array, or a list's answer: each item is a document."""
    items = [OPEN, OTHER_TYPE, storage("b", allowBlobPublicAccess=True)]
    bodies: dict[str, list[Any]] = {
        "array": [items],
        "list answer": [{"value": items, "nextLink": None}],
        "mixed": [items[:1], {"value": items[1:]}],
    }
    report = check([written(tmp_path, *bodies[nested])], FEW)
    assert (report.documents, report.judged, len(report.findings)) == (3, 2, 2)
    assert accounted(report)


@pytest.mark.parametrize("body", [[], {"value": []}])
def test_an_empty_list_holds_no_document(tmp_path: Path, body: Any) -> None:
    """Nothing in a file is nothing to account for, and no error."""
    report = check([written(tmp_path, body)], FEW)
    assert (report.documents, report.exit_code) == (0, 0)


@pytest.mark.parametrize(
    ("body", "documents"),
    [
        ("", 1),
        ("{", 1),
        ("not json", 1),
        ("7", 1),
        ("null", 1),
        ("{}", 1),
        ('{"id": ""}', 1),
        ('{"id": "/"}', 1),
        ('{"id": 5}', 1),
        ('{"properties": {}}', 1),
        ("[1, null, {}]", 3),
        ('[{"id": " "}, []]', 2),
        ("[" * 100_000, 1),
    ],
)
def test_what_is_no_document_is_named(tmp_path: Path, body: str, documents: int) -> None:
    """A file that cannot be read as resources is listed with its reason, and stops nothing."""
    folder = written(tmp_path, body, OPEN)
    report = check([folder], FEW)
    assert report.documents == documents + 1
    assert [one["file"] for one in report.unjudged] == [str(folder / "00.json")] * documents
    assert all(one["reason"] for one in report.unjudged)
    assert (report.judged, len(report.findings)) == (1, 1)


def test_files_in_other_encodings(tmp_path: Path) -> None:
    """A byte-order mark, as editors on Windows write it, is no trouble; other bytes are named."""
    (tmp_path / "bom.json").write_bytes(b"\xef\xbb\xbf" + json.dumps(OPEN).encode())
    (tmp_path / "other.json").write_bytes(json.dumps(GOOD).encode("utf-16"))
    (tmp_path / "folder.json").mkdir()
    report = check([tmp_path], FEW)
    assert (report.judged, len(report.findings)) == (1, 1)
    names = sorted(Path(one["file"]).name for one in report.unjudged)
    assert names == ["folder.json", "other.json"]
    assert accounted(report)


def test_folders_are_searched_and_files_taken_as_named(tmp_path: Path) -> None:
    """Below a folder every `*.json` counts; a file that is named counts whatever its name."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "one.json").write_text(json.dumps(OPEN))
    (deep / "one.txt").write_text(json.dumps(OPEN))
    assert check([tmp_path], CONTROLS).documents == 1
    assert check([deep / "one.txt", deep / "one.json"], CONTROLS).documents == 2


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    """A path that does not exist is said so, with its name, before anything is judged."""
    with pytest.raises(Unusable, match=r"missing\.json"):
        check([tmp_path, tmp_path / "missing.json"], CONTROLS)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
ids = st.sampled_from(
    [*{f"{GROUP}/providers/{t.name}/x" for c in CONTROLS.values() for t in c.detector.types}, RULES]
)


@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(json_values | st.fixed_dictionaries({"id": ids, "properties": json_values})))
def test_any_json_is_accounted_for(tmp_path: Path, bodies: list[Any]) -> None:
    """Whatever a file holds, each document of it is judged, not covered, or named as unjudged."""
    (tmp_path / "all.json").write_text(json.dumps(bodies))
    report = check([tmp_path / "all.json"], CONTROLS)
    assert report.documents == len(bodies)
    assert accounted(report)
    assert report.exit_code in (0, 1, 2)
    json.dumps(report.to_json())


# --- lookups among the files


def test_a_lookup_is_answered_by_the_other_files(tmp_path: Path) -> None:
    """A server is judged with the rules that lie beside it, in whatever order and casing."""
    shouted = rule("all", "0.0.0.0", "255.255.255.255")  # noqa: S104  addresses of a rule
    shouted["id"] = shouted["id"].upper()
    report = check([written(tmp_path, shouted, server())], FEW)
    assert states(report) == {("sql-firewall-any-internet", "sql1"): "non-compliant"}
    (found,) = report.findings
    assert found["evidence"][0]["resource"].casefold() == shouted["id"].casefold()
    assert (report.documents, report.judged) == (2, 2)


def test_harmless_rules_beside_a_server(tmp_path: Path) -> None:
    """With rules that open nothing, the server is compliant."""
    report = check([written(tmp_path, server(), rule("one", "1.2.3.4", "1.2.3.4"))], FEW)
    assert (report.findings, report.exit_code) == ([], 0)


def test_a_lookup_without_an_answer_is_unknown(tmp_path: Path) -> None:
    """No rule among the files does not mean that the server has none."""
    report = check([written(tmp_path, server())], FEW)
    assert states(report) == dict.fromkeys(OF_RULES, "unknown")
    assert all(RULES in one["reason"] for one in report.findings)
    assert report.exit_code == 2


def test_children_without_their_parent_are_unknown(tmp_path: Path) -> None:
    """Rules whose server is not at hand: the server is unknown, once for however many rules."""
    rules = [rule(str(i), f"10.0.{i}.0", f"10.0.{i}.9") for i in range(5)]
    report = check([written(tmp_path, rules)], FEW)
    assert states(report) == dict.fromkeys(OF_RULES, "unknown")
    assert len(report.findings) == len(OF_RULES)
    assert (report.documents, report.judged, report.exit_code) == (5, 5, 2)


def test_other_servers_rules_are_not_mine(tmp_path: Path) -> None:
    """A rule of another server, whose id only begins alike, answers nothing."""
    other = rule("all", "0.0.0.0", "255.255.255.255")  # noqa: S104
    other["id"] = other["id"].replace("/sql1/", "/sql12/")
    report = check([written(tmp_path, server(), other, server(f"{SERVER}2"))], FEW)
    assert states(report) == {
        **dict.fromkeys(OF_RULES, "unknown"),
        ("sql-firewall-any-internet", "sql12"): "non-compliant",
    }


# --- the command


@pytest.mark.parametrize(
    ("bodies", "code"),
    [
        ([GOOD], 0),
        ([OTHER_TYPE], 0),
        ([UNSHOWN], 2),
        ([OPEN], 1),
        ([OPEN, UNSHOWN], 1),
        (["not json"], 0),
        ([], 0),
    ],
)
def test_exit_codes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], bodies: list[Any], code: int
) -> None:
    """1 with any finding, else 2 where an applicable control is unknown, else 0."""
    written(tmp_path, *bodies)
    for form in ("table", "json", "sarif"):
        assert run(capsys, tmp_path, "--format", form)[0] == code


def test_the_json_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine-readable form has exactly the keys that are promised, and only it is printed."""
    written(tmp_path, OPEN, UNSHOWN, OTHER_TYPE, "broken")
    _, out, err = run(capsys, tmp_path, "--format", "json")
    shown = json.loads(out)
    assert list(shown) == ["documents", "judged", "findings", "not_covered", "unjudged"]
    assert (shown["documents"], shown["judged"]) == (4, 2)
    by_state = {one["state"]: one for one in shown["findings"]}
    violated, unknown = by_state["non-compliant"], by_state["unknown"]
    needed = {"resource_id", "control", "severity", "state", "evidence"}
    assert needed <= set(violated)
    assert needed | {"reason"} <= set(unknown)
    assert {"path", "observed", "expected"} <= set(violated["evidence"][0])
    assert [set(one) for one in shown["not_covered"]] == [{"file", "type"}]
    assert [set(one) for one in shown["unjudged"]] == [{"file", "reason"}]
    assert err == ""


def test_the_sarif_form(tmp_path: Path) -> None:
    """Findings fail at the level of their severity; unknown ones ask for review."""
    report = check([written(tmp_path, OPEN, server())], FEW)
    shown = json.loads(json.dumps(sarif(report, FEW)))
    (ran,) = shown["runs"]
    assert (shown["version"], ran["tool"]["driver"]["name"]) == ("2.1.0", "portcullis")
    known = [one["id"] for one in ran["tool"]["driver"]["rules"]]
    assert known == [*(control for control, _ in OF_RULES), "storage-public-blob-access"]
    by_rule = {one["ruleId"]: one for one in ran["results"]}
    assert set(by_rule) == set(known)
    failed = by_rule["storage-public-blob-access"]
    assert (failed["kind"], failed["level"]) == ("fail", "error")
    assert "allowBlobPublicAccess is true, expected false" in failed["message"]["text"]
    (place,) = failed["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"].endswith("00.json")
    assert place["logicalLocations"][0]["fullyQualifiedName"] == OPEN["id"]
    review = by_rule["sql-firewall-any-internet"]
    # SARIF 2.1.0, 3.27.10: where the kind is not "fail", the level is "none".
    assert (review["kind"], review["level"]) == ("review", "none")


def test_the_table_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A person sees the findings, the sums, and on stderr a line for each file not read."""
    written(tmp_path, OPEN, UNSHOWN, OTHER_TYPE, "broken")
    _, out, err = run(capsys, tmp_path)
    words = " ".join(out.split())
    assert re.search("4 documents, 2 judged, [0-9]+ findings, [0-9]+ unknown, 1 of types no", words)
    assert err.count("\n") == 1
    assert err.startswith(f"{tmp_path / '03.json'}: not a JSON document")


@pytest.mark.parametrize("arguments", [["nowhere"], [], [".", "--format", "xml"]])
def test_bad_input(
    capsys: pytest.CaptureFixture[str], arguments: list[str], tmp_path: Path
) -> None:
    """A missing path, no path and an unknown format are one line on stderr, nothing on stdout."""
    code, out, err = run(capsys, *arguments)
    assert code != 0
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith("portcullis: ")


# --- what others recorded

SPOT = {
    "Microsoft.Storage/storageAccounts/08": {"storage-network-default-allow"},
    "Microsoft.Storage/storageAccounts/10": {"storage-public-blob-access"},
    "Microsoft.Storage/storageAccounts/34": {
        "storage-public-blob-access",
        "storage-secure-transfer",
    },
    "Microsoft.KeyVault/vaults/17": {
        "keyvault-network-default-allow",
        "keyvault-network-ip-rules-broad",
        "keyvault-purge-protection",
    },
}
"""By the beginning of a file's name, what a person says that it violates.

The vault denies by default, and lists blocks that together are the whole internet.
"""


def test_recorded_documents_are_all_accounted_for(recorded: Path) -> None:
    """All 785: no crash, each judged, not covered or named, every verdict with its reason."""
    folder = recorded / "documents"
    report = check([folder], CONTROLS)
    assert report.documents == len(list(folder.rglob("*.json"))) == 785
    assert accounted(report)
    assert report.exit_code == 1
    assert len(report.unjudged) == 2
    assert {one["reason"] for one in report.unjudged} == {"it has no id"}
    covered = {kind.key for c in CONTROLS.values() for kind in c.detector.types}
    assert not {one["type"].casefold() for one in report.not_covered} & covered
    for found in report.findings:
        assert found["evidence"] or found["reason"]
    json.dumps(sarif(report, CONTROLS))
    for beginning, expected in SPOT.items():
        here = {f["control"] for f in report.findings if beginning in f["file"]}
        violated = here & set().union(*SPOT.values())
        assert violated == expected, beginning
