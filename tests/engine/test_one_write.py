"""Promises 1 to 3: only a fresh read justifies a write, one effective write, before-image first."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from shared.errors import Transient
from shared.hints import Hint
from shared.model import ResourceId
from simulator.faults import Fault
from simulator.gates import PolicyDenial
from tests.engine.world import SUBSCRIPTION, Fragile, Killed, World, enforce, kills, policy, storage

BLOB = "storage-public-blob-access"
HTTPS = "storage-secure-transfer"


def test_an_event_ends_in_a_cure_and_its_story(world: World) -> None:
    """A change arrives as an event, is judged from a fresh read, cured, verified and recorded."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()

    world.change(account, {"allowBlobPublicAccess": True})
    world.run(gate)

    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.our_writes() == ["PATCH contoso"]
    assert world.entries(gate) == ["intent", "remediated"]
    assert world.transitions(gate) == ["opened", "decided-remediate", "closed-cured"]
    story = world.records(gate)[-1]
    path = f"{account}#/properties/allowBlobPublicAccess"
    assert story["Before"] == {path: True}
    assert story["After"] == {path: False}
    assert story["CausedBy"][0]["name"] == "alice@contoso.example"
    assert story["Decision"]["source"].startswith("policy.yaml:")
    assert story["UndoCommand"] == f"portcullis undo {story['ActionId']}"


def test_a_forged_event_changes_nothing(world: World) -> None:
    """A hint about a resource that holds, or is not there, writes nothing and opens nothing."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for resource in (account, account + "gone"):
        world.look(gate, resource)
    assert world.our_writes() == []
    assert world.transitions(gate) == []


def test_what_was_mended_before_the_look_is_left_alone(world: World) -> None:
    """The event says violated, the resource no longer is: nothing is written."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.change(account, {"allowBlobPublicAccess": True})
    world.change(account, {"allowBlobPublicAccess": False})
    world.run(gate)
    assert world.our_writes() == []


@pytest.mark.parametrize("seed", range(5))
def test_many_deliveries_to_many_workers_make_one_write(world: World, seed: int) -> None:
    """Ten deliveries to eight workers at once: one write, one story."""
    (account,) = world.load(storage(allowBlobPublicAccess=True))
    world.policy = policy(enforce(BLOB))
    gates = [world.gate() for _ in range(8)]
    start = threading.Barrier(8)
    failures: list[BaseException] = []

    def work(number: int) -> None:
        start.wait()
        for _ in range(10):
            try:
                gates[number].engine.reconcile(world.hint(account))
            except Transient:
                continue
            except BaseException as error:  # noqa: BLE001  told to the test
                failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    world.look(gates[seed], account)
    assert failures == []
    assert world.our_writes() == ["PATCH contoso"]
    assert world.entries(gates[0]) == ["intent", "remediated"]


def test_two_findings_on_one_resource_are_cured_by_one_write(world: World) -> None:
    (account,) = world.load(storage(allowBlobPublicAccess=True, supportsHttpsTrafficOnly=False))
    world.policy = policy(enforce(BLOB, HTTPS))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == ["PATCH contoso"]
    held = world.properties(account)
    assert (held["allowBlobPublicAccess"], held["supportsHttpsTrafficOnly"]) == (False, True)
    assert world.records(gate)[-1]["Controls"] == [BLOB, HTTPS]


def test_one_warm_event_costs_one_read_and_one_write(world: World) -> None:
    """No second read where the answer to the write shows the settled resource."""
    first, second = world.load(
        storage("first", allowBlobPublicAccess=True), storage("second", allowBlobPublicAccess=True)
    )
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    world.look(gate, first)
    asked = len(world.tenant.requests)
    world.look(gate, second)
    assert [r.method for r in world.tenant.requests[asked:]] == ["GET", "PATCH"]


def scenario(world: World) -> str:
    (account,) = world.load(storage(allowBlobPublicAccess=True, supportsHttpsTrafficOnly=False))
    world.policy = policy(enforce(BLOB, HTTPS))
    return account


def test_a_full_stop_at_any_operation_loses_and_doubles_nothing() -> None:
    """The process ends at each operation in turn; the next one completes the one story."""
    count = 0
    for _, kill, seen in kills():
        world = World()
        account = scenario(world)
        doomed = world.gate(store=Fragile(world.store, kill))
        try:
            doomed.engine.reconcile(world.hint(account))
        except Killed:
            count += 1
            assert_one_story(world, account, f"killed {seen[-1]} ({len(seen)})")
        else:
            break
    assert count > 20


def assert_one_story(world: World, account: str, where: str) -> None:
    """After the hint is delivered again to another process, all is as if nothing had happened."""
    gate = world.gate()
    hint = world.hint(account)
    world.clock.advance(timedelta(minutes=25))
    world.store.send("hints", hint.to_text())
    world.run(gate)
    held = world.properties(account)
    assert (held["allowBlobPublicAccess"], held["supportsHttpsTrafficOnly"]) == (False, True), where
    assert world.our_writes() == ["PATCH contoso"], where
    told = world.entries(gate)
    assert told.count("remediated") == 1, (where, told)
    assert set(told) == {"intent", "remediated"}, (where, told)
    assert len({r["ActionId"] for r in world.records(gate)}) == 1, where
    closed = [t for t in world.transitions(gate) if t.startswith("closed")]
    assert closed == ["closed-cured"] * 2, where
    assert all(not s.open for s in gate.state.findings.all()), where


@pytest.mark.parametrize("what", ["cut-after", "timeout-after", "cut-before", "timeout-before"])
def test_a_lost_answer_is_looked_up_not_sent_again(world: World, what: Any) -> None:
    """Where the write may have happened, the next look finds out; it is effective once."""
    account = scenario(world)
    world.tenant.faults.add(Fault(what=what, method="PATCH"))
    gate = world.gate()
    world.store.send("hints", world.hint(account).to_text())
    world.run(gate)
    assert world.properties(account)["allowBlobPublicAccess"] is False
    assert world.our_writes() == ["PATCH contoso"]
    assert world.entries(gate).count("remediated") == 1


def test_the_before_image_is_stored_before_anything_is_sent(world: World) -> None:
    """At the moment of the write, the story already tells what it replaces."""
    account = scenario(world)
    gate = world.gate()
    told: list[Any] = []

    def watch(_: Any) -> bool:
        told.extend(s.value["Before"] for s in gate.state.journal.all())
        return False

    watcher = PolicyDenial(SUBSCRIPTION, "Microsoft.Storage/storageAccounts", when=watch)
    world.tenant.policies.append(watcher)
    world.look(gate, account)
    assert {path.rsplit("/", 1)[-1] for path in told[0]} == {
        "allowBlobPublicAccess",
        "supportsHttpsTrafficOnly",
    }


def test_throttling_puts_the_look_off_by_the_services_own_wait(world: World) -> None:
    """A 429 comes back after Retry-After, not before, and no thread sleeps."""
    account = scenario(world)
    world.tenant.faults.add(
        Fault(
            what="status", method="GET", path="*contoso", status=429, headers={"Retry-After": "17"}
        )
    )
    gate = world.gate()
    gate.worker.hints(world.hint(account).to_text())
    world.clock.advance(timedelta(seconds=16))
    world.drain(gate)
    assert world.our_writes() == []
    world.clock.advance(timedelta(seconds=1))
    world.drain(gate)
    assert world.our_writes() == ["PATCH contoso"]


def test_a_change_under_our_feet_is_not_overwritten(world: World) -> None:
    """Between our read and our write somebody else moved the etag: we look again, and merge."""
    group = f"{storage()['id'].split('/providers/')[0]}"
    nsg = f"{group}/providers/Microsoft.Network/networkSecurityGroups/web"
    rule = {
        "name": "ssh",
        "properties": {
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "Tcp",
            "priority": 300,
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": "22",
        },
    }
    world.load({"id": nsg, "location": "westeurope", "properties": {"securityRules": [rule]}})
    world.policy = policy(enforce("nsg-ssh-from-internet"))
    gate = world.gate()
    world.tenant.faults.add(
        Fault(what="status", method="PUT", status=412, code="PreconditionFailed")
    )
    gate.worker.hints(world.hint(nsg).to_text())
    world.run(gate)
    (held,) = world.properties(nsg)["securityRules"]
    assert held["properties"]["sourceAddressPrefix"] == "VirtualNetwork"
    assert world.entries(gate) == ["intent", "superseded", "intent", "remediated"]


def test_hints_for_one_id_close_together_cause_one_look(world: World) -> None:
    """All who acted are kept as the cause."""
    (account,) = world.load(storage())
    world.policy = policy(enforce(BLOB))
    gate = world.gate()
    for _ in range(5):
        world.change(account, {"allowBlobPublicAccess": True})
    world.deliver(duplicate=1.0)
    world.drain(gate)
    asked = len(world.tenant.requests)
    world.clock.advance(timedelta(seconds=6))
    world.drain(gate)
    reads = [r for r in world.tenant.requests[asked:] if r.method == "GET"]
    assert len([r for r in reads if r.path.endswith("contoso")]) == 1
    assert len(world.records(gate)[-1]["CausedBy"]) == 5


def test_a_hint_of_ours_survives_the_trip(world: World) -> None:
    hint = world.hint(storage()["id"])
    import json  # noqa: PLC0415

    assert Hint.from_json(json.loads(hint.to_text())) == hint
    assert ResourceId(hint.id.text) == hint.id
