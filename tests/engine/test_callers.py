"""What a person who is asked about a data store is told of those who called it lately."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

import tables
from shared.clouds import PUBLIC
from shared.model import ResourceId
from shared.settings import App, Settings
from simulator.faults import Fault
from tests.engine.world import GROUP, US, World, enforce, policy, storage
from wiring import Gate

NETWORK = "storage-public-network-access"
DEFAULT = "storage-network-default-allow"
HTTPS = "storage-secure-transfer"
WORKSPACE = f"{GROUP}/providers/Microsoft.OperationalInsights/workspaces/central"
CUSTOMER = "99999999-9999-4999-8999-999999999999"
QUERY = "/v1/workspaces/*/query"
TOLD = "Callers of the last 7 days: 203.0.113.9 (1, last "
NOT_KNOWN = "Recent callers are not known: "


@pytest.fixture
def world() -> World:
    return World(settings=Settings(callers=PUBLIC.log_queries))


def exposed(world: World, **properties: Any) -> str:
    """An account that is open to all, and one call to its blobs in the logs."""
    acls = {"defaultAction": "Allow", "bypass": "None", "ipRules": []}
    account = storage(publicNetworkAccess="Enabled", networkAcls=acls, **properties)
    blobs = f"{account['id']}/blobServices/default"
    world.load(
        account,
        {"id": WORKSPACE, "location": "x", "properties": {"customerId": CUSTOMER}},
        {
            "id": f"{blobs}/providers/Microsoft.Insights/diagnosticSettings/to-central",
            "properties": {
                "workspaceId": WORKSPACE,
                "logs": [{"categoryGroup": "audit", "enabled": True}],
            },
        },
    )
    call(world, blobs, "203.0.113.9:50001")
    return str(account["id"])


def call(world: World, blobs: str, address: str) -> None:
    at = (world.clock.now() - timedelta(days=1)).isoformat()
    row = {"TimeGenerated": at, "_ResourceId": blobs, "CallerIpAddress": address}
    world.tenant.log_queries.load(WORKSPACE, "StorageBlobLogs", row)


def approve(*ids: str) -> str:
    return enforce(*ids).replace("enforce", "approve")


def waiting(gate: Gate) -> list[dict[str, Any]]:
    return [dict(one.value) for one in gate.state.approvals.all() if one.status == "waiting"]


def line(plan: dict[str, Any]) -> str:
    """What a plan says of callers; it says it once."""
    said = [c for c in plan["caveats"] if c.startswith(("Callers of", NOT_KNOWN))]
    assert len(said) <= 1
    return said[0] if said else ""


def queries(world: World) -> int:
    return len([r for r in world.tenant.requests if r.path.startswith("/v1/workspaces/")])


def test_who_is_asked_sees_who_called(world: World) -> None:
    """In the plan that waits, and in the record that goes out."""
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    gate = world.gate()
    world.look(gate, account)
    (plan,) = waiting(gate)
    assert line(plan).startswith(TOLD)
    assert line(plan).endswith("Left out: file, queue, table.")
    (record,) = world.records(gate)
    assert line(record["Plan"]) == line(plan)


def test_a_plan_that_policy_may_carry_out_but_asks_sees_who_called(world: World) -> None:
    """No private endpoint serves its clients: enforced, and asked all the same."""
    account = exposed(world)
    world.policy = policy(enforce(NETWORK, parameters="{in_use: [blob]}"))
    gate = world.gate()
    world.look(gate, account)
    assert world.our_writes() == []
    assert line(waiting(gate)[0]).startswith(TOLD)


def test_nothing_is_asked_again_while_a_plan_waits(world: World) -> None:
    """However often it is looked at, by whichever process, and whoever called since."""
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    world.look(world.gate(), account)
    (before,) = waiting(world.gate())
    call(world, f"{account}/blobServices/default", "198.51.100.7")
    for app in (App.GATE, App.HAND, App.ALL):
        world.look(world.gate(app=app), account)
    assert waiting(world.gate()) == [before]
    assert queries(world) == 1
    assert world.entries(world.gate()) == ["asked"]


def test_a_plan_that_is_asked_anew_tells_of_newer_callers(world: World) -> None:
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    gate = world.gate()
    world.look(gate, account)
    world.policy = policy("")
    world.look(gate, account)
    assert waiting(gate) == []
    call(world, f"{account}/blobServices/default", "198.51.100.7")
    world.policy = policy(approve(NETWORK))
    world.look(gate, account)
    assert "198.51.100.7" in line(waiting(gate)[0])


def test_who_called_changes_neither_the_plan_nor_what_approval_does(world: World) -> None:
    """The id is that of the same plan without; a yes carries it out, though others called since."""
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    gate = world.gate()
    world.look(gate, account)
    (plan,) = waiting(gate)
    world.settings = Settings()
    (silent,) = [s.plan for s in world.gate().people.preview(ResourceId(account)).seen
                 if s.plan and s.control.id == NETWORK]  # fmt: skip
    assert silent.id == plan["id"]
    assert line({"caveats": silent.caveats}) == ""
    call(world, f"{account}/blobServices/default", "198.51.100.7")
    gate.people.approve(plan["id"], "carol")
    assert world.properties(account)["publicNetworkAccess"] == "Disabled"


def test_two_cures_in_one_write_tell_it_once(world: World) -> None:
    account = exposed(world)
    world.policy = policy(approve(NETWORK, DEFAULT))
    gate = world.gate()
    world.look(gate, account)
    assert [bool(line(plan)) for plan in waiting(gate)] == [True] * len(waiting(gate))


@pytest.mark.parametrize("order", ["preview", "apply"])
def test_a_person_who_plans_or_applies_sees_who_called(world: World, order: str) -> None:
    """Asked once for all findings on the store."""
    account = exposed(world)
    gate = world.gate()
    if order == "preview":
        seen = gate.people.preview(ResourceId(account)).seen
        plans = [{"caveats": s.plan.caveats} for s in seen if s.plan]
    else:
        gate.people.apply(ResourceId(account), "carol", {}, frozenset({NETWORK}))
        plans = [dict(one.value) for one in gate.state.approvals.all()]
    assert plans
    assert all(line(plan).startswith(TOLD) for plan in plans)
    assert queries(world) == 1


def test_other_cures_say_nothing_of_callers(world: World) -> None:
    """Nobody is cut off by address where transport alone is mended."""
    account = exposed(world, supportsHttpsTrafficOnly=False)
    world.policy = policy(approve(HTTPS))
    gate = world.gate()
    world.look(gate, account)
    assert line(waiting(gate)[0]) == ""
    assert queries(world) == 0


def test_without_the_setting_no_log_is_asked(world: World) -> None:
    account = exposed(world)
    world.settings = Settings()
    world.policy = policy(approve(NETWORK))
    gate = world.gate()
    world.look(gate, account)
    assert line(waiting(gate)[0]) == ""
    paths = " ".join(r.path.casefold() for r in world.tenant.requests)
    assert "diagnosticsettings" not in paths
    assert queries(world) == 0


Trouble = Callable[[World], object]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (lambda w: w.tenant.faults.add(Fault("throttle", path=QUERY, times=0)), "429"),
        (lambda w: w.tenant.faults.add(Fault("timeout-after", path=QUERY, times=0)), "was lost"),
        (lambda w: w.tenant.refuse(US, "*/workspaces/query/*", "/"), "may not be queried"),
        (lambda w: w.tenant.refuse(US, "microsoft.insights/*", "/"), "may not be read"),
    ],
)
def test_a_look_goes_on_whatever_the_logs_do(world: World, trouble: Trouble, reason: str) -> None:
    """The plan waits all the same, says why nothing is known, and is not asked about again."""
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    trouble(world)
    gate = world.gate()
    world.look(gate, account)
    (plan,) = waiting(gate)
    assert line(plan).startswith(NOT_KNOWN)
    assert reason in line(plan)
    before = queries(world)
    world.look(gate, account)
    assert queries(world) == before
    assert waiting(gate) == [plan]


def test_the_log_shows_who_called(world: World) -> None:
    """What was asked stands there with its notes; words from elsewhere are no markup."""
    account = exposed(world)
    world.policy = policy(approve(NETWORK))
    gate = world.gate()
    world.look(gate, account)
    (record,) = world.records(gate)
    record["Plan"]["caveats"].append("odd [/words]")
    console = Console(width=300, file=io.StringIO(), record=True)
    console.print(tables.log_table([record]))
    shown = " ".join(console.export_text().split())
    assert "note: Callers of the last 7 days:" in shown
    assert "203.0.113.9" in shown
    assert "note: odd [/words]" in shown
