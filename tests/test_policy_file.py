"""How a policy file is read: strict, every error at once, and the same by the JSON Schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from shared.decision import Do
from shared.errors import PolicyError
from shared.model import ResourceId
from shared.policy import Policy
from shared.policy_file import load
from shared.policy_schema import schema
from tests.made import ACCOUNT, CONTROLS, GROUP
from tests.test_policy import NOW

ROOT = Path(__file__).parents[1]
LIMITS = "limits: [{writes: 5, per: estate}]\n"
RINGS = "rings: [{name: a, scopes: [/], after: 0d}]"
DAY = "2027-01-11"
TO = "to: '06:00'"
NIGHT = f"from: '22:00', {TO}"
EXEMPT = "category: waiver, reason: r, approved_by: a"


def faults(text: str, *, head: str = f"version: 1\n{LIMITS}", **more: Any) -> dict[str, str]:
    """The errors of a file by path; none for a good one."""
    try:
        load(head + text, CONTROLS, **more)
    except PolicyError as error:
        found = {f.path: f.message for f in error.faults}
    else:
        return {}
    assert "\n" not in "".join(found.values())
    return found


@pytest.mark.parametrize(
    ("text", "path", "says"),
    [
        ("nonsense: 1", "$.nonsense", "no such key"),
        ("guard: {brake_glass: []}", "$.guard.brake_glass", "no such key"),
        ("rules: [{control: plain}]", "$.rules[0].mode", "is missing"),
        ("rules: [{control: plain, mode: block}]", "$.rules[0].mode", "audit"),
        ("rules: [{control: pain, mode: audit}]", "$.rules[0].control", "no such control: pain"),
        ("rules: [{control: [], mode: audit}]", "$.rules[0].control", "at least 1"),
        ("rules: {control: plain}", "$.rules", "list"),
        ("rules: [{control: plain, mode: audit, scope: prod}]", "$.rules[0].scope", "slash"),
        ("rules: [{control: '*', mode: enforce}]", "$.rules[0]", "enforce names its controls"),
        ("rules: [{control: [plain, '*'], mode: enforce}]", "$.rules[0]", "names its controls"),
        ("rules: [{control: words, mode: enforce}]", "$.rules[0]", "no remediation"),
        ("rules: [{control: told, mode: enforce}]", "$.rules[0]", "no remediation"),
        ("rules: [{control: rights, mode: enforce}]", "$.rules[0]", "takes rights away"),
        ("rules: [{control: final, mode: enforce}]", "$.rules[0]", "irreversible: true"),
        ("rules: [{control: guided, mode: enforce}]", "$.rules[0]", "needs parameters.ranges"),
        ("rules: [{control: [plain, guided], mode: enforce}]", "$.rules[0]", "parameters.ranges"),
        (
            "rules: [{control: plain, mode: audit, parameters: {a: 1}}]",
            "$.rules[0]",
            "no parameter a",
        ),
        (
            "rules: [{control: [plain, second], mode: audit, parameters: {a: 1}}]",
            "$.rules[0]",
            "no parameter a",
        ),
        (
            "rules: [{control: '*', mode: approve, parameters: {a: 1}}]",
            "$.rules[0]",
            "no parameter a",
        ),
        (f"exemptions: [{{control: plain, scope: /, {EXEMPT}}}]", "$.exemptions[0].expires_on", ""),
        (
            f"exemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: 2026-02-30}}]",
            "$.exemptions[0].expires_on",
            "date",
        ),
        (
            f"exemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: 1767139200}}]",
            "$.exemptions[0].expires_on",
            "written as",
        ),
        (
            "freezes: [{starts: 1, ends: 2026-03-02T00:00:00Z, reason: r}]",
            "$.freezes[0].starts",
            "written as",
        ),
        (
            "freezes: [{starts: 2026-03-01T00:00:00, ends: 2026-03-02T00:00:00Z, reason: r}]",
            "$.freezes[0].starts",
            "time zone",
        ),
        (
            "freezes: [{starts: 2026-03-01T00:00:00Z, ends: 2026-03-01T00:00:00Z, reason: r}]",
            "$.freezes[0]",
            "not after",
        ),
        ("critical_share: 1.5", "$.critical_share", "less than"),
        ("critical_share: .nan", "$.critical_share", ""),
        ("critical_share: true", "$.critical_share", "number"),
        ("contested: {times: 0}", "$.contested.times", "greater"),
        ("contested: {window: 0m}", "$.contested.window", "no length"),
        (
            "scopes: [/PROVIDERS/microsoft.management/managementgroups/]",
            "$.scopes[0]",
            "has a name",
        ),
        ("exclude: [prod]", "$.exclude[0]", "slash"),
        ("rings: [{name: a, scopes: [], after: 0d}]", "$.rings[0].scopes", "at least 1"),
        ("rings: [{name: a, scopes: [/]}]", "$.rings[0].after", "is missing"),
        (
            "rings: [{name: a, scopes: [/], after: 0d}, {name: a, scopes: [/], after: 1d}]",
            "$.rings[1].name",
            "another ring is named a",
        ),
        (
            "rules: [{control: plain, mode: enforce, rollout: 2026-03-10}]",
            "$.rules[0].rollout",
            "name the rings",
        ),
        (
            f"{RINGS}\nrules: [{{control: plain, mode: approve, rollout: 2026-03-10}}]",
            "$.rules[0]",
            "rollout is for a rule that enforces",
        ),
        (
            f"{RINGS}\nrules: [{{control: plain, mode: enforce, rollout: 2026-02-30}}]",
            "$.rules[0].rollout",
            "date",
        ),
        ("sweeps: {full: 59m}", "$.sweeps.full", "at least 1h"),
        ("sweeps: {incremental: 299s}", "$.sweeps.incremental", "at least 5m"),
        ("sweeps: {lookups: 14m}", "$.sweeps.lookups", "at least 15m"),
        ("sweeps: {full: 1h, incremental: 1h}", "$.sweeps", "not shorter than full"),
        ("sweeps: {hourly: 1h}", "$.sweeps.hourly", "no such key"),
        ("notices: {every: 0m}", "$.notices.every", "no length"),
        ("notices: {owner_tag: ''}", "$.notices.owner_tag", "at least 1"),
        (f"notices: {{quiet: [{{from: 22:00, {TO}}}]}}", "$.notices.quiet[0].from", "in quotes"),
        (f"notices: {{quiet: [{{from: '24:00', {TO}}}]}}", "$.notices.quiet[0].from", "'22:00'"),
        (f"notices: {{quiet: [{{{TO}}}]}}", "$.notices.quiet[0].from", "is missing"),
        (f"notices: {{quiet: [{{{NIGHT}, zone: CET/x}}]}}", "$.notices.quiet[0].zone", "IANA"),
        (f"notices: {{quiet: [{{{NIGHT}, zone: ../x}}]}}", "$.notices.quiet[0].zone", "IANA"),
        (f"notices: {{quiet: [{{{NIGHT}, zone: Europe}}]}}", "$.notices.quiet[0].zone", "IANA"),
        (f"notices: {{quiet: [{{{NIGHT}, zone: 2}}]}}", "$.notices.quiet[0].zone", "IANA"),
        (f"notices: {{quiet: [{{{NIGHT}, days: []}}]}}", "$.notices.quiet[0].days", "at least 1"),
        (f"notices: {{quiet: [{{{NIGHT}, days: [Mo]}}]}}", "$.notices.quiet[0].days[0]", "'mon'"),
        (f"notices: {{quiet: [{{from: '06:00', {TO}}}]}}", "$.notices.quiet[0]", "never ends"),
        ("undo_exemption: 1w", "$.undo_exemption", "s, m, h, d"),
        ("undo_exemption: 7", "$.undo_exemption", "s, m, h, d"),
        ("undo_exemption: -7d", "$.undo_exemption", "s, m, h, d"),
        ("undo_exemption: 1.5h", "$.undo_exemption", "s, m, h, d"),
        ("undo_exemption: 99999999999999999d", "$.undo_exemption", "s, m, h, d"),
        ("a: 1\na: 2", "$", "line 4: a is said twice"),
        ("guard: {protected: [], protected: [/]}", "$", "line 3: protected is said twice"),
        ("rules: [{control: plain, mode: audit, mode: enforce}]", "$", "mode is said twice"),
        ("? [a, b]\n: 1", "$", "a key is a word"),
        ("rules: [", "$", "line"),
        ("rules: !!python/object:os.system {}", "$", "tag"),
        ("---\nversion: 1", "$", "document"),
    ],
)
def test_an_error_is_named_with_its_path(text: str, path: str, says: str) -> None:
    """Whatever cannot be used is refused under the path where it stands."""
    found = faults(text)
    assert list(found) == [path]
    assert says in found[path]


@pytest.mark.parametrize("value", ["'10'", "10.0", "true", "-1", ".inf", "null", "[1]"])
def test_a_limit_is_a_whole_number(value: str) -> None:
    """Writes that are not a whole number of at least zero are refused, never guessed."""
    assert list(faults(f"limits: [{{writes: {value}, per: estate}}]", head="version: 1\n")) == [
        "$.limits[0].writes"
    ]


def test_a_limit_has_a_window() -> None:
    """A window of no length, in which nothing would ever count, is refused."""
    found = faults("limits: [{writes: 5, per: estate, window: 0s}]", head="version: 1\n")
    assert list(found) == ["$.limits[0].window"]


@pytest.mark.parametrize("mode", ["approve", "enforce"])
def test_a_policy_that_writes_must_limit_writes(mode: str) -> None:
    """A rule that lets something be written needs limits; one that audits does not."""
    text = f"rules: [{{control: plain, mode: {mode}}}]"
    assert list(faults(text, head="version: 1\n")) == ["$.limits"]
    assert list(faults(text, head="version: 1\nlimits: []\n")) == ["$.limits"]
    assert faults(text) == {}
    assert faults("rules: [{control: plain, mode: audit}]", head="version: 1\n") == {}


@pytest.mark.parametrize("version", ["", "version: 2\n", "version: true\n", "version: '1'\n"])
def test_another_version_is_refused(version: str) -> None:
    """Only version 1 is read; another, or none, is refused."""
    assert list(faults("scopes: [/]", head=version)) == ["$.version"]


@pytest.mark.parametrize("text", ["", "# nothing", "[]", "just words", "null", "1"])
def test_a_file_without_a_mapping_is_refused(text: str) -> None:
    """An empty file, or one that holds something else, is broken: it is no policy of nothing."""
    assert list(faults(text, head="")) == ["$"]


def test_every_error_at_once() -> None:
    """One reading names all errors of a file, each with its own path."""
    found = faults(
        f"""version: 2
nonsense: 1
rules:
  - {{control: plain, mode: enforce}}
  - {{control: pain, scope: prod, mode: never, after: soon}}
  - {{control: final, mode: enforce}}
  - {{control: plain, mode: enforce, rollout: 2026-03-10}}
exemptions: [{{control: [plain, pain], scope: /, {EXEMPT}, expires_on: never}}]
sweeps: {{full: 1m, lookups: 1m}}
freezes: [{{starts: now, ends: then, reason: ''}}]
critical_share: 2
""",
        head="",
    )
    assert set(found) == {
        "$.version",
        "$.nonsense",
        "$.rules[1].control",
        "$.rules[1].scope",
        "$.rules[1].mode",
        "$.rules[1].after",
        "$.rules[2]",
        "$.rules[3].rollout",
        "$.sweeps.full",
        "$.sweeps.lookups",
        "$.exemptions[0].control",
        "$.exemptions[0].expires_on",
        "$.freezes[0].starts",
        "$.freezes[0].ends",
        "$.freezes[0].reason",
        "$.critical_share",
        "$.limits",
    }


def test_what_may_be_enforced() -> None:
    """Enforce takes a reversible cure, a partly reversible one, and with a line the others."""
    good = [
        "{control: [plain, second, partly], mode: enforce, after: 30m}",
        "{control: final, mode: enforce, irreversible: true}",
        "{control: guided, mode: enforce, parameters: {ranges: ['10.0.0.1'], hours: 2}}",
        "{control: [plain, guided], mode: enforce, parameters: {ranges: ['10.0.0.1']}}",
        "{control: '*', mode: approve}",
        "{control: [rights, words, guided], mode: approve}",
        "{control: '*', mode: approve, parameters: {hours: 2}}",
    ]
    for rule in good:
        assert faults(f"rules: [{rule}]") == {}, rule
    assert "takes rights away" in str(
        faults("rules: [{control: rights, mode: enforce, irreversible: true}]")
    )


@pytest.mark.parametrize(
    "parameters",
    [
        "{ranges: []}",
        "{ranges: '10.0.0.1'}",
        "{ranges: [10]}",
        "{ranges: ['here']}",
        "{ranges: ['0.0.0.0']}",
        "{ranges: ['10.0.0.1', '0']}",
        "{ranges: null}",
        "{ranges: ['10.0.0.1'], hours: true}",
        "{ranges: ['10.0.0.1'], hours: false}",
        "{ranges: ['10.0.0.1'], hours: '4'}",
        "{ranges: ['10.0.0.1'], hours: 4.5}",
    ],
)
@pytest.mark.parametrize("mode", ["enforce", "approve"])
def test_parameters_must_have_their_form(parameters: str, mode: str) -> None:
    """A parameter that does not fit the cure's schema is refused when the file is read."""
    found = faults(f"rules: [{{control: guided, mode: {mode}, parameters: {parameters}}}]")
    assert list(found) == ["$.rules[0]"]
    assert "does not fit" in found["$.rules[0]"]


def test_an_expired_exemption_is_an_error_only_to_people_who_edit() -> None:
    """With `today` an exemption of yesterday is an error and one of today is none; else neither."""
    text = f"exemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: 2026-03-02}}]"
    assert faults(text) == {}
    assert faults(text, today=date(2026, 3, 2)) == {}
    found = faults(text, today=date(2026, 3, 3))
    assert list(found) == ["$.exemptions[0].expires_on"]
    assert "expired on 2026-03-02" in found["$.exemptions[0].expires_on"]


def test_sources_name_the_line() -> None:
    """A decision names the line of the rule that decided it, counted from 1."""
    text = f"""version: 1
# a comment
limits: [{{writes: 5, per: estate}}]

rules:
  - control: plain
    mode: audit
  - {{control: plain, scope: {GROUP}, mode: approve}}
"""
    loaded = load(text, CONTROLS)
    decision = loaded.decide(CONTROLS["plain"], ResourceId(ACCOUNT), NOW, NOW)
    assert decision.source == "policy.yaml:8 $.rules[1]"
    assert loaded.source("$.limits[0]") == "policy.yaml:3 $.limits[0]"
    assert loaded.source("$.nowhere") == "policy.yaml $.nowhere"
    assert load("version: 1", CONTROLS).source("$.rules[1]") == "policy.yaml $.rules[1]"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.text("[]{}:-,?&*!|>'\"%@`#\n \tabc1", max_size=60))
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    """No text makes anything rise but PolicyError."""
    faults(text)
    faults(text, head="")


# --- the JSON Schema

GOOD = [
    "version: 1",
    f"version: 1\nscopes: [/, {GROUP}]",
    "version: 1\nrules: [{control: plain, mode: audit}, {control: [plain, '*'], mode: audit}]",
    "version: 1\nlimits: [{writes: 0, per: run}, {writes: 5, per: control, window: 00001s}]",
    f"version: 1\n{LIMITS}rules: [{{control: final, mode: enforce, irreversible: true}}]",
    f"version: 1\nexemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: '2026-12-31'}}]",
    "version: 1\nfreezes: [{starts: 2026-12-24T18:00Z, ends: '2027-01-01 00:00+01:00', reason: r}]",
    "version: 1\ncritical_share: 0\nguard: {break_glass: [a], protected: [/]}",
    "version: 1\ncontested: {times: 1, window: 99999d, critical_goes_on: true}",
    "version: 1\nundo_exemption: 0d",
    "version: 1\nexclude: [/providers/Microsoft.Management/managementGroups/sandbox]",
    "version: 1\nsweeps: {full: 1h, incremental: 5m, lookups: 15m}",
    f"version: 1\n{LIMITS}{RINGS}\nrules: [{{control: plain, mode: enforce, rollout: '{DAY}'}}]",
    "version: 1\ninfrastructure_code: {tags: [a, 'a: b', 'a:*', 'a: b*'], notice: 1h}",
    "version: 1\ninfrastructure_code: {stacks: true, deployments: 7d}",
]
BAD = [
    "{}",
    "version: 2",
    "version: true",
    "version: 1\nnonsense: 1",
    "version: 1\nscopes: /",
    "version: 1\nscopes: [prod]",
    "version: 1\nrules: [{mode: audit}]",
    "version: 1\nrules: [{control: [], mode: audit}]",
    "version: 1\nrules: [{control: '', mode: audit}]",
    "version: 1\nrules: [{control: plain, mode: block}]",
    "version: 1\nrules: [{control: plain, mode: audit, afterwards: 1h}]",
    "version: 1\nrules: [{control: plain, mode: audit, after: 1w}]",
    "version: 1\nrules: [{control: plain, mode: audit, after: 999999d}]",
    "version: 1\nrules: [{control: plain, mode: audit, irreversible: 'yes'}]",
    "version: 1\nlimits: [{writes: -1, per: run}]",
    "version: 1\nlimits: [{writes: '5', per: run}]",
    "version: 1\nlimits: [{writes: true, per: run}]",
    "version: 1\nlimits: [{writes: 5, per: day}]",
    "version: 1\nlimits: [{writes: 5}]",
    "version: 1\nlimits: [{writes: 5, per: run, window: 0s}]",
    "version: 1\nlimits: [{writes: 5, per: run, window: 000h}]",
    f"version: 1\nexemptions: [{{control: plain, scope: /, {EXEMPT}}}]",
    f"version: 1\nexemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: 20261231}}]",
    f"version: 1\nexemptions: [{{control: plain, scope: /, {EXEMPT}, expires_on: '31.12.2026'}}]",
    "version: 1\nfreezes: [{starts: '2026-12-24T18:00', ends: '2027-01-01T00:00', reason: a}]",
    "version: 1\ncritical_share: 1.01",
    "version: 1\ncritical_share: 'half'",
    "version: 1\ncontested: {times: 0}",
    "version: 1\nguard: []",
    "version: 1\nexclude: /",
    "version: 1\nsweeps: {full: daily}",
    "version: 1\nrings: [{name: a, scopes: [], after: 0d}]",
    "version: 1\nrings: [{scopes: [/], after: 0d}]",
    f"version: 1\n{LIMITS}{RINGS}\nrules: [{{control: plain, mode: enforce, rollout: soon}}]",
    "version: 1\ninfrastructure_code: {tags: [managed-by: terraform]}",
    "version: 1\ninfrastructure_code: {tags: ['*']}",
    "version: 1\ninfrastructure_code: {tags: ['a*: b']}",
    "version: 1\ninfrastructure_code: {tags: ['']}",
    "version: 1\ninfrastructure_code: {stacks: 'yes'}",
    "version: 1\ninfrastructure_code: {deployments: week}",
    "version: 1\ninfrastructure_code: {notice: 0h}",
]


def by_schema(text: str) -> list[str]:
    validator = jsonschema.Draft202012Validator(schema())
    return [str(error.message) for error in validator.iter_errors(yaml.safe_load(text))]


@pytest.mark.parametrize("text", GOOD)
def test_schema_and_loader_accept_the_same(text: str) -> None:
    """What the loader takes, an editor that goes by the schema takes too."""
    assert faults(text, head="") == {}
    assert by_schema(text) == []


@pytest.mark.parametrize("text", BAD)
def test_schema_and_loader_refuse_the_same(text: str) -> None:
    """What the loader refuses for its form, an editor marks too."""
    assert faults(text, head="") != {}
    assert by_schema(text) != []


def test_the_schema_is_one() -> None:
    """The schema is itself valid JSON Schema, and describes no key that policy lacks."""
    jsonschema.Draft202012Validator.check_schema(schema())
    assert set(schema()["properties"]) == set(Policy.model_fields)


def keys() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(what holds it, key, its schema) of every key that a policy may have."""
    whole = schema()
    for name, held in {"policy": whole, **whole["$defs"]}.items():
        for key, said in held.get("properties", {}).items():
            yield name, key, said


def test_the_schema_says_what_every_key_means() -> None:
    assert [(name, key) for name, key, said in keys() if not said.get("description")] == []


def test_defaults_of_the_schema_can_be_written() -> None:
    """What an editor fills in is what a policy may say."""
    whole = schema()
    checked = 0
    for _, key, said in keys():
        if said.get("default") is not None:
            validator = jsonschema.Draft202012Validator({"$defs": whole["$defs"], **said})
            assert [fault.message for fault in validator.iter_errors(said["default"])] == [], key
            checked += 1
    assert checked > 20


def test_the_schema_in_docs_is_the_schema() -> None:
    """The file that editors read is what the command prints."""
    told = "run: python -m docs.generate"
    written = ROOT / "docs" / "policy.schema.json"
    assert written.exists(), told
    assert json.loads(written.read_text(encoding="utf-8")) == schema(), told


# --- the policy that is shipped


def test_the_shipped_policy_audits_everything() -> None:
    """`policy.yaml` loads against the real controls and reports every finding of each."""
    known = rules.controls()
    shipped = load((ROOT / "policy.yaml").read_text(encoding="utf-8"), known)
    assert not shipped.writes_something
    assert {
        shipped.decide(control, ResourceId(ACCOUNT), NOW, NOW).do for control in known.values()
    } == {Do.REPORT}
    assert shipped.watches(ResourceId(ACCOUNT))
    assert shipped.limits


def test_the_shipped_policy_names_every_key_once() -> None:
    """Every key of the schema is in `policy.yaml`: the top ones once, the others at least told."""
    text = (ROOT / "policy.yaml").read_text(encoding="utf-8")
    lines = [line.split(":", maxsplit=1)[0] for line in text.splitlines() if line[:1].isalpha()]
    assert sorted(lines) == sorted(schema()["properties"])
    named = set(re.findall(r"[a-z_]+", text))
    inner = {key for one in schema()["$defs"].values() for key in one.get("properties", {})}
    assert inner - named == set()
