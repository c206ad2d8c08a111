"""What must stay is seen there before what let it in goes."""

from __future__ import annotations

from typing import Any

import pytest

from shared.errors import Transient
from shared.model import Change, Verb
from tests.engine.world import ALICE, GROUP, LIMITS, World, policy

SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
WIDE, CLIENTS = "everyone", "portcullis_203_0_113_0_203_0_113_255"
CONTROL = "sql-firewall-any-internet"
RULE = f"""{LIMITS}
rules:
  - {{control: {CONTROL}, mode: enforce, parameters: {{allowed_ranges: [203.0.113.0/24]}}}}
"""


def rules(world: World) -> set[str]:
    listed = world.gate().arm.list(f"{SERVER}/firewallRules", "2023-08-01")
    return {one.id.name for one in listed}


@pytest.fixture
def world() -> World:
    """A SQL server that lets the internet in; the ranges in use are known."""
    world = World()
    everyone = {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"}  # noqa: S104
    world.load(
        {"id": SERVER, "location": "westeurope", "properties": {}},
        {"id": f"{SERVER}/firewallRules/{WIDE}", "properties": everyone},
    )
    world.policy = policy(RULE)
    return world


def test_clients_are_let_in_before_the_wide_rule_goes(world: World) -> None:
    gate = world.gate()
    world.look(gate, SERVER)
    world.run(gate, hours=0.1)
    assert rules(world) == {CLIENTS}
    assert world.our_writes() == [f"PUT {CLIENTS}", f"DELETE {WIDE}"]


def test_the_wide_rule_stays_where_the_new_one_vanished(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody takes the new rule away at once: it is made again before the wide one goes."""
    gate, taken = world.gate(), list[str]()
    write = gate.arm.write

    def robbed(change: Change, request_id: str) -> Any:
        answer = write(change, request_id)
        if change.verb is Verb.CREATE and not taken:
            taken.append(change.target.text)
            world.tenant.remove(change.target.text, by=ALICE)
        return answer

    monkeypatch.setattr(gate.arm, "write", robbed)
    with pytest.raises(Transient, match="is not there"):
        world.look(gate, SERVER)
    assert rules(world) == {WIDE}
    world.run(gate, hours=0.5, step=30)
    assert rules(world) == {CLIENTS}
    assert [s.state for s in gate.state.journal.all()] == ["remediated"]
