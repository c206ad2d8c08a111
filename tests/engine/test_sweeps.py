"""Sweeps of the whole estate: a chain of pages that neither crash nor repetition harms."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import Any, Literal

import pytest

from shared.hints import HINTS, SWEEP, SWEEPS, Hint
from shared.model import ResourceId
from shared.sweep_run import Kind, Summary
from simulator import roles
from simulator.faults import Fault
from tests.engine.world import (
    ALICE,
    GROUP,
    SUBSCRIPTION,
    US,
    Fragile,
    Killed,
    World,
    enforce,
    kills,
    policy,
    storage,
)
from wiring import Gate

BLOB = "storage-public-blob-access"
OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
READER = "/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"
GRANTS = "providers/Microsoft.Authorization/roleAssignments"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/db"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contoso"
MINUTE = timedelta(minutes=1)
STRANGER = "0a000000-0000-4000-8000-00000000000f"
"""Of whom the directory knows nothing."""


@cache
def beside() -> int:
    """What every sweep sees beside accounts: Azure's own roles, and the subscription."""
    return World().gate().sweep.run().seen + 1


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.azure.graph.PAGE", 2)


def opened(world: World, count: int) -> list[str]:
    """Accounts that no event told of."""
    return world.load(*(storage(f"open{n}", allowBlobPublicAccess=True) for n in range(count)))


def found(gate: Gate, control: str = BLOB) -> set[ResourceId]:
    return {s.resource for s in gate.state.findings.all() if s.control == control and s.open}


def begun(gate: Gate) -> str:
    """A sweep that the timer began."""
    gate.sweep.tick()
    row = gate.state.store.get("control", "control", "sweep")
    assert row is not None
    return str(row.value["run"])


def carried_on(world: World, gate: Gate, minutes: int = 60) -> int:
    """Let queue and timer carry the sweep to its end; how many messages that took."""
    taken = 0
    for _ in range(minutes):
        gate.sweep.tick()
        while messages := world.store.receive(SWEEPS, 8, timedelta(minutes=10)):
            for message in messages:
                gate.worker.sweeps(message.text)
                world.store.done(message)
                taken += 1
        if world.store.get("control", "control", "sweep") is None:
            return taken
        world.clock.advance(MINUTE)
    pytest.fail("the sweep came to no end")


# --- the chain


def test_a_crash_anywhere_costs_a_page_at_most(small_pages: None) -> None:
    """Killed at any operation of the store, the sweep ends once, and has seen all there is."""
    for at, kill, seen in kills():
        world = World()
        accounts = opened(world, 3)
        gate = world.gate(store=Fragile(world.store, kill))
        survived = True
        try:
            gate.worker.sweeps(_text(begun(gate)))
        except Killed:
            survived = False
        whole = world.gate()
        world.clock.advance(timedelta(minutes=16))
        carried_on(world, whole)
        world.drain(whole)
        assert found(whole) == {ResourceId(one) for one in accounts}, (at, seen[-1])
        ended = [r for r in world.records(whole, "sweeps") if r["Kind"] == "full"]
        assert {r["Failed"] for r in ended} == {""}, (at, seen[-1])
        assert len(ended) == 1, (at, seen[-1])
        assert ended[0]["Seen"] == beside() + 3, (at, seen[-1])
        assert ended[0]["ByType"]["microsoft.storage/storageaccounts"] == 3, (at, seen[-1])
        if survived:
            return


def _text(run: str) -> str:
    return f'{{"portcullis": 1, "sweep": "{run}"}}'


def test_a_message_that_comes_twice_changes_nothing(world: World, small_pages: None) -> None:
    """Also when both are worked on at once: one goes on, the other finds the place moved."""
    accounts = opened(world, 9)
    gate, other = world.gate(), world.gate()
    run = begun(gate)
    together = threading.Barrier(2)

    def work(one: Gate) -> None:
        together.wait()
        one.worker.sweeps(_text(run))

    threads = [threading.Thread(target=work, args=[one]) for one in (gate, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gate.worker.sweeps(_text(run))
    carried_on(world, gate)
    (record,) = world.records(gate, "sweeps")
    assert (record["Seen"], record["Violating"]) == (beside() + 9, 9)
    world.drain(gate)
    assert found(gate) == {ResourceId(one) for one in accounts}


def test_a_link_leaves_the_rest_to_the_next(
    world: World, small_pages: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message works for a bounded time, and the summary is that of all of them."""
    monkeypatch.setattr("shared.sweep.LINK", timedelta(0))
    opened(world, 9)
    gate = world.gate()
    ask = gate.index.page

    def slow(*about: Any) -> Any:
        world.clock.advance(timedelta(seconds=1))
        return ask(*about)

    monkeypatch.setattr(gate.index, "page", slow)
    begun(gate)
    assert carried_on(world, gate) >= 5
    (record,) = world.records(gate, "sweeps")
    assert (record["Seen"], record["Violating"]) == (beside() + 9, 9)


def test_a_lost_message_is_sent_again(world: World) -> None:
    """A sweep that stands still for a quarter of an hour is taken up."""
    opened(world, 1)
    gate = world.gate()
    begun(gate)
    (lost,) = world.store.receive(SWEEPS, 1, timedelta(minutes=10))
    world.store.done(lost)
    for _ in range(3):
        world.clock.advance(5 * MINUTE)
        gate.sweep.tick()
    assert world.store.waiting(SWEEPS) == 0
    world.clock.advance(MINUTE)
    gate.sweep.tick()
    assert world.store.waiting(SWEEPS) == 1
    carried_on(world, gate)
    assert len(world.records(gate, "sweeps")) == 1


def test_a_sweep_that_never_moves_again_is_said(world: World) -> None:
    """Whatever holds it: after hours it has failed, and the next begins."""
    gate = world.gate()
    begun(gate)
    world.clock.advance(timedelta(hours=7))
    gate.sweep.tick()
    (record,) = world.records(gate, "sweeps")
    assert record["Failed"]
    world.clock.advance(timedelta(hours=2))
    carried_on(world, gate)
    assert [r["Failed"] != "" for r in world.records(gate, "sweeps")] == [True, False]


def test_a_moment_of_throttling_is_waited_for(world: World) -> None:
    """For seconds nobody gives the message back."""
    opened(world, 1)
    gate, began = world.gate(), world.clock.now()
    headers = {"Retry-After": "2"}
    world.tenant.faults.add(Fault("status", path="*resourcegraph*", status=429, headers=headers))
    assert gate.sweep.run().violating == 1
    assert world.clock.now() - began == timedelta(seconds=2)


def test_a_throttled_index_is_left_alone_for_as_long_as_it_says(world: World) -> None:
    opened(world, 1)
    gate = world.gate()
    begun(gate)
    headers = {"Retry-After": "45"}
    world.tenant.faults.add(Fault("status", path="*resourcegraph*", status=429, headers=headers))
    (message,) = world.store.receive(SWEEPS, 1, timedelta(minutes=10))
    gate.worker.sweeps(message.text)
    world.store.done(message)
    world.clock.advance(timedelta(seconds=44))
    assert world.store.receive(SWEEPS, 1, timedelta(minutes=10)) == []
    world.clock.advance(timedelta(seconds=1))
    carried_on(world, gate)
    assert [r["Failed"] for r in world.records(gate, "sweeps")] == [""]


def test_the_quota_is_never_overrun(world: World, small_pages: None) -> None:
    """More pages than the quota has room for: the sweep waits, and no query is refused."""
    opened(world, 60)
    world.tenant.graph.quota_enforced = True
    gate, began = world.gate(), world.clock.now()
    summary = gate.sweep.run()
    assert summary.seen == beside() + 60
    asked = [r for r in world.tenant.requests if "resourcegraph" in r.path.casefold()]
    assert {r.status for r in asked} == {200}
    # So many queries take at least this long; waiting much longer would be waste.
    least = timedelta(seconds=5 * ((len(asked) - 1) // 15))
    assert least <= world.clock.now() - began <= least + timedelta(seconds=5)


def test_a_person_watches_a_sweep_that_goes_on(world: World, small_pages: None) -> None:
    """Who asks for a sweep while one is under way brings that one to its end."""
    opened(world, 5)
    gate = world.gate()
    run = begun(gate)
    shown: list[Summary] = []
    summary = world.gate().sweep.run(progress=shown.append)
    assert summary.run == run
    assert summary.seen == beside() + 5
    assert len(shown) > 3
    assert len(world.records(gate, "sweeps")) == 1


def asked(world: World, gate: Gate, resource: str, source: str = SWEEP) -> int:
    """Ask for a look, hand over the message; how often the resource was read for it."""
    before = _reads(world, resource)
    hint = Hint(
        id=ResourceId(resource),
        source=source,
        first_seen=world.clock.now(),
        run="sweep-1" if source == SWEEP else "",
    )
    gate.state.inbox.note(hint, timedelta(0))
    world.drain(gate)
    return _reads(world, resource) - before


def test_a_look_that_a_sweep_asks_for_twice_is_made_once(world: World) -> None:
    """As an open finding, and again as a violation in the index; an event is another matter."""
    (account,) = opened(world, 1)
    gate = world.gate()
    assert asked(world, gate, account) == 1
    assert asked(world, gate, account) == 0
    assert asked(world, gate, account, "event") == 1
    gate.state.inbox.note(world.hint(account), timedelta(minutes=1))
    assert asked(world, gate, account) == 0
    world.clock.advance(MINUTE)
    before = _reads(world, account)
    world.drain(gate)
    assert _reads(world, account) == before + 1
    again = replace(world.hint(account), source=SWEEP, run="sweep-1")
    gate.state.inbox.note(again, timedelta(0))
    gate.state.inbox.note(world.hint(account), timedelta(0))
    world.drain(gate)
    assert _reads(world, account) == before + 2


def test_a_look_that_was_put_off_is_made_in_the_end(world: World) -> None:
    """What the sweep asked for once, and Azure did not answer."""
    (account,) = opened(world, 1)
    gate = world.gate()
    world.tenant.faults.add(Fault("status", method="GET", path=account, status=503))
    asked(world, gate, account)
    world.clock.advance(MINUTE)
    world.drain(gate)
    assert ResourceId(account) in found(gate)


def _reads(world: World, resource: str) -> int:
    key = resource.casefold()
    return sum(r.method == "GET" and r.path.casefold() == key for r in world.tenant.requests)


def test_a_full_sweep_lets_go_of_what_is_watched_no_more(world: World) -> None:
    """Its finding is closed as what it is: not watched, and nothing known of it."""
    (account,) = opened(world, 1)
    gate = world.gate()
    world.look(gate, account)
    world.policy = policy(f"scopes: [{SUBSCRIPTION}/resourceGroups/other]")
    gate.sweep.run()
    (standing,) = gate.state.findings.of(ResourceId(account))
    assert (standing.open, standing.value["State"]) == (False, "unknown")
    assert standing.value["Closed"] == "unwatched"


# --- what an event missed


def rule(name: str, access: str = "Allow") -> dict[str, Any]:
    return {
        "name": name,
        "properties": {
            "direction": "Inbound", "access": access, "protocol": "Tcp",
            "priority": 200 if access == "Deny" else 300, "sourceAddressPrefix": "Internet",
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22",
        },
    }  # fmt: skip


def owns(scope: str, principal: str = ALICE.object_id) -> dict[str, Any]:
    return {
        "id": f"{scope.rstrip('/')}/{GRANTS}/0a000000-0000-4000-8000-000000000001",
        "properties": {
            "principalId": principal,
            "principalType": "User",
            "roleDefinitionId": f"/providers/Microsoft.Authorization/roleDefinitions/{OWNER}",
            "scope": scope,
        },
    }


Change = Callable[[World], None]


def by_alice(
    resource: str, body: dict[str, Any], method: Literal["PUT", "PATCH"] = "PATCH"
) -> Change:
    return lambda world: world.tenant.write(resource, body, by=ALICE, method=method)


def granted(scope: str, principal: str = ALICE.object_id) -> Change:
    document = owns(scope, principal)
    body = {"properties": document["properties"]}
    return by_alice(document["id"], body, "PUT")


MISSED: dict[str, tuple[Change, str, str, Kind]] = {
    "a resource": (
        by_alice(ACCOUNT, {"properties": {"allowBlobPublicAccess": True}}),
        ACCOUNT, BLOB, Kind.INCREMENTAL,
    ),
    "a child rule that its parent shows": (
        by_alice(f"{NSG}/securityRules/ssh", rule("ssh"), "PUT"),
        NSG, "nsg-ssh-from-internet", Kind.INCREMENTAL,
    ),
    "a child that was deleted": (
        lambda world: world.tenant.remove(f"{NSG}/securityRules/no", by=ALICE),
        NSG, "nsg-ssh-from-internet", Kind.INCREMENTAL,
    ),
    "a child rule that no index holds": (
        by_alice(
            f"{SERVER}/firewallRules/all",
            {"properties": {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}},  # noqa: S104
            "PUT",
        ),
        SERVER, "sql-firewall-any-internet", Kind.FULL,
    ),
    "a grant on a resource": (
        granted(ACCOUNT, STRANGER), f"{ACCOUNT}/{GRANTS}/0a000000-0000-4000-8000-000000000001",
        "iam-orphaned-principal", Kind.INCREMENTAL,
    ),
    "a grant in a group": (
        granted(GROUP), f"{GROUP}/{GRANTS}/0a000000-0000-4000-8000-000000000001",
        "iam-direct-user-assignment", Kind.INCREMENTAL,
    ),
    "a grant in a subscription": (
        granted(SUBSCRIPTION), f"{SUBSCRIPTION}/{GRANTS}/0a000000-0000-4000-8000-000000000001",
        "iam-owner-at-subscription", Kind.INCREMENTAL,
    ),
    "a grant at the root": (
        granted("/"), f"/{GRANTS}/0a000000-0000-4000-8000-000000000001",
        "iam-root-scope-assignment", Kind.INCREMENTAL,
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", MISSED, ids=list(MISSED))
def test_what_an_event_missed_is_found_by_the_next_sweep(world: World, kind: str) -> None:
    """Every event is lost; what changed is found, and who did it where that is told."""
    change, resource, control, sweep = MISSED[kind]
    deleted = kind == "a child that was deleted"
    rules = [rule("no", "Deny"), rule("ssh")] if deleted else []
    world.load(
        storage(),
        {"id": NSG, "location": "westeurope", "properties": {"securityRules": rules}},
        {"id": SERVER, "location": "westeurope", "properties": {}},
    )
    gate = world.gate()
    gate.sweep.run()
    world.run(gate, hours=0.1, step=60)
    world.tenant.events.take()
    assert ResourceId(resource) not in found(gate, control)
    change(world)
    world.tenant.events.take()
    world.clock.advance(15 * MINUTE)
    gate.sweep.run(sweep)
    world.drain(gate)
    assert ResourceId(resource) in found(gate, control)
    (standing,) = [s for s in gate.state.findings.of(ResourceId(resource)) if s.control == control]
    if sweep is Kind.INCREMENTAL and "grant" not in kind:
        assert {actor.shown for actor in standing.actors} == {ALICE.upn}


def test_our_own_changes_wake_no_sweep(world: World) -> None:
    """What we wrote ourselves is in the index's changes too."""
    (account,) = opened(world, 1)
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    assert world.our_writes() == ["PATCH open0"]
    world.clock.advance(15 * MINUTE)
    before = _reads(world, account)
    summary = gate.sweep.run(Kind.INCREMENTAL)
    world.drain(gate)
    assert _reads(world, account) == before
    assert summary.skipped["our own change"] == 1


def test_what_was_looked_up_lately_is_not_looked_up_again(world: World) -> None:
    """As long as policy lets it count until the next full sweep, and no longer."""
    world.tenant.principals.add_group(STRANGER, "readers")
    grant = owns(GROUP, STRANGER)
    grant["properties"] |= {"principalType": "Group", "roleDefinitionId": READER}
    (reads,) = world.load(grant)
    world.policy = policy("sweeps: {full: 4h, lookups: 12h}")
    gate = world.gate()
    looked = []
    for _ in range(4):
        before = _reads(world, reads)
        gate.sweep.run()
        world.drain(gate)
        looked.append(_reads(world, reads) - before)
        world.clock.advance(timedelta(hours=4))
    assert looked == [1, 0, 0, 1]


def test_what_changed_before_a_full_sweep_is_not_lost_in_it(world: World) -> None:
    """The full one passes over what it looked up lately; the next incremental one does not."""
    world.tenant.principals.add_group(STRANGER, "readers")
    grant = owns(GROUP, STRANGER)
    grant["properties"] |= {"principalType": "Group", "roleDefinitionId": READER}
    (reads,) = world.load(grant)
    world.policy = policy("sweeps: {full: 4h, lookups: 12h, incremental: 1h}")
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    gate.sweep.run(Kind.INCREMENTAL)
    world.drain(gate)
    world.clock.advance(timedelta(minutes=20))
    # A grant is changed by making it anew: the tenant tells when it was.
    world.tenant.remove(reads, by=ALICE)
    world.tenant.write(reads, {"properties": grant["properties"]}, by=ALICE, method="PUT")
    world.tenant.events.take()
    world.clock.advance(timedelta(minutes=30))
    before = _reads(world, reads)
    gate.sweep.run()
    world.drain(gate)
    assert _reads(world, reads) == before
    world.clock.advance(15 * MINUTE)
    gate.sweep.run(Kind.INCREMENTAL)
    world.drain(gate)
    assert _reads(world, reads) == before + 1


# --- what cannot be seen

OTHER = "/subscriptions/00000000-0000-0000-0000-000000000002"


@pytest.fixture
def two(world: World) -> tuple[Gate, str]:
    """Two subscriptions that a sweep saw, and an open account in the second."""
    world.load(storage("kept"))
    hidden = f"{OTHER}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/hidden"
    world.load({**storage(allowBlobPublicAccess=True), "id": hidden})
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    return gate, hidden


def health(world: World, gate: Gate, entry: str) -> list[dict[str, Any]]:
    return [r for r in world.records(gate, "health") if r["Entry"] == entry]


def test_access_that_went_missing_is_noticed(world: World, two: tuple[Gate, str]) -> None:
    """Graph hides what it may not show, and its containers too: said aloud, unknown, not closed."""
    gate, hidden = two
    world.clock.advance(timedelta(hours=1))
    world.tenant.refuse(US, "*/read", OTHER)
    summary = gate.sweep.run()
    world.drain(gate)
    assert summary.unseen_scopes == [OTHER]
    (said,) = health(world, gate, "unseen-scope")
    assert (said["Severity"], said["ResourceId"]) == ("critical", OTHER)
    assert OTHER in " ".join(gate.health())
    standings = gate.state.findings.of(ResourceId(hidden))
    assert {(s.open, s.value["State"]) for s in standings} == {(True, "unknown")}
    blind = [s for s in gate.state.findings.of(ResourceId(OTHER)) if s.open]
    assert blind
    assert {s.value["State"] for s in blind} == {"unknown"}
    world.clock.advance(timedelta(hours=1))
    assert gate.sweep.run().unseen_scopes == [OTHER]
    assert len(health(world, gate, "unseen-scope")) == 1
    assert health(world, gate, "seen-scope") == []


def test_access_that_came_back_is_said_too(world: World, two: tuple[Gate, str]) -> None:
    gate, hidden = two
    world.clock.advance(timedelta(hours=1))
    world.tenant.refuse(US, "*/read", OTHER)
    gate.sweep.run()
    world.drain(gate)
    _forgive(world)
    world.clock.advance(timedelta(hours=1))
    assert gate.sweep.run().unseen == 0
    world.drain(gate)
    assert len(health(world, gate, "seen-scope")) == 1
    assert ResourceId(hidden) in found(gate)
    assert "cannot be seen" not in " ".join(gate.health())


def _forgive(world: World) -> None:
    world.tenant.gates.refusals.clear()


def test_a_part_that_cannot_be_read_is_noticed(world: World, two: tuple[Gate, str]) -> None:
    """The subscription still shows, but less than before: our identity lacks a right there."""
    gate, _ = two
    world.clock.advance(timedelta(hours=1))
    world.tenant.refuse(US, "Microsoft.Storage/storageAccounts/read", OTHER)
    assert gate.sweep.run().unseen_scopes == [OTHER]
    (said,) = health(world, gate, "unseen-scope")
    assert "our identity lacks Microsoft.Storage/storageAccounts/read" in said["Message"]


def test_a_subscription_is_asked_about_when_it_is_new(world: World) -> None:
    """What never showed cannot shrink: our rights are told at the first sight of it."""
    world.load(storage())
    world.tenant.refuse(US, "Microsoft.Sql/servers/read", SUBSCRIPTION)
    gate = world.gate()
    for _ in range(3):
        assert gate.sweep.run().unseen_scopes == [SUBSCRIPTION]
        world.clock.advance(timedelta(hours=1))
    assert health(world, gate, "seen-scope") == []
    _forgive(world)
    assert gate.sweep.run().unseen == 0
    assert len(health(world, gate, "seen-scope")) == 1


def test_what_shrank_for_real_is_no_alarm(world: World, two: tuple[Gate, str]) -> None:
    """A subscription that people emptied may still be read."""
    gate, hidden = two
    world.tenant.remove(hidden, by=ALICE)
    world.clock.advance(timedelta(hours=1))
    assert gate.sweep.run().unseen == 0
    world.drain(gate)
    assert ResourceId(hidden) not in found(gate)


def test_a_scope_that_policy_names_must_be_there(world: World) -> None:
    """Also one that was never seen."""
    world.load(storage())
    world.policy = policy(f"scopes: [{SUBSCRIPTION}, {OTHER}]")
    gate = world.gate()
    assert gate.sweep.run().unseen_scopes == [OTHER]
    world.drain(gate)
    states = {s.value["State"] for s in gate.state.findings.of(ResourceId(OTHER))}
    assert states == {"unknown"}


def test_a_subscription_that_arm_lists_no_more_is_unseen() -> None:
    """Our role there was taken away: the list of subscriptions, and the index, say nothing."""
    world = World(rbac=True)
    world.load(storage(), {**storage(), "id": ACCOUNT.replace(SUBSCRIPTION, OTHER)})
    for scope in (SUBSCRIPTION, OTHER):
        more = {"roleDefinitionId": READER, "principalType": "ServicePrincipal"}
        (grant,) = world.load(roles.assignment(US.object_id, READER, scope, **more))
    world.load(roles.assignment(ALICE.object_id, OWNER, OTHER))
    gate = world.gate()
    assert gate.sweep.run().unseen == 0
    world.drain(gate)
    world.tenant.remove(grant, by=ALICE)
    world.clock.advance(timedelta(hours=1))
    assert gate.sweep.run().unseen_scopes == [OTHER]


def test_a_subscription_that_no_policy_speaks_of_is_told(world: World) -> None:
    """Unless people said that it is not to be watched."""
    world.load(storage(), {**storage(), "id": ACCOUNT.replace(SUBSCRIPTION, OTHER)})
    world.policy = policy(f"scopes: [{SUBSCRIPTION}]")
    gate = world.gate()
    assert gate.sweep.run().unwatched_subscriptions == [OTHER.rsplit("/", 1)[1]]
    world.policy = policy(f"scopes: [{SUBSCRIPTION}]\nexclude: [{OTHER}]")
    world.clock.advance(MINUTE)
    assert gate.sweep.run().unwatched == 0


def test_a_subscription_whose_events_go_nowhere_is_a_finding(world: World) -> None:
    world.load(storage())
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    assert found(gate, "subscription-not-watched") == {ResourceId(SUBSCRIPTION)}


def test_what_is_gone_is_believed_in_sight_alone(world: World, two: tuple[Gate, str]) -> None:
    """A 404 out of what cannot be read closes nothing."""
    gate, hidden = two
    world.tenant.remove(hidden, by=ALICE)
    world.tenant.events.take()
    world.tenant.refuse(US, "Microsoft.Resources/subscriptions/*", OTHER)
    world.look(gate, hidden)
    assert {s.value["State"] for s in gate.state.findings.of(ResourceId(hidden))} == {"unknown"}
    assert ResourceId(hidden) in found(gate)
    _forgive(world)
    world.look(gate, hidden)
    assert ResourceId(hidden) not in found(gate)


def test_hints_of_a_sweep_are_for_watched_resources_alone(world: World) -> None:
    """What policy excludes is counted as skipped."""
    opened(world, 2)
    world.policy = policy(f"exclude: [{GROUP}]")
    summary = world.gate().sweep.run()
    assert summary.skipped == {"not watched": 2}
    noted = [row.partition for row in world.store.scan("dirty")]
    assert not [one for one in noted if "storageaccounts" in one]
    assert world.store.waiting(HINTS) == len(noted)


# --- where to ask

CORP = "/providers/Microsoft.Management/managementGroups/corp"


def nested(world: World) -> str:
    """A management group over the second subscription, and an open account in that."""
    inside = f"{OTHER}/resourceGroups/rg/providers/Microsoft.Storage/storageAccounts/inside"
    world.load(
        {"id": CORP, "properties": {"displayName": "corp"}},
        {"id": f"{CORP}/subscriptions/{OTHER.rsplit('/', 1)[1]}", "properties": {}},
        {**storage(allowBlobPublicAccess=True), "id": inside},
        storage("beside", allowBlobPublicAccess=True),
    )
    return inside


def test_a_watched_management_group_is_swept_with_its_own_grants(world: World) -> None:
    """What lies below it, and what is granted at it; nothing beside it."""
    inside = nested(world)
    world.load(owns(CORP))
    world.policy = policy(f"scopes: [{CORP}]")
    gate = world.gate()
    summary = gate.sweep.run()
    world.drain(gate)
    assert found(gate) == {ResourceId(inside)}
    grant = ResourceId(f"{CORP}/{GRANTS}/0a000000-0000-4000-8000-000000000001")
    assert grant in found(gate, "iam-privileged-management-group-scope")
    assert summary.unseen == 0


def test_a_management_group_that_cannot_be_listed_is_unseen(world: World) -> None:
    nested(world)
    world.policy = policy(f"scopes: [{CORP}]")
    world.tenant.refuse(US, "Microsoft.Management/managementGroups/*", CORP)
    gate = world.gate()
    summary = gate.sweep.run()
    assert [ResourceId(one) for one in summary.unseen_scopes] == [ResourceId(CORP)]
    assert health(world, gate, "unseen-scope")[0]["Severity"] == "critical"


def test_more_subscriptions_than_the_index_looks_into_are_asked_by_name(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is lost, and what is in no subscription is asked for beside them."""
    inside = nested(world)
    monkeypatch.setattr("shared.inventory.MOST_SUBSCRIPTIONS", 1)
    monkeypatch.setattr("shared.inventory._BATCH", 1)
    world.tenant.graph.scopes.limit = 1
    world.load(owns("/"))
    gate = world.gate()
    gate.sweep.run()
    world.drain(gate)
    assert ResourceId(inside) in found(gate)
    assert len(found(gate)) == 2
    assert found(gate, "iam-root-scope-assignment")


# --- who comes


NEWCOMER = "00000000-0000-0000-0000-00000000000c"


def comes(world: World) -> str:
    """A subscription that was there for long, and is shown to us from now on."""
    account = storage("theirs", allowBlobPublicAccess=True)
    account["id"] = account["id"].replace(GROUP.split("/")[2], NEWCOMER)
    world.clock.advance(timedelta(hours=1))
    return world.load(account)[0]


def test_a_subscription_that_comes_is_swept_whole_at_once(world: World) -> None:
    """Nothing of it has changed, so that what changed does not tell of it."""
    gate = world.gate()
    gate.sweep.run()
    old = comes(world)
    world.clock.advance(timedelta(hours=5))
    gate.sweep.tick()
    carried_on(world, gate)
    world.drain(gate)
    assert ResourceId(old) in found(gate)
    assert [r["Kind"] for r in world.records(gate, "sweeps")] == ["full", "full"]
    world.clock.advance(timedelta(minutes=20))
    gate.sweep.tick()
    carried_on(world, gate)
    assert [r["Kind"] for r in world.records(gate, "sweeps")] == ["full", "full", "incremental"]
