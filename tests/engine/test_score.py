"""The score of a real estate: counted by full sweeps, raised by cures at once."""

from __future__ import annotations

from datetime import timedelta

from shared.model import ResourceId, Severity
from shared.score import Score
from tests.engine.world import World, policy, storage
from wiring import Gate

BLOB = "storage-public-blob-access"
ACCOUNTS = "microsoft.storage/storageaccounts"
DAY = timedelta(days=1)


def swept(world: World, gate: Gate) -> Score:
    """The score after a full sweep and every look it asked for."""
    gate.sweep.run()
    world.drain(gate)
    return now(gate)


def now(gate: Gate) -> Score:
    score = gate.sweep.score()
    assert score is not None
    return score


def value(score: Score) -> float:
    assert score.value is not None
    return score.value


def test_nothing_is_known_before_the_first_sweep_ended(world: World) -> None:
    gate = world.gate()
    assert gate.sweep.score() is None
    assert swept(world, gate).first


def test_a_cure_raises_it_at_once(world: World) -> None:
    """No sweep is waited for, and no call to Azure is made for it."""
    account, _ = world.load(storage("a", allowBlobPublicAccess=True), storage("b"))
    gate = world.gate()
    before = swept(world, gate)
    world.change(account, {"allowBlobPublicAccess": False})
    world.look(gate, account)
    asked = len(world.tenant.requests)
    after = now(gate)
    assert value(after) > value(before)
    assert (after.judged, after.held) == (before.judged, before.held + 1)
    assert len(world.tenant.requests) == asked


def test_a_first_sweep_has_no_score_the_next_has(world: World) -> None:
    """What the first found was not looked at before it ended; what it counted it tells."""
    world.load(storage("a", allowBlobPublicAccess=True))
    gate = world.gate()
    score = swept(world, gate)
    world.clock.advance(DAY)
    second = swept(world, gate)
    first, later = world.records(gate, "sweeps")
    assert (first["Score"], later["Score"]) == (None, score.value)
    assert first["ByType"][ACCOUNTS] == 1
    assert later["Judged"] == second.judged
    assert later["BySeverity"]["high"] == {
        "judged": second.by_severity[Severity.HIGH].judged,
        "held": second.by_severity[Severity.HIGH].held,
    }
    assert not second.first


def test_an_undo_takes_the_pair_out(world: World) -> None:
    """Exempt by undo, it counts neither way; the exemption over, it counts as open."""
    account, _ = world.load(storage("a", allowBlobPublicAccess=True), storage("b"))
    gate = world.gate()
    before = swept(world, gate)
    (standing,) = [s for s in gate.state.findings.of(ResourceId(account)) if s.control == BLOB]
    gate.state.findings.undone(standing, world.clock.now() + DAY, "alice")
    exempt = now(gate)
    assert (exempt.judged, exempt.held) == (before.judged - 1, before.held)
    world.clock.advance(DAY)
    assert now(gate).judged == before.judged


def test_an_exemption_takes_the_pair_out(world: World) -> None:
    (account,) = world.load(storage("a", allowBlobPublicAccess=True))
    gate = world.gate()
    before = swept(world, gate)
    world.policy = policy(
        f"exemptions: [{{control: {BLOB}, scope: {account}, category: waiver, reason: it is a"
        ' test, approved_by: alice, expires_on: "2026-12-31"}]\n'
    )
    world.look(gate, account)
    assert (now(gate).judged, now(gate).held) == (before.judged - 1, before.held)


def test_what_is_excluded_is_not_counted_from_the_next_sweep_on(world: World) -> None:
    accounts = world.load(*(storage(f"a{n}", allowBlobPublicAccess=n < 2) for n in range(4)))
    gate = world.gate()
    swept(world, gate)
    world.policy = policy(f"exclude: ['{accounts[0]}', '{accounts[3]}']\n")
    world.clock.advance(DAY)
    score = swept(world, gate)
    assert world.records(gate, "sweeps")[-1]["ByType"][ACCOUNTS] == 2
    whole = World()
    whole.load(*(storage(f"a{n}", allowBlobPublicAccess=n < 2) for n in (1, 2)))
    assert score.by_severity == swept(whole, whole.gate()).by_severity


def test_roles_that_azure_brings_are_not_counted(world: World) -> None:
    """Hundreds of them stand in every tenant, and nobody made them."""
    gate = world.gate()
    summary = gate.sweep.run()
    assert summary.seen > 10
    assert "microsoft.authorization/roledefinitions" not in summary.by_type


def test_an_incremental_sweep_leaves_the_score_as_it_is(world: World) -> None:
    """It sees only what changed."""
    world.load(storage("a"), storage("b"))
    gate = world.gate()
    before = swept(world, gate)
    world.change(world.load(storage("c"))[0], {"allowBlobPublicAccess": False})
    world.clock.advance(timedelta(minutes=20))
    gate.sweep.tick()
    for message in world.store.receive("sweeps", 8, timedelta(minutes=10)):
        gate.worker.sweeps(message.text)
    last = world.records(gate, "sweeps")[-1]
    assert (last["Kind"], last["Score"], last["ByType"]) == ("incremental", None, {})
    assert now(gate).by_severity == before.by_severity
