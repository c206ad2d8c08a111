"""Workers that are slow, overtaken or dead, at the moments where it matters most."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from shared.errors import Transient
from simulator.wire import Request
from tests.engine.world import ALICE, GROUP, Fragile, Killed, World, enforce, policy, storage

BLOB = "storage-public-blob-access"


def opened(world: World) -> str:
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    return account


def once(when: str, act: Callable[[], object]) -> Callable[[str], None]:
    """A hook that acts at the first operation of that name."""
    done: list[str] = []

    def hook(name: str) -> None:
        if name == when and not done:
            done.append(name)
            act()

    return hook


def test_a_worker_whose_claim_was_inherited_does_not_send(world: World) -> None:
    """It began, slept past its claim's life, and another one did the work: it sends nothing."""
    account = opened(world)
    other = world.gate()

    overtaken: list[str] = []

    def hook(name: str) -> None:
        if name == "after put" and not overtaken and "intent" in world.entries(other):
            overtaken.append(name)
            world.clock.advance(timedelta(minutes=30))
            world.look(other, account)

    slow = world.gate(store=Fragile(world.store, hook))
    with pytest.raises(Transient):
        world.look(slow, account)
    assert overtaken
    assert world.our_writes() == ["PATCH contoso"]
    world.run(world.gate())
    assert world.entries(other).count("remediated") == 1


def test_an_observation_from_before_anothers_write_is_not_acted_on(world: World) -> None:
    """Between our read and our claim the whole work was done: we look again, and leave it."""
    account = opened(world)
    other = world.gate()
    # The first to ask for a budget inserts it; here the first row is to be what the read leads to.
    other.state.budgets.spend("GET", account)
    hook = once("before insert", lambda: other.engine.reconcile(world.hint(account)))
    slow = world.gate(store=Fragile(world.store, hook))
    with pytest.raises(Transient):
        world.look(slow, account)
    assert world.our_writes() == ["PATCH contoso"]
    assert world.entries(other) == ["intent", "remediated"]


def test_nothing_is_written_while_somebody_elses_operation_runs(world: World) -> None:
    """A resource that is Updating is left until it has settled, and then cured."""
    account = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/orders"
    world.load(
        {
            "id": account,
            "location": "West Europe",
            "properties": {"ipRules": [{"ipAddressOrRange": "203.0.113.9"}]},
        }
    )
    ranges = "{allowed_ranges: [203.0.113.0/24]}"
    world.policy = policy(enforce("cosmos-firewall-open", parameters=ranges))
    gate = world.gate()
    world.tenant.handle(
        Request(
            "PATCH",
            f"{account}?api-version=2024-11-15",
            {"Authorization": f"Bearer {world.tenant.token(ALICE)}"},
            json.dumps({"properties": {"ipRules": []}}).encode(),
        )
    )
    gate.worker.hints(world.hint(account).to_text())
    assert world.our_writes() == []
    world.run(gate, hours=0.5, step=20)
    assert world.our_writes() == ["PATCH orders"]
    assert world.entries(gate) == ["intent", "remediated"]


def test_what_a_dead_worker_never_sent_is_ended_when_nobody_needs_it(world: World) -> None:
    """It died before sending, and a person mended the resource: its story ends, as not ours."""
    account = opened(world)
    watcher = world.gate()

    def die(name: str) -> None:
        if name == "after put" and "intent" in world.entries(watcher):
            raise Killed(name)

    with pytest.raises(Killed):
        world.look(world.gate(store=Fragile(world.store, die)), account)
    world.change(account, {"allowBlobPublicAccess": False})
    world.clock.advance(timedelta(minutes=25))
    world.look(watcher, account)
    assert world.our_writes() == []
    assert world.entries(watcher) == ["intent", "superseded"]
    (story,) = watcher.state.journal.all()
    assert story.state == "superseded"
    world.change(account, {"allowBlobPublicAccess": True})
    world.run(watcher)
    assert world.our_writes() == ["PATCH contoso"]


def test_a_resource_deleted_after_the_write_is_no_cure(world: World) -> None:
    """The write was taken, and the resource is gone when its end is looked for."""
    disk = f"{GROUP}/providers/Microsoft.Compute/disks/data"
    world.load({"id": disk, "location": "westeurope", "properties": {"diskState": "ActiveSAS"}})
    world.policy = policy(
        enforce("disk-active-sas", parameters="{revoke: true}", irreversible="true")
    )
    gate = world.gate()
    gate.worker.hints(world.hint(disk).to_text())
    world.tenant.settle()
    world.tenant.remove(disk, by=ALICE)
    world.run(gate, hours=0.5, step=20)
    assert world.entries(gate) == ["intent", "superseded"]
    assert world.transitions(gate)[-1] == "closed-vanished"


def test_a_dead_workers_resource_that_is_gone_keeps_nobody_waiting(world: World) -> None:
    """It died at the write, and the resource was deleted: the story ends at the next look."""
    account = opened(world)
    watcher = world.gate()

    def die(name: str) -> None:
        if name.startswith("before") and world.our_writes():
            raise Killed(name)

    with pytest.raises(Killed):
        world.look(world.gate(store=Fragile(world.store, die)), account)
    world.tenant.remove(account, by=ALICE)
    world.clock.advance(timedelta(minutes=25))
    look = world.look(watcher, account)
    assert not look.exists
    assert world.entries(watcher) == ["intent", "superseded"]


@pytest.mark.parametrize("stop", range(1, 60))
def test_a_story_overtaken_by_another_plan_is_ended_wherever_the_next_worker_dies(
    world: World, stop: int
) -> None:
    """One died at its write, the next at any operation of a cure that needs another plan."""
    account = opened(world)
    world.policy = policy(enforce(BLOB, "storage-secure-transfer"))
    left = stop

    def die_at_the_write(name: str) -> None:
        if name.startswith("before") and world.our_writes():
            raise Killed(name)

    def die_later(name: str) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed(name)

    with pytest.raises(Killed):
        world.look(world.gate(store=Fragile(world.store, die_at_the_write)), account)
    world.change(account, {"allowBlobPublicAccess": True, "supportsHttpsTrafficOnly": False})
    world.clock.advance(timedelta(minutes=25))
    with suppress(Killed):
        world.look(world.gate(store=Fragile(world.store, die_later)), account)
    world.clock.advance(timedelta(minutes=25))
    gate = world.gate()
    world.look(gate, account)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert sorted(s.state for s in gate.state.journal.all()) == ["remediated", "superseded"]


def test_an_undo_first_ends_what_a_dead_worker_had_done(world: World) -> None:
    """The dead worker's write is found done, and can itself be taken back."""
    account = opened(world)
    gate = world.gate()
    world.look(gate, account)
    (first,) = gate.state.journal.all()
    world.change(account, {"supportsHttpsTrafficOnly": False})
    world.policy = policy(enforce("storage-secure-transfer"))
    before = len(world.our_writes())

    def die_at_the_write(name: str) -> None:
        if name.startswith("before") and len(world.our_writes()) > before:
            raise Killed(name)

    with pytest.raises(Killed):
        world.look(world.gate(store=Fragile(world.store, die_at_the_write)), account)
    world.clock.advance(timedelta(minutes=25))
    gate.people.undo(first.id, "carol")
    states = {s.controls[0]: s.state for s in gate.state.journal.all() if not s.undoing}
    assert states["storage-secure-transfer"] == "remediated"
    assert world.properties(account)["allowBlobPublicAccess"] is True
