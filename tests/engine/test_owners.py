"""Findings and records name who owns the resource, by the tag that policy names."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import PolicyFault
from shared.model import ResourceId
from shared.policy import broken
from simulator.faults import Fault
from tests.engine.world import ALICE, World, enforce, policy, storage

BLOB = "storage-public-blob-access"
HTTPS = "storage-secure-transfer"
ASK = f"rules: [{{control: {BLOB}, mode: approve}}]\n"


def opened(tags: Any, name: str = "contoso") -> dict[str, Any]:
    return {**storage(name, allowBlobPublicAccess=True), "tags": tags}


def owners(world: World, stream: str = "actions") -> set[str]:
    return {record["Owner"] for record in world.records(world.gate(), stream)}


@pytest.mark.parametrize(
    ("said", "tags", "owner"),
    [
        ("", {"owner": "team-web"}, "team-web"),
        ("", {"OWNER": " team-web "}, "team-web"),
        ("notices: {owner_tag: Cost-Centre}\n", {"owner": "a", "cost-centre": "b"}, "b"),
        ("", {"owners": "team-web"}, ""),
        ("", {}, ""),
        ("", None, ""),
    ],
)
def test_every_record_of_a_cure_and_its_undo_names_the_owner(
    world: World, said: str, tags: Any, owner: str
) -> None:
    """From the opening on, through intent and end, to the word of who takes it back."""
    (account,) = world.load(opened(tags))
    world.policy = policy(enforce(BLOB) + said)
    gate = world.gate()
    world.look(gate, account)
    gate.people.undo(world.records(gate)[-1]["ActionId"], "carol")
    assert world.entries(gate) == ["intent", "remediated", "intent", "undone"]
    assert "closed-cured" in world.transitions(gate)
    assert owners(world) == owners(world, "findings") == {owner}


def test_plans_and_what_becomes_of_them_name_the_owner(world: World) -> None:
    """Asked, rejected, applied by hand, and gone stale."""
    accounts = world.load(*(opened({"owner": "team-web"}, f"contoso{i}") for i in range(3)))
    world.policy = policy(ASK)
    gate = world.gate()
    for account in accounts[:2]:
        world.look(gate, account)
    gate.people.reject(next(gate.state.approvals.all()).id, "carol", "no")
    world.change(accounts[1], {"allowBlobPublicAccess": False})
    world.look(gate, accounts[1])
    gate.people.apply(ResourceId(accounts[2]), "carol", {})
    told = {"asked", "rejected", "stale", "approved", "intent", "remediated"}
    assert set(world.entries(gate)) == told
    assert owners(world) == {"team-web"}


@pytest.mark.parametrize(
    ("said", "entry"),
    [
        ("limits: [{writes: 0, per: estate}]\n", "limit-reached"),
        ("contested: {times: 1}\n", "contested"),
        ("infrastructure_code: {tags: [owner]}\n", "notice"),
    ],
)
def test_what_holds_a_cure_back_names_the_owner(world: World, said: str, entry: str) -> None:
    """So that a word about it finds its reader."""
    (account,) = world.load(opened({"owner": "team-web"}))
    world.policy = policy(enforce(BLOB) + said)
    gate = world.gate()
    for _ in range(2):
        world.change(account, {"allowBlobPublicAccess": True})
        world.look(gate, account)
    assert entry in world.entries(gate)
    assert owners(world) == {"team-web"}


def test_a_new_owner_is_known_by_the_next_look(world: World) -> None:
    """The finding follows the tag; that alone is no transition."""
    (account,) = world.load(opened({"owner": "team-web"}))
    gate = world.gate()
    world.look(gate, account)
    world.tenant.write(account, {"tags": {"owner": "team-data"}}, by=ALICE, method="PATCH")
    world.look(gate, account)
    (standing,) = gate.state.findings.all()
    assert standing.owner == "team-data"
    assert world.transitions(gate) == ["opened", "decided-report"]


def test_what_is_not_seen_any_more_keeps_its_last_owner(world: World) -> None:
    """Unreadable, and then gone: the records still find their reader."""
    (account,) = world.load(opened({"owner": "team-web"}))
    gate = world.gate()
    world.look(gate, account)
    world.tenant.faults.add(Fault("status", path=account, status=403, code="AuthorizationFailed"))
    world.look(gate, account)
    world.tenant.remove(account, by=ALICE)
    world.look(gate, account)
    assert {"unknown", "closed-vanished"} <= set(world.transitions(gate))
    assert owners(world, "findings") == {"team-web"}


def test_findings_stored_before_owners_were_known_still_read(world: World) -> None:
    """They have none until a look reads it, and their records say so."""
    (account,) = world.load(opened({"owner": "team-web"}))
    gate = world.gate()
    world.look(gate, account)
    (standing,) = gate.state.findings.all()
    old = {name: value for name, value in standing.value.items() if name != "Owner"}
    world.store.put("findings", ResourceId(account).key, BLOB, old)
    (standing,) = gate.state.findings.all()
    assert standing.owner == ""
    gate.state.findings.close(standing, "excluded")
    assert [r["Owner"] for r in world.records(gate, "findings")] == ["team-web", "team-web", ""]
    world.look(gate, account)
    assert next(gate.state.findings.all()).owner == "team-web"


def test_a_broken_policy_forgets_no_owner(world: World) -> None:
    """Which tag names owners is not known then: what was known stays."""
    (account,) = world.load(opened({"team": "web"}))
    world.policy = policy("notices: {owner_tag: team}\n")
    gate = world.gate()
    world.look(gate, account)
    world.policy = broken((PolicyFault("$", "no such file"),))
    world.look(gate, account)
    assert next(gate.state.findings.all()).owner == "web"
