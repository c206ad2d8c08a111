"""What every control promises, run over tests/cases/*/*.yaml."""

import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import detectors
import remediations
from rules import controls
from shared.model import (
    ABSENT,
    Control,
    Evidence,
    Finding,
    Json,
    Kind,
    Lookup,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Reversible,
    State,
    Undecided,
    Verdict,
    parse_pointer,
    same,
    shown,
    value_at,
)
from shared.planning import plan_of
from tests.cases import FAILED, Case, Documents, cases, files, merged

ROOT = Path(__file__).resolve().parent.parent
CONTROLS = controls()
CASES = cases()
CURABLE = [c for c in CASES if c.finds and CONTROLS[c.control].remediation is not None]
CURES = [c for c in CONTROLS.values() if c.remediation is not None]
SECRET = re.compile(r"password|secret|connectionstring|credential|accesskey|token", re.IGNORECASE)


def judged(case: Case, documents: Documents) -> tuple[Finding, Verdict]:
    """The verdict on the case's document, and the finding to plan from."""
    detector = CONTROLS[case.control].detector
    resource, verdict = documents.judged(detector, case.id, case.lookups)
    return Finding(detector, resource, verdict.evidence), verdict


def parameters_of(case: Case, remediation: Remediation) -> Parameters:
    """What the case says, else what is meant where nobody, or a person, says nothing."""
    values: dict[str, Json] = {}
    for one in remediation.parameters:
        default = one.for_person if one.default is ABSENT else one.default
        values[one.name] = case.parameters.get(one.name, default)
        assert values[one.name] is not ABSENT, f"the case must give {one.name}"
        jsonschema.validate(values[one.name], one.schema)
    assert not case.parameters.keys() - values.keys()
    return values


def planned(case: Case, finding: Finding) -> Plan:
    control = CONTROLS[case.control]
    assert control.remediation is not None
    documents = Documents.of(case)

    def look(lookup: Lookup, at: Resource) -> tuple[Resource, ...] | Undecided:
        assert lookup.name in case.lookups, f"asked for {lookup.name}, which is not given"
        return documents.looked_up(lookup, at, case.lookups)

    return plan_of(control, finding, parameters_of(case, control.remediation), look)


def record(evidence: Evidence) -> dict[str, Json]:
    stated = {"path": evidence.path, "observed": shown(evidence.observed)}
    stated["expected"] = evidence.expected
    return stated | ({"resource": str(evidence.resource)} if evidence.resource else {})


def matches(found: dict[str, Json], stated: dict[str, Json]) -> bool:
    """As stated; of the resource's id the end is enough."""
    tail = str(stated.get("resource", ""))
    rest = {**stated, "resource": found.get("resource", "")} if tail else stated
    return same(found, rest) and str(found.get("resource", "")).endswith(tail)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_verdict(case: Case) -> None:
    """The verdict is as stated, evidence for evidence, each pointing at something."""
    documents = Documents.of(case)
    finding, verdict = judged(case, documents)
    if not case.finds:
        assert (verdict.state, case.reason in verdict.reason) == (case.expect, True), verdict
        return
    assert verdict.state is State.NON_COMPLIANT
    found = [record(evidence) for evidence in verdict.evidence]
    assert len(found) == len(case.expect), found
    assert all(map(matches, found, case.expect)), found
    for evidence in verdict.evidence:
        body = documents.get(evidence.resource) if evidence.resource else finding.resource.body
        there = value_at(body, parse_pointer(evidence.path))
        assert there is not ABSENT or evidence.observed is None


@pytest.mark.parametrize("case", CURABLE, ids=str)
def test_cure_and_undo(case: Case) -> None:
    """A plan cures what was found and is the same when made again; its undo restores all."""
    documents = Documents.of(case)
    before = Documents.of(case)
    finding, _ = judged(case, documents)
    if case.plan == "refused":
        with pytest.raises(Undecided):
            planned(case, finding)
        return
    plan = planned(case, finding)
    assert planned(case, finding).id == plan.id
    assert plan.changes
    for change in plan.changes:
        documents.apply(change)
    still = verdicts_after(case, documents)
    assert set(still.values()) <= {State.COMPLIANT}, still
    if plan.reversible is Reversible.NO:
        assert plan.caveats
        return
    for change in plan.inverse():
        documents.apply(change)
    before.bodies[case.id.key] = merged(before.bodies[case.id.key], case.restored)
    assert same(documents.bodies, before.bodies)


def verdicts_after(case: Case, documents: Documents) -> dict[str, State]:
    """Of every document of the judged type, those that the plan made among them."""
    detector = CONTROLS[case.control].detector
    ids = [ResourceId(body["id"]) for body in documents.bodies.values()]
    mine = [rid for rid in ids if any(kind.matches(rid) for kind in detector.types)]
    return {str(rid): documents.judged(detector, rid, case.lookups)[1].state for rid in mine}


@pytest.mark.parametrize("case", [c for c in CASES if c.written is not None], ids=str)
def test_written(case: Case) -> None:
    """The writes are those that the case states, in that order."""
    finding, _ = judged(case, Documents.of(case))
    changes = planned(case, finding).changes
    assert [c.verb for c in changes] == [stated["verb"] for stated in case.written]
    for change, stated in zip(changes, case.written, strict=True):
        assert str(change.target).endswith(stated["target"])
        if "edits" in stated:
            edits = {"/" + "/".join(map(str, e.path)): shown(e.after) for e in change.edits}
            assert same(edits, stated["edits"]), edits
        if "body" in stated:
            assert same(change.body(), stated["body"]), change.body()
        if "etag" in stated:
            assert change.etag == stated["etag"]
        assert change.action == stated.get("action", "")


@pytest.mark.parametrize("case", [c for c in CASES if c.asks is not None], ids=str)
def test_asks(case: Case) -> None:
    """Whether policy alone is enough, and why not, is as stated."""
    finding, _ = judged(case, Documents.of(case))
    asks = planned(case, finding).asks
    assert asks == "" if case.asks == "" else str(case.asks) in asks


@pytest.mark.parametrize("case", [c for c in CASES if c.caveats], ids=str)
def test_caveats(case: Case) -> None:
    """What undo cannot bring back, or a reader would not expect, is said with the plan."""
    finding, _ = judged(case, Documents.of(case))
    said = planned(case, finding).caveats
    assert [part for part in case.caveats if not any(part in one for one in said)] == [], said


@pytest.mark.parametrize("case", [c for c in CURABLE if not c.plan], ids=str)
def test_no_plan_touches_a_secret(case: Case) -> None:
    """Neither what is replaced nor what is kept for undo may hold one."""
    finding, _ = judged(case, Documents.of(case))
    for change in planned(case, finding).changes:
        names = {str(step) for edit in change.edits for step in edit.path}
        names |= keys_of([e.before for e in change.edits] + [e.after for e in change.edits])
        names |= keys_of(change.document)
        assert not [name for name in names if SECRET.search(name)]


def keys_of(document: Json) -> set[str]:
    if isinstance(document, dict):
        return set(document).union(*map(keys_of, document.values()))
    return set().union(*map(keys_of, document)) if isinstance(document, list) else set()


@pytest.mark.parametrize("control", sorted(CONTROLS))
def test_both_outcomes_are_covered(control: str) -> None:
    """The cases of a control show it found, not found, and unknown."""
    mine = [case for case in CASES if case.control == control]
    found = {"non-compliant" if case.finds else case.expect for case in mine}
    assert found == {"compliant", "non-compliant", "unknown"}
    assert any(re.search(r"absent|null", case.name) for case in mine)


@pytest.mark.parametrize(("package", "kind"), [(detectors, "detector"), (remediations, "cure")])
def test_files_are_named_as_their_controls(package: Any, kind: str) -> None:
    """`<service>/<control id with underscores>.py`, and no control twice."""
    mark = "DETECTOR = " if kind == "detector" else "REMEDIATION = "
    found = sorted(Path(package.__path__[0]).glob("*/[a-z]*.py"))
    paths = [path for path in found if f"\n{mark}" in path.read_text(encoding="utf-8")]
    known = [c.id for c in CONTROLS.values() if kind == "detector" or c.remediation is not None]
    assert sorted(path.stem.replace("_", "-") for path in paths) == sorted(known), kind
    for path in paths:
        control = CONTROLS[path.stem.replace("_", "-")]
        assert control.service == path.parent.name
        assert control.detector.id == control.id
        assert control.remediation is None or control.remediation.control == control.id


def test_cases_stand_beside_their_controls() -> None:
    """`tests/cases/<service>/<control id>.yaml`, one for each."""
    assert {path.stem: path.parent.name for path in files()} == {
        control.id: control.service for control in CONTROLS.values()
    }
    twice = [n for n, count in Counter(map(str, CASES)).items() if count > 1]
    assert not twice


def test_a_type_has_one_api_version() -> None:
    """Two versions of one type would be two shapes of one document."""
    versions: dict[str, set[str]] = defaultdict(set)
    for control in CONTROLS.values():
        detector = control.detector
        looked = [lookup.type for lookup in detector.lookups] + [w.type for w in detector.wakes]
        for one in (*detector.types, *looked):
            versions[one.key].add(one.api_version)
    assert {key for key, found in versions.items() if len(found) > 1} == set()


@pytest.mark.parametrize("control", CURES, ids=lambda control: str(control.id))
def test_guided_means_that_something_must_be_said(control: Control) -> None:
    """Guided where a parameter has no default, auto where all have; schemas hold the defaults."""
    cure = control.remediation
    assert cure is not None
    asks = [one for one in cure.parameters if one.default is ABSENT]
    assert cure.kind is (Kind.GUIDED if asks else Kind.AUTO)
    for one in cure.parameters:
        for value in (one.default, one.for_person):
            if value is not ABSENT:
                jsonschema.validate(value, one.schema)


@pytest.mark.parametrize("control", CONTROLS.values(), ids=lambda control: str(control.id))
def test_a_document_without_properties_is_unknown(control: Control) -> None:
    """What a generic list shows is no ground for a verdict."""
    base = next(case for case in CASES if case.control == control.id)
    if base.id.type == "Microsoft.Resources/subscriptions":
        # ARM shows them without: their rules judge by what they look up.
        assert "properties" not in base.body
        return
    bare = {key: value for key, value in base.body.items() if key != "properties"}
    verdict = control.detector.judge(Resource(id=base.id, body=bare))
    assert verdict.state is State.UNKNOWN


@pytest.mark.parametrize("name", ["cis-5.0", "cis-6.0", "mcsb"])
def test_benchmarks_name_controls_that_exist(name: str) -> None:
    """A requirement maps to controls by their ids, each once."""
    path = ROOT / "detectors/benchmarks" / f"{name}.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(document) == {"name", "requirements"}
    for requirement, mapped in document["requirements"].items():
        assert isinstance(requirement, str)
        assert mapped
        assert set(mapped) <= set(CONTROLS)
        assert len(set(mapped)) == len(mapped)


RECORDED = Path(os.environ.get("PORTCULLIS_RECORDED", ROOT / "../shared/recorded")) / "documents"

STORAGE, VAULTS = "Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"
SQL, COSMOS = "Microsoft.Sql/servers", "Microsoft.DocumentDB/databaseAccounts"
GROUPS, NICS = "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/networkInterfaces"
KUSTO, POSTGRESQL = "Microsoft.Kusto/Clusters", "Microsoft.DBforPostgreSQL/flexibleServers"
AI, HUBS = "Microsoft.CognitiveServices/accounts", "Microsoft.EventHub/Namespaces"
SETTINGS = "Microsoft.AppConfiguration/configurationStores"
STUDIOS, TRACES = "Microsoft.MachineLearningServices/workspaces", "Microsoft.Insights/components"
GRANTS, DISKS = "Microsoft.Authorization/roleAssignments", "Microsoft.Compute/disks"

ROLES = "Microsoft.Authorization/roleDefinitions"
SCHEDULES = "microsoft.authorization/roleassignmentscheduleinstances"
"""Where none is recorded, Privileged Identity Management elevated nobody."""

READ_BY_HAND = [
    (STORAGE, "storage-public-blob-access", State.NON_COMPLIANT, "01 05 07 10 18 25 36"),
    (STORAGE, "storage-public-blob-access", State.COMPLIANT, "08 32 40"),
    (STORAGE, "storage-network-default-allow", State.NON_COMPLIANT, "01 05 07 11 12 18 24 25"),
    (STORAGE, "storage-network-default-allow", State.COMPLIANT, "10 34"),
    (STORAGE, "storage-secure-transfer", State.NON_COMPLIANT, "05 09 11 12 16 19 20 29 34 40"),
    (STORAGE, "storage-secure-transfer", State.COMPLIANT, "01 07 08 10 15 17 21 22 36"),
    (STORAGE, "storage-secure-transfer", State.UNKNOWN, "18 24 31 35"),
    (VAULTS, "keyvault-network-default-allow", State.NON_COMPLIANT, "02 03 07 09 10 12 16 17 18"),
    (VAULTS, "keyvault-public-network-access", State.NON_COMPLIANT, "02 03 07 09 10 12 16 17 18"),
    (AI, "ai-services-public-network-access", State.NON_COMPLIANT, "01 03 04 06 07 08 10"),
    (AI, "ai-services-network-default-allow", State.NON_COMPLIANT, "01 03 04 06 07 08 10"),
    (HUBS, "eventhub-public-network-access", State.NON_COMPLIANT, "04 05 06 07"),
    (HUBS, "eventhub-network-default-allow", State.UNKNOWN, "04 05 06 07"),
    (SETTINGS, "appconfig-public-network-access", State.COMPLIANT, "02 04"),
    (SETTINGS, "appconfig-public-network-access", State.NON_COMPLIANT, "03 05"),
    (STUDIOS, "ml-workspace-public-network-access", State.COMPLIANT, "02"),
    (STUDIOS, "ml-workspace-public-network-access", State.NON_COMPLIANT, "03 04"),
    (TRACES, "app-insights-public-access", State.NON_COMPLIANT, "02 03"),
    (VAULTS, "keyvault-purge-protection", State.NON_COMPLIANT, "02 03 07 09 10 12 16 17 18"),
    (COSMOS, "cosmos-firewall-open", State.NON_COMPLIANT, "04 11 12 13 14 16 17 20 21 22"),
    (COSMOS, "cosmos-firewall-open", State.COMPLIANT, "01 03 09 15 19"),
    (DISKS, "disk-active-sas", State.COMPLIANT, "05 07 09 10 11 12 13 14 15 17"),
    (SQL, "sql-firewall-any-internet", State.COMPLIANT, "01 08"),
    (SQL, "sql-firewall-any-internet", State.UNKNOWN, "03 05 06 07 11 13"),
    (GROUPS, "nsg-ssh-from-internet", State.NON_COMPLIANT, "17 19"),
    (GROUPS, "nsg-ssh-from-internet", State.COMPLIANT, "01 02 03 06 07 09 11 12 14 18 23 26 29"),
    (NICS, "datastore-vm-nic-public-ip", State.COMPLIANT, "01 04 05 07 11 12 17 20 23"),
    (NICS, "datastore-vm-nic-public-ip", State.UNKNOWN, "13 18 19"),
    (GRANTS, "iam-owner-at-subscription", State.NON_COMPLIANT, "02"),
    (GRANTS, "iam-owner-at-subscription", State.COMPLIANT, "03 05 08 13 16 19 21 23"),
    (GRANTS, "iam-privileged-assignment-broad", State.NON_COMPLIANT, "02 03 13 23"),
    (GRANTS, "iam-privileged-assignment-broad", State.COMPLIANT, "05 16 19 20 21"),
    (GRANTS, "iam-privileged-assignment-broad", State.UNKNOWN, "08"),
    (GRANTS, "iam-service-principal-privileged", State.NON_COMPLIANT, "03 13"),
    (GRANTS, "iam-privileged-management-group-scope", State.NON_COMPLIANT, "23"),
    (GRANTS, "iam-privileged-management-group-scope", State.COMPLIANT, "05"),
    (GRANTS, "iam-rbac-admin-unconditioned", State.NON_COMPLIANT, "02 23"),
    (GRANTS, "iam-data-role-broad-scope", State.NON_COMPLIANT, "16"),
    (GRANTS, "iam-direct-user-assignment", State.NON_COMPLIANT, "02 19"),
    (ROLES, "iam-custom-role-escalation", State.NON_COMPLIANT, "01 03"),
    (ROLES, "iam-custom-role-escalation", State.COMPLIANT, "06 10"),
    (ROLES, "iam-custom-role-wildcard", State.NON_COMPLIANT, "01"),
    (ROLES, "iam-custom-role-wildcard", State.COMPLIANT, "03 06 10"),
    (ROLES, "iam-custom-role-owner-like", State.COMPLIANT, "01 03"),
    (KUSTO, "kusto-allowed-ip-open", State.NON_COMPLIANT, "01 02"),
    (POSTGRESQL, "postgresql-public-network-access", State.NON_COMPLIANT, "01"),
    (POSTGRESQL, "postgresql-public-network-access", State.COMPLIANT, "02"),
]
"""What a person says of the recorded documents: type, control, state, numbers of the files."""


@pytest.fixture(scope="module")
def recorded() -> dict[Path, dict[str, Any]]:
    """Every recorded document that has an id."""
    if not RECORDED.is_dir():
        pytest.skip(f"no recorded documents at {RECORDED}; PORTCULLIS_RECORDED may name them")
    paths = sorted(RECORDED.glob("*/*/*.json"))
    documents = {path: json.loads(path.read_text(encoding="utf-8")) for path in paths}
    return {path: body for path, body in documents.items() if body.get("id")}


def judged_as_recorded(control: Control, body: Json, everything: Documents) -> State:
    """The state, where a lookup finds what was recorded and fails where nothing was."""
    given: dict[str, Json] = {}
    for lookup in control.detector.lookups:
        try:
            found = everything.found(lookup, Resource(id=ResourceId(body["id"]), body=body))
        except Undecided:
            # What it looks for is told by another lookup, that is not recorded.
            found = []
        given[lookup.name] = found if lookup.type.key == SCHEDULES else found or FAILED
    return everything.judged(control.detector, ResourceId(body["id"]), given, body)[1].state


def test_real_documents_are_judged(recorded: dict[Path, dict[str, Any]]) -> None:
    """Every recorded document of a covered type gets a verdict, and many a known one."""
    everything = Documents(recorded.values())
    expected = {
        (next(RECORDED.glob(f"{folder}/{number}-*.json")), control): state
        for folder, control, state, numbers in READ_BY_HAND
        for number in numbers.split()
    }
    states = {
        (path, control.id): judged_as_recorded(control, body, everything)
        for path, body in recorded.items()
        for control in CONTROLS.values()
        if any(kind.matches(ResourceId(body["id"])) for kind in control.detector.types)
    }
    wrong = {key: states[key] for key, state in expected.items() if states[key] is not state}
    assert wrong == {}
    assert len(states) > len(expected) > 100
