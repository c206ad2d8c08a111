"""Scopes of large estates: management groups, what is never watched, and rings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.model import ResourceId
from shared.policy_scopes import MANAGEMENT_GROUPS
from shared.settings import App
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import ALICE, LIMITS, SUBSCRIPTION, US, World, policy, storage

BLOB = "storage-public-blob-access"
CORP, NESTED = f"{MANAGEMENT_GROUPS}/corp", f"{MANAGEMENT_GROUPS}/landing-zones"
BESIDE = f"{SUBSCRIPTION[:-1]}2"
EMPTY = f"{MANAGEMENT_GROUPS}/empty"
READING = "Microsoft.Management/managementGroups/read"
LISTING = "Microsoft.Management/managementGroups/descendants/read"
AT_CORP = f"rules: [{{control: {BLOB}, scope: {CORP}, mode: enforce}}]\n"


def placed(group: str, subscription: str = SUBSCRIPTION) -> str:
    return f"{group}/subscriptions/{subscription.rsplit('/', 1)[1]}"


def estate(world: World) -> list[str]:
    """An open account two groups below `corp`, and one in a subscription beside it."""
    beside = storage("beside", allowBlobPublicAccess=True)
    beside["id"] = beside["id"].replace(SUBSCRIPTION, BESIDE)
    parent = {"details": {"parent": {"id": CORP}}}
    world.load(
        {"id": CORP}, {"id": NESTED, "properties": parent}, {"id": placed(NESTED)}, {"id": BESIDE}
    )
    world.load({"id": EMPTY})
    return world.load(storage("inside", allowBlobPublicAccess=True), beside)


@pytest.fixture
def accounts(world: World) -> list[str]:
    return estate(world)


def is_open(world: World, account: str) -> bool:
    return world.properties(account)["allowBlobPublicAccess"] is True


def looks(world: World, account: str) -> int:
    """How often an account was read."""
    asked = [r for r in world.tenant.requests if r.method == "GET"]
    return sum(ResourceId(r.path) == ResourceId(account) for r in asked)


def opened(world: World, account: str) -> None:
    """Alice opens an account, and an event tells of it."""
    world.change(account, {"allowBlobPublicAccess": False})
    world.change(account, {"allowBlobPublicAccess": True})


def test_a_rule_at_a_management_group_cures_below_it_and_not_beside(
    world: World, accounts: list[str]
) -> None:
    """At any depth below, in a subscription beside it nothing; many looks list it once."""
    world.policy = policy(AT_CORP)
    gate = world.gate()
    for _ in range(3):
        for account in accounts:
            world.look(gate, account)
    assert world.our_writes() == ["PATCH inside"]
    assert [is_open(world, one) for one in accounts] == [False, True]
    listings = [r for r in world.tenant.requests if r.path.endswith("/descendants")]
    assert len(listings) == 1


def test_of_nested_groups_the_inner_decides(world: World, accounts: list[str]) -> None:
    """The rule of the group that lies nearer wins, be it the more cautious or not."""

    def ruled(outer: str, inner: str) -> None:
        modes = ((CORP, outer), (NESTED, inner))
        lines = (f"  - {{control: {BLOB}, scope: {at}, mode: {mode}}}" for at, mode in modes)
        world.policy = policy("rules:\n" + "\n".join(lines) + "\n")

    gate = world.gate()
    ruled("enforce", "audit")
    world.look(gate, accounts[0])
    assert is_open(world, accounts[0])
    ruled("audit", "enforce")
    world.look(gate, accounts[0])
    assert not is_open(world, accounts[0])


@pytest.mark.parametrize("app", [App.ALL, App.GATE])
def test_a_group_that_cannot_be_listed_is_said_and_nothing_written(
    world: World, accounts: list[str], app: App
) -> None:
    """What its rule might decide is only reported, with the reason; granted the right, it cures."""
    world.tenant.refuse(US, LISTING, CORP)
    world.policy = policy(AT_CORP)
    gate = world.gate(app=app)
    for account in accounts:
        world.look(gate, account)
        told = world.decision(gate, account, BLOB)
        assert (told["do"], told["mode"]) == ("report", "audit")
        assert "the subscriptions below management group corp cannot be listed" in told["reason"]
    assert world.our_writes() == []
    assert world.entries(gate) == []
    world.tenant.gates.refusals.clear()
    world.clock.advance(timedelta(minutes=1))
    both = world.gate()
    for account in accounts:
        world.look(both, account)
    assert [is_open(world, one) for one in accounts] == [False, True]


@pytest.mark.parametrize("scopes", ["exclude: [{}]", "scopes: [{}]"])
def test_a_listing_that_is_refused_widens_no_writing(
    world: World, accounts: list[str], scopes: str
) -> None:
    """Where it cannot be told what is watched, everything is looked at and nothing cured."""
    world.tenant.refuse(US, LISTING, CORP)
    rules = f"rules: [{{control: {BLOB}, mode: enforce}}]\n"
    world.policy = policy(scopes.format(CORP) + "\n" + rules)
    gate = world.gate()
    gate.sweep.run()
    world.run(gate)
    assert all(looks(world, account) for account in accounts)
    assert world.our_writes() == []


@pytest.mark.parametrize(
    "held",
    [
        f"guard: {{protected: [{CORP}]}}\n",
        (
            f"freezes: [{{scope: {CORP}, starts: 2020-01-01T00:00Z, ends: 2030-01-01T00:00Z,"
            " reason: r}]\n"
        ),
    ],
)
def test_a_guarded_group_that_cannot_be_listed_guards_everything(
    world: World, accounts: list[str], held: str
) -> None:
    """Seen, it holds below it alone."""
    world.policy = policy(f"{held}rules: [{{control: {BLOB}, mode: enforce}}]\n")
    world.tenant.refuse(US, LISTING, CORP)
    gate = world.gate()
    for account in accounts:
        world.look(gate, account)
        assert "corp cannot be listed" in world.decision(gate, account, BLOB)["reason"]
    assert world.our_writes() == []
    world.tenant.gates.refusals.clear()
    world.clock.advance(timedelta(minutes=1))
    for account in accounts:
        world.look(gate, account)
    assert world.our_writes() == ["PATCH beside"]


def test_health_names_the_groups_that_cannot_be_listed(world: World, accounts: list[str]) -> None:
    """Wherever the policy names them; while Azure cannot be asked it says nothing of them."""
    ring = f"rings: [{{name: early, scopes: [{NESTED}], after: 0d}}]\n"
    world.policy = policy(f"exclude: [{MANAGEMENT_GROUPS}/crop]\n{ring}{AT_CORP}")
    gate = world.gate()
    world.look(gate, accounts[0])
    (reason,) = gate.health()
    assert reason.startswith("the subscriptions below management group crop cannot be listed: ")
    world.tenant.refuse(US, LISTING, NESTED)
    world.clock.advance(timedelta(minutes=11))
    named = [reason.split(" cannot")[0].rsplit(" ", 1)[1] for reason in gate.health()]
    assert named == ["crop", "landing-zones"]
    world.clock.advance(timedelta(minutes=11))
    world.tenant.faults.add(Fault(what="status", path="*/descendants", status=503, times=0))
    assert gate.health() == []


def test_a_subscription_that_left_the_group_is_written_to_no_more(
    world: World, accounts: list[str]
) -> None:
    """From ten minutes after it was last seen there."""
    account = accounts[0]
    world.policy = policy(AT_CORP)
    gate = world.gate()
    world.look(gate, account)
    assert not is_open(world, account)
    world.tenant.remove(placed(NESTED), by=ALICE)
    world.clock.advance(timedelta(minutes=10))
    world.change(account, {"allowBlobPublicAccess": True})
    world.run(gate)
    assert is_open(world, account)
    assert world.our_writes() == ["PATCH inside"]
    assert world.decision(gate, account, BLOB)["source"] == "default: audit"


@pytest.mark.parametrize(
    ("rights", "group", "expected"),
    [
        ((LISTING,), CORP, "remediate"),
        ((READING,), CORP, "cannot be listed"),
        ((LISTING, READING), EMPTY, "default: audit"),
        ((LISTING,), EMPTY, "cannot be listed"),
    ],
)
def test_what_rights_resolve_a_group(rights: tuple[str, ...], group: str, expected: str) -> None:
    """One to list what is below it; where that is nothing, one to see that it is a group."""
    world = World(rbac=True)
    account, *_ = estate(world)
    role = world.tenant.load(roles.custom_role("lister", group, roles.block(list(rights))))
    world.load(roles.assignment(US.object_id, role, group))
    world.load(roles.assignment(US.object_id, roles.CONTRIBUTOR, SUBSCRIPTION))
    world.policy = policy(AT_CORP.replace(CORP, group))
    gate = world.gate()
    world.look(gate, account)
    told = world.decision(gate, account, BLOB)
    assert expected in f"{told['do']} {told['source']} {told['reason']}"
    assert is_open(world, account) is (expected != "remediate")


# --- what is never watched


def test_what_is_excluded_is_never_looked_at(world: World, accounts: list[str]) -> None:
    """Neither an event nor a sweep causes a look, whatever scopes and rules say."""
    excluded, watched = accounts
    world.policy = policy(
        f"scopes: [/, {SUBSCRIPTION}]\nexclude: [{SUBSCRIPTION}]\n"
        f"rules: [{{control: {BLOB}, scope: {SUBSCRIPTION}, mode: enforce}}]\n"
    )
    gate = world.gate()
    for account in accounts:
        opened(world, account)
    world.run(gate)
    gate.sweep.run()
    world.run(gate)
    assert looks(world, excluded) == 0
    assert looks(world, watched) > 0
    assert is_open(world, excluded)
    assert list(gate.state.findings.of(ResourceId(excluded))) == []


def test_what_becomes_excluded_is_let_go(world: World, accounts: list[str]) -> None:
    """Its open finding closes as excluded without a look; watched again, it opens again."""
    account = accounts[0]
    gate = world.gate()
    world.look(gate, account)
    before = looks(world, account)
    world.policy = policy(f"exclude: [{CORP}]\nrules: [{{control: {BLOB}, mode: enforce}}]\n")
    gate.sweep.run()
    world.run(gate)
    assert looks(world, account) == before
    assert "closed-excluded" in world.transitions(gate)
    (closed,) = [one for one in gate.state.findings.of(ResourceId(account)) if not one.open]
    assert closed.value["State"] == "unknown"
    world.policy = policy("")
    gate.sweep.run()
    world.run(gate)
    assert [one.open for one in gate.state.findings.of(ResourceId(account))] == [True]


def test_a_wait_that_ends_in_an_excluded_scope_writes_nothing(
    world: World, accounts: list[str]
) -> None:
    """A grace that began before the edit."""
    account = accounts[0]
    rules = f"rules: [{{control: {BLOB}, mode: enforce, after: 1h}}]\n"
    world.policy = policy(rules)
    gate = world.gate()
    world.look(gate, account)
    world.policy = policy(f"exclude: [{SUBSCRIPTION}]\n{rules}")
    world.run(gate, hours=2, step=300)
    assert world.our_writes() == []


def test_a_person_looks_where_nothing_is_watched(world: World, accounts: list[str]) -> None:
    """And what they apply is carried out; policy by itself does nothing there."""
    account = ResourceId(accounts[0])
    world.policy = policy(
        f"exclude: [{SUBSCRIPTION}]\nrules: [{{control: {BLOB}, mode: enforce}}]\n"
    )
    gate = world.gate()
    look = gate.engine.reconcile(world.hint(accounts[0], source="person"))
    assert "excluded" in next(one.decision.reason for one in look.seen if one.decision)
    assert world.our_writes() == []
    gate.people.apply(account, "alice", {}, frozenset({BLOB}))
    assert world.our_writes() == ["PATCH inside"]


# --- rings


def test_a_rule_reaches_the_estate_ring_by_ring(world: World, accounts: list[str]) -> None:
    """The first ring on the day itself, the next a week later, nothing in between."""
    day = (world.clock.now() + timedelta(days=2)).date()
    world.policy = policy(
        f"rings: [{{name: early, scopes: [{CORP}], after: 0d}},"
        " {name: broad, scopes: [/], after: 7d}]\n"
        f"rules: [{{control: {BLOB}, mode: enforce, rollout: {day}}}]\n{LIMITS}\n"
    )
    gate = world.gate()
    for account in accounts:
        world.look(gate, account)
    assert [world.decision(gate, one, BLOB)["reason"].split(" begins")[0] for one in accounts] == [
        "ring 'early'",
        "ring 'broad'",
    ]
    states = {}
    for _ in range(12):
        world.run(gate, hours=24, step=1800)
        age = (world.clock.now().date() - day).days
        states[age] = [is_open(world, account) for account in accounts]
    assert all(one == [True, True] for age, one in states.items() if age < 0)
    assert all(one == [False, True] for age, one in states.items() if 0 < age < 7)
    assert all(one == [False, False] for age, one in states.items() if age > 7)
    assert len(world.our_writes()) == 2
