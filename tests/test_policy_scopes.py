"""Scopes that are management groups, what is never watched, and rings, as policy has them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.decision import Do, Mode, Owned
from shared.errors import Refused, Transient, Why
from shared.model import ResourceId
from shared.policy import Policy
from shared.policy_file import load
from shared.policy_parts import Exemption, Freeze, Guard, Ring, Rule
from shared.policy_scopes import MANAGEMENT_GROUPS, Below
from tests.made import ACCOUNT, CONTROLS, GROUP, OTHER_SUB, SUB

NOW = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
PLAIN = CONTROLS["plain"]
ABOVE = {"top": "", "mid": "top", "leaf": "mid", "side": "top", "apart": ""}
"""Management groups, each with the one above it."""
PLACES = {"a": "leaf", "ab": "side", "c": "mid", "lone": ""}
"""Subscriptions, each with its group."""
IN_GROUP = "resourceGroups/prod/providers/Microsoft.Storage/storageAccounts/x"
GRANT = "providers/Microsoft.Authorization/roleAssignments/r"
RESOURCES = [
    *(f"/subscriptions/{one}/{IN_GROUP}" for one in PLACES),
    "/subscriptions/a",
    f"{MANAGEMENT_GROUPS}/mid/{GRANT}",
    f"{MANAGEMENT_GROUPS}/leaf",
    f"/{GRANT}",
]
SCOPES = [
    "/",
    *(f"{MANAGEMENT_GROUPS}/{one}" for one in ABOVE),
    *(f"/subscriptions/{one}" for one in PLACES),
    "/subscriptions/a/resourceGroups/prod",
    f"/subscriptions/a/{IN_GROUP}",
]


def below(name: str) -> Below:
    """The estate above, as a listing tells it."""
    groups = {one for one in ABOVE if name in upwards(ABOVE[one])}
    held = {one for one, group in PLACES.items() if name in upwards(group)}
    return Below(frozenset(held), frozenset(groups))


def upwards(group: str) -> list[str]:
    return [group, *upwards(ABOVE[group])] if group else []


def refusing(names: Iterable[str], told: Callable[[str], Below] = below) -> Callable[[str], Below]:
    """The same estate, where some groups cannot be listed."""
    hidden = frozenset(names)

    def listed(name: str) -> Below:
        if name in hidden:
            raise Refused(f"group {name} is hidden", Why.FORBIDDEN)
        return told(name)

    return listed


def around(rid: str) -> list[str]:
    """Every scope that covers an id by the letter, the narrowest first."""
    parts = [part for part in rid.casefold().split("/") if part]
    found = ["/" + "/".join(parts[:length]) for length in range(len(parts), 0, -1)]
    start = PLACES[parts[1]] if parts[0] == "subscriptions" else ""
    if rid.startswith(MANAGEMENT_GROUPS):
        start = ABOVE[parts[3]]
    return [*found, *(f"{MANAGEMENT_GROUPS}/{one}".casefold() for one in upwards(start)), "/"]


def policy(text: str, told: Callable[[str], Below] = below) -> Policy:
    made = load(f"version: 1\nlimits: [{{writes: 5, per: estate}}]\n{text}", CONTROLS)
    made.place(told)
    return made


scopes = st.builds(
    lambda scope, spelled: spelled(scope),
    st.sampled_from(SCOPES),
    st.sampled_from([str, str.upper, lambda text: text.rstrip("/") + "/"]),
)
lists = st.lists(scopes, max_size=3)
rings = st.lists(
    st.builds(
        Ring,
        name=st.sampled_from(["early", "broad", "last"]),
        scopes=st.lists(scopes, min_size=1, max_size=2),
        after=st.sampled_from([timedelta(0), timedelta(days=7)]),
    ),
    max_size=3,
)
plain_rules = st.builds(
    Rule, control=st.just(["plain"]), scope=scopes, mode=st.sampled_from([*Mode, Mode.ENFORCE])
)
rolled_rules = st.builds(
    Rule,
    control=st.just(["plain"]),
    scope=scopes,
    mode=st.just(Mode.ENFORCE),
    rollout=st.just(date(2026, 3, 1)),
)
exemptions = st.builds(
    Exemption,
    control=st.just(["plain"]),
    scope=scopes,
    category=st.just("waiver"),
    reason=st.just("r"),
    approved_by=st.just("a"),
    expires_on=st.just(date(2026, 12, 31)),
)
freezes = st.builds(
    Freeze,
    scope=scopes,
    starts=st.just("2026-03-01T00:00:00Z"),
    ends=st.just("2026-03-09T00:00:00Z"),
    reason=st.just("r"),
)
policies = st.builds(
    Policy,
    version=st.just(1),
    scopes=st.just(["/"]) | lists,
    exclude=lists,
    rings=rings,
    rules=st.lists(plain_rules | rolled_rules, max_size=5),
    exemptions=st.lists(exemptions, max_size=1),
    freezes=st.lists(freezes, max_size=2),
    guard=st.builds(Guard, protected=lists),
)
resources = st.sampled_from(RESOURCES).map(ResourceId)


@given(st.lists(plain_rules, max_size=8), resources)
def test_the_narrowest_scope_wins_also_among_nested_groups(
    rules: list[Rule], resource: ResourceId
) -> None:
    """The tenant, groups from the outermost in, the subscription, what is in it: the last wins."""
    made = Policy(version=1, rules=rules)
    made.place(below)
    expected = next(
        (
            min(modes, key=lambda mode: mode.rank)
            for here in around(resource.text)
            if (modes := [r.mode for r in rules if ResourceId(r.scope) == ResourceId(here)])
        ),
        Mode.AUDIT,
    )
    assert made.decide(PLAIN, resource, NOW, NOW).mode is expected


@given(lists, lists, resources)
def test_what_is_excluded_is_not_watched(
    watched: list[str], excluded: list[str], resource: ResourceId
) -> None:
    """Watched is what a scope of the one list covers and none of the other; no rule acts there."""
    made = Policy(
        version=1,
        scopes=watched,
        exclude=excluded,
        rules=[Rule(control=["plain"], mode=Mode.ENFORCE)],
    )
    made.place(below)
    here = {ResourceId(one) for one in around(resource.text)}
    inside = [not here.isdisjoint(map(ResourceId, one)) for one in (watched, excluded)]
    assert made.watches(resource) is (inside == [True, False])
    decision = made.decide(PLAIN, resource, NOW, NOW)
    assert (decision.do is Do.REPORT) is inside[1]
    assert decision.source.startswith("policy.yaml $.exclude[") is inside[1]


@given(policies, st.sets(st.sampled_from(list(ABOVE))), resources)
def test_a_group_that_cannot_be_listed_lets_nothing_be_written(
    made: Policy, hidden: set[str], resource: ResourceId
) -> None:
    """Whatever the policy: it decides as if all were seen, or reports and says which is not.

    Of several exclusions or exemptions it may name another line.
    """
    made.place(below)
    seen, frozen = made.decide(PLAIN, resource, NOW, NOW), made.frozen(resource, NOW)
    protected, watched = made.protects(resource), made.watches(resource)
    made.place(refusing(hidden))
    blind = made.decide(PLAIN, resource, NOW, NOW)
    if replace(blind, source=seen.source) != seen:
        assert (blind.do, blind.mode) == (Do.REPORT, Mode.AUDIT)
        assert "is hidden" in blind.reason
    assert made.frozen(resource, NOW) is not None or frozen is None
    assert made.protects(resource) is not None or protected is None
    assert made.watches(resource) or not watched
    if not hidden:
        assert blind == seen


def test_a_subscription_decides_beside_a_group_that_cannot_be_listed() -> None:
    """What is narrower than any management group needs none to be listed."""
    text = f"""rules:
  - {{control: plain, scope: {MANAGEMENT_GROUPS}/top, mode: audit}}
  - {{control: plain, scope: {SUB}, mode: enforce}}
"""
    made = policy(text, refusing(["top"]))
    assert made.decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW).do is Do.REMEDIATE
    beside = made.decide(PLAIN, ResourceId(OTHER_SUB), NOW, NOW)
    assert (beside.do, beside.reason) == (Do.REPORT, "group top is hidden")


def test_a_policy_that_was_not_placed_resolves_no_group() -> None:
    """Read from a file alone it loads, and what a group may decide is reported."""
    text = f"rules: [{{control: plain, scope: {MANAGEMENT_GROUPS}/corp, mode: enforce}}]"
    made = load(f"version: 1\nlimits: [{{writes: 5, per: estate}}]\n{text}", CONTROLS)
    decision = made.decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW)
    assert decision.do is Do.REPORT
    assert "below management group corp cannot be listed" in decision.reason


def test_what_holds_for_want_of_a_listing_says_so() -> None:
    text = f"""guard: {{protected: [{MANAGEMENT_GROUPS}/top]}}
freezes:
  - scope: {MANAGEMENT_GROUPS}/top
    starts: 2026-03-01T00:00Z
    ends: 2026-03-09T00:00Z
    reason: r
"""
    made = policy(text, refusing(["top"]))
    frozen = made.frozen(ResourceId(ACCOUNT), NOW)
    assert frozen is not None
    assert frozen[0] == "policy.yaml:5 $.freezes[0]: group top is hidden"
    assert made.protects(ResourceId(ACCOUNT)) == (
        "policy.yaml:3 $.guard.protected[0]: group top is hidden"
    )


def test_that_it_comes_again_rises_from_whatever_asks() -> None:
    """A passing fault is no answer: neither covered nor not."""

    def away(_: str) -> Below:
        raise Transient("busy", 5)

    group, account = f"{MANAGEMENT_GROUPS}/top", ResourceId(ACCOUNT)
    ruled = policy(f"rules: [{{control: plain, scope: {group}, mode: audit}}]", away)
    with pytest.raises(Transient):
        ruled.decide(PLAIN, account, NOW, NOW)
    with pytest.raises(Transient):
        policy(f"scopes: [{group}]", away).watches(account)
    with pytest.raises(Transient):
        policy(f"exclude: [{group}]", away).excludes(account)
    with pytest.raises(Transient):
        policy(f"guard: {{protected: [{group}]}}", away).protects(account)


def test_nothing_is_listed_that_the_id_tells() -> None:
    """What lies in a group by its own id, and what lies in none, needs no listing."""
    made = policy(f"scopes: [{MANAGEMENT_GROUPS}/Top]", refusing(["top", "Top"]))
    made.rules.append(Rule(control=["plain"], scope=f"{MANAGEMENT_GROUPS}/top", mode=Mode.ENFORCE))
    inside, apart = f"{MANAGEMENT_GROUPS}/TOP/{GRANT}", f"/{GRANT}"
    assert made.decide(PLAIN, ResourceId(inside), NOW, NOW).do is Do.REMEDIATE
    assert not made.watches(ResourceId(apart))


# --- rings

RINGS = f"""rings:
  - {{name: early, scopes: [{SUB}], after: 0d}}
  - {{name: broad, scopes: [/, {GROUP}], after: 7d}}
rules: [{{control: plain, mode: enforce, rollout: 2026-03-10, after: 24h}}]
"""
BEGINS = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rid", "ring", "begins"),
    [
        (f"{SUB}/resourceGroups/x", "early", BEGINS),
        (ACCOUNT, "broad", BEGINS + timedelta(days=7)),
        (OTHER_SUB, "broad", BEGINS + timedelta(days=7)),
    ],
)
def test_a_ring_begins_to_the_second(rid: str, ring: str, begins: datetime) -> None:
    """Before it the finding is announced, with the ring's name; from then on it is acted on."""
    made, resource = policy(RINGS), ResourceId(rid)
    before = made.decide(PLAIN, resource, NOW, begins - timedelta(microseconds=1))
    assert (before.do, before.mode, before.until) == (Do.WAIT, Mode.ENFORCE, begins)
    assert before.reason == f"ring '{ring}' begins {begins:%Y-%m-%d} 00:00 UTC"
    assert before.source == "policy.yaml:6 $.rules[0]"
    assert made.decide(PLAIN, resource, NOW, begins).do is Do.REMEDIATE


def test_the_later_ring_holds_where_two_are_as_narrow() -> None:
    one, two = (f"{{name: '{name}', scopes: [{SUB}], after: 0d}}" for name in "12")
    made = policy(f"rings: [{one}, {two}]").ring_of(ResourceId(ACCOUNT))
    assert made is not None
    assert made.name == "2"
    again = policy(f"rings: [{two}, {one}]").ring_of(ResourceId(ACCOUNT))
    assert again is not None
    assert again.name == "1"


def test_what_is_in_no_ring_is_only_reported() -> None:
    made = policy(RINGS.replace("[/, ", "["))
    long_after = BEGINS + timedelta(days=365)
    decision = made.decide(PLAIN, ResourceId(OTHER_SUB), NOW, long_after)
    assert (decision.do, decision.source) == (Do.REPORT, "policy.yaml:6 $.rules[0]")
    assert "in no ring" in decision.reason
    assert made.decide(PLAIN, ResourceId(ACCOUNT), NOW, long_after).do is Do.REMEDIATE


def test_of_ring_grace_and_notice_the_latest_decides() -> None:
    """A finding that opens later has its whole grace, its owner the whole notice."""
    made, resource = policy(RINGS), ResourceId(f"{SUB}/resourceGroups/x")
    opened = BEGINS + timedelta(hours=1)
    graced = made.decide(PLAIN, resource, opened, opened)
    assert (graced.do, graced.until) == (Do.WAIT, opened + timedelta(hours=24))
    assert graced.reason.startswith("announced")
    owned = Owned("a stack manages it", opened + timedelta(hours=20))
    noticed = made.decide(PLAIN, resource, opened, opened, owned)
    assert (noticed.do, noticed.until) == (Do.WAIT, opened + timedelta(hours=44))
    early = Owned("a stack manages it", NOW)
    waiting = made.decide(PLAIN, resource, NOW, NOW, early)
    assert (waiting.do, waiting.until) == (Do.WAIT, BEGINS)


def test_the_last_day_of_the_calendar_is_never_reached() -> None:
    text = RINGS.replace("7d", "99999d").replace("2026-03-10", "9999-12-31")
    assert policy(text).decide(PLAIN, ResourceId(ACCOUNT), NOW, NOW).do is Do.WAIT
