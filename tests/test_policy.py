"""What policy decides: the narrowest rule, grace, exemptions, freezes, guards, impact."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision import Do, Mode, Owned
from shared.errors import PolicyFault
from shared.findings import Findings
from shared.impact import impact
from shared.model import ResourceId
from shared.outbox import Outbox
from shared.policy import Policy, broken
from shared.policy_file import load
from shared.policy_parts import Rule
from shared.store.embedded import EmbeddedStore
from simulator.clock import VirtualClock
from tests.made import ACCOUNT, CONTROLS, GROUP, OTHER_SUB, SUB, finding

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PLAIN = CONTROLS["plain"]
LIMITS = "limits: [{writes: 5, per: estate}]\n"
SCOPES = [
    "/",
    "/subscriptions/a",
    "/subscriptions/ab",
    "/subscriptions/a/resourceGroups/p",
    "/subscriptions/a/resourceGroups/prod",
    "/subscriptions/a/resourceGroups/prod/providers/Microsoft.Storage/storageAccounts/x",
    "/subscriptions/a/resourceGroups/prod/providers/Microsoft.Storage/storageAccounts/xy",
    "/subscriptions/ab/resourceGroups/prod/providers/Microsoft.Sql/servers/s",
    "/subscriptions/ab/resourceGroups/prod/providers/Microsoft.Sql/servers/s/databases/d",
    "/providers/Microsoft.Authorization/roleAssignments/r",
]


def policy(text: str, *, today: date | None = None) -> Policy:
    return load(f"version: 1\n{LIMITS}{text}", CONTROLS, today=today)


def do(text: str, now: datetime = NOW, rid: str = ACCOUNT, opened: datetime = NOW) -> Do:
    return policy(text).decide(PLAIN, ResourceId(rid), opened, now).do


def slow_mode(rules: list[Rule], control: str, rid: str) -> Mode:
    """The deciding mode by the letter: up from the resource, segment by segment."""
    segments = [s for s in rid.casefold().split("/") if s]
    for length in range(len(segments), -1, -1):
        here = "/" + "/".join(segments[:length])
        modes = [
            rule.mode
            for rule in rules
            if rule.scope.casefold().rstrip("/") == here.rstrip("/")
            and (control in rule.control or "*" in rule.control)
        ]
        for mode in Mode:
            if mode in modes:
                return mode
    return Mode.AUDIT


scopes = st.builds(
    lambda scope, upper, slash: (scope.upper() if upper else scope) + ("/" if slash else ""),
    st.sampled_from(SCOPES),
    st.booleans(),
    st.booleans(),
)
rules = st.builds(
    lambda names, scope, mode: Rule(
        control=names, scope=scope, mode=Mode.APPROVE if "*" in names else mode
    ),
    st.lists(st.sampled_from(["plain", "second", "*"]), min_size=1, max_size=2, unique=True),
    scopes,
    st.sampled_from(Mode),
)


@given(st.lists(rules, max_size=8), st.sampled_from(SCOPES[5:]), st.sampled_from([str, str.upper]))
def test_the_narrowest_scope_wins_and_ties_go_to_caution(
    given_rules: list[Rule], rid: str, spelled: Callable[[str], str]
) -> None:
    """Over any rules the deciding mode is the one that a search up the id finds."""
    deciding = Policy(version=1, rules=given_rules)
    resource_id = ResourceId(spelled(rid))
    decision = deciding.decide(PLAIN, resource_id, NOW, NOW)
    assert decision.mode is slow_mode(given_rules, "plain", rid)
    found = deciding.rule_for("plain", resource_id)
    if found is None:
        assert decision.source == "default: audit"
    else:
        assert found[1] is given_rules[found[0]]
        assert decision.source.endswith(f"$.rules[{found[0]}]")


def test_nothing_said_means_audit() -> None:
    """Without a rule that covers it a finding is reported, and the default is named."""
    decision = policy("").decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW)
    assert (decision.do, decision.mode, decision.source) == (
        Do.REPORT,
        Mode.AUDIT,
        "default: audit",
    )


def test_scopes_end_at_a_segment() -> None:
    """A scope covers itself and what is under it, and nothing whose name only begins so."""
    text = f"rules: [{{control: plain, scope: {GROUP}, mode: enforce}}]"
    assert do(text) is Do.REMEDIATE
    assert do(text, rid=ACCOUNT.upper()) is Do.REMEDIATE
    assert do(text, rid=ACCOUNT.replace("/Prod/", "/Prod2/")) is Do.REPORT
    assert do(text, rid=ACCOUNT.replace("/Prod/", "/Pro/")) is Do.REPORT
    assert do(text, rid=f"{OTHER_SUB}/resourceGroups/Prod") is Do.REPORT


def test_grace_ends_to_the_second() -> None:
    """With `after` a finding waits until it is that old, and is acted on from then on."""
    text = "rules: [{control: plain, mode: enforce, after: 24h}]"
    day = timedelta(days=1)
    waiting = policy(text).decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW)
    assert (waiting.do, waiting.until) == (Do.WAIT, NOW + day)
    assert do(text, NOW + day - timedelta(microseconds=1)) is Do.WAIT
    assert do(text, NOW + day) is Do.REMEDIATE


@pytest.mark.parametrize(
    ("mode", "told", "expected"),
    [
        ("enforce", 0, Do.WAIT),
        ("enforce", 12, Do.REMEDIATE),
        ("enforce, after: 24h", 12, Do.WAIT),
        ("approve", 0, Do.ASK),
        ("audit", 0, Do.REPORT),
    ],
)
def test_a_notice_holds_back_what_is_enforced_alone(mode: str, told: int, expected: Do) -> None:
    """It counts from when the owner was told, the grace from when the finding opened."""
    text = f"rules: [{{control: plain, mode: {mode}}}]\ninfrastructure_code: {{notice: 12h}}\n"
    opened = since = NOW - timedelta(hours=told)
    owned = Owned("a stack manages it", since)
    decision = policy(text).decide(PLAIN, ResourceId(ACCOUNT), opened, NOW, owned)
    assert decision.do is expected
    assert decision.reason.startswith("a stack manages it: notice") is (expected is Do.WAIT)


def test_the_longest_grace_still_decides() -> None:
    """The longest duration that loads makes an answer, not an overflow."""
    text = "undo_exemption: 99999d\ncontested: {window: 99999d}\n"
    text += "rules: [{control: plain, mode: enforce, after: 99999d}]"
    assert do(text) is Do.WAIT
    loaded = policy(text)
    assert NOW + loaded.undo_exemption > NOW > NOW - loaded.contested.window


@pytest.mark.parametrize("mode", ["audit", "approve", "enforce"])
def test_parameters_of_the_rule_and_the_cures_defaults(mode: str) -> None:
    """Whatever the mode, a decision carries the rule's parameters, defaults filled in."""
    text = f"rules: [{{control: guided, mode: {mode}, parameters: {{ranges: ['10.0.0.1']}}}}]"
    decision = policy(text).decide(CONTROLS["guided"], ResourceId(ACCOUNT), NOW, NOW)
    assert decision.parameters == {"ranges": ["10.0.0.1"], "hours": 4}


def exemption(expires: str = "2026-03-02", scope: str = "/", control: str = "plain") -> str:
    return (
        "rules: [{control: plain, mode: enforce}]\n"
        f"exemptions: [{{control: '{control}', scope: {scope}, category: waiver, reason: old app,"
        f" approved_by: alice, expires_on: {expires}}}]"
    )


def test_an_exemption_holds_through_its_last_day() -> None:
    """It exempts until midnight UTC after `expires_on`, says until when, and then no longer."""
    decision = policy(exemption()).decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW)
    midnight = datetime(2026, 3, 3, tzinfo=UTC)
    assert (decision.do, decision.until) == (Do.EXEMPT, midnight)
    assert decision.reason == "waiver: old app (alice)"
    assert decision.source.endswith("$.exemptions[0]")
    assert do(exemption(), midnight - timedelta(microseconds=1)) is Do.EXEMPT
    assert do(exemption(), midnight) is Do.REMEDIATE


def test_an_exemption_ends_at_its_scope_and_control() -> None:
    """It exempts what its scope covers and its control names; `*` names all."""
    assert do(exemption(scope=GROUP)) is Do.EXEMPT
    assert do(exemption(scope=f"{GROUP}2")) is Do.REMEDIATE
    assert do(exemption(control="second")) is Do.REMEDIATE
    assert do(exemption(control="*")) is Do.EXEMPT


def test_the_last_day_of_the_calendar_exempts() -> None:
    """The latest date there is makes a decision, not an overflow."""
    assert do(exemption("9999-12-31")) is Do.EXEMPT


def test_a_freeze_holds_from_its_start_to_before_its_end() -> None:
    """A freeze covers its scope from `starts` on and ends at `ends`, in whatever time zone."""
    text = (
        f"freezes: [{{scope: {GROUP}, starts: '2026-03-02T08:00:00+02:00',"
        " ends: 2026-03-02T08:00:00Z, reason: audit week}]"
    )
    frozen, rid, second = policy(text), ResourceId(ACCOUNT), timedelta(seconds=1)
    found = frozen.frozen(rid, NOW)
    assert found is not None
    assert (found[0].rsplit(" ", 1)[1], found[1].reason) == ("$.freezes[0]", "audit week")
    assert frozen.frozen(rid, NOW - second) is None
    assert frozen.frozen(rid, NOW + timedelta(hours=2) - second) is not None
    assert frozen.frozen(rid, NOW + timedelta(hours=2)) is None
    assert frozen.frozen(ResourceId(f"{GROUP}2"), NOW) is None


def test_protected_scopes_cover_what_is_in_them() -> None:
    """A protected scope protects itself and all below, by name of its own line."""
    guarded = policy(f"guard:\n  protected:\n    - {OTHER_SUB}\n    - {ACCOUNT.upper()}\n")
    assert guarded.protects(ResourceId(ACCOUNT)) == "policy.yaml:6 $.guard.protected[1]"
    assert guarded.protects(ResourceId(f"{ACCOUNT}/blobServices/default")) is not None
    assert guarded.protects(ResourceId(f"{OTHER_SUB}/resourceGroups/x")) is not None
    assert guarded.protects(ResourceId(GROUP)) is None
    assert guarded.protects(ResourceId(f"{ACCOUNT}2")) is None


def test_watched_scopes() -> None:
    """Watched is what lies in a scope of the list; without a list, everything."""
    assert policy("").watches(ResourceId(ACCOUNT))
    watching = policy(f"scopes: [{GROUP}]")
    assert watching.watches(ResourceId(ACCOUNT))
    assert not watching.watches(ResourceId(SUB))
    assert not policy("scopes: []").watches(ResourceId(ACCOUNT))


def test_a_broken_policy_reports_and_says_why() -> None:
    """Under a broken policy every decision is a report whose reason names every fault."""
    stopped = broken((PolicyFault("$.rules[0]", "bad"), PolicyFault("$.limits", "worse")))
    decision = stopped.decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW + timedelta(days=400))
    assert decision.do is Do.REPORT
    assert "$.rules[0]: bad" in decision.reason
    assert "$.limits: worse" in decision.reason
    assert not stopped.writes_something
    assert stopped.limits == []
    assert policy("").broken == ()


@pytest.fixture
def findings() -> Findings:
    """Open findings of two controls on two accounts, and one that is closed again."""
    clock = VirtualClock(NOW)
    store = EmbeddedStore(clock.now)
    made = Findings(store, Outbox(store, clock.now), clock.now)
    for rid in (ACCOUNT, f"{ACCOUNT}2"):
        made.see(finding("plain", rid), ())
    made.see(finding("second"), ())
    made.close(made.see(finding("final"), ()), "gone")
    return made


def test_impact_names_what_an_edit_changes(findings: Findings) -> None:
    """Only open findings whose decision differs are shown, and how many writes would follow."""
    old = policy(f"rules: [{{control: '*', scope: {ACCOUNT}, mode: approve}}]")
    new = policy("rules: [{control: [plain, second], mode: enforce}]")
    found = impact(old, new, findings, CONTROLS, NOW)
    shown = {(c["control"], c["resource_id"], c["before"], c["after"]) for c in found.changes}
    assert shown == {
        ("plain", ACCOUNT, "ask", "remediate"),
        ("plain", f"{ACCOUNT}2", "report", "remediate"),
        ("second", ACCOUNT, "ask", "remediate"),
    }
    assert {c["disruption"] for c in found.changes} == {"Somebody waits."}
    assert (found.would_write, found.limits) == (3, [])
    assert impact(new, new, findings, CONTROLS, NOW).changes == []


def test_impact_names_the_limits_that_would_not_suffice(findings: Findings) -> None:
    """A limit that is smaller than what would follow is named with its count, by its key."""
    limits = "limits: [{writes: 3, per: estate}, {writes: 1, per: control, window: 2h}]\n"
    text = f"version: 1\n{limits}rules: [{{control: [plain, second], mode: enforce, after: 1h}}]"
    found = impact(policy(""), load(text, CONTROLS), findings, CONTROLS, NOW)
    assert found.would_write == 3
    assert len(found.limits) == 1
    assert "$.limits[1]: 2 writes wait for 1 per control (plain)" in found.limits[0]
