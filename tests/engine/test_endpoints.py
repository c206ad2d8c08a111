"""A public endpoint goes off by policy alone only where nobody is cut off by it."""

from __future__ import annotations

from typing import Any

import pytest

from shared.model import ResourceId
from tests.engine.world import ALICE, GROUP, LIMITS, World, policy, storage

NETWORK = f"{GROUP}/providers/Microsoft.Network"
ENDPOINT = f"{NETWORK}/privateEndpoints/pe"
ZONE = f"{NETWORK}/privateDnsZones/privatelink.blob.core.windows.net"
CONTROL = "storage-public-network-access"
ENFORCED = f"""{LIMITS}
rules: [{{control: {CONTROL}, mode: enforce, parameters: {{in_use: [blob]}}}}]
"""
CLOSED = {"bypass": "None", "defaultAction": "Deny", "ipRules": [], "virtualNetworkRules": []}
ACCOUNT = str(storage()["id"])


def connected(status: str = "Approved") -> dict[str, Any]:
    connection = {
        "properties": {
            "privateEndpoint": {"id": ENDPOINT},
            "privateLinkServiceConnectionState": {"status": status},
        }
    }
    return {"privateEndpointConnections": [connection]}


def serve(world: World) -> None:
    """A private endpoint for blobs, whose names a linked zone resolves."""
    to = {"privateLinkServiceId": ACCOUNT, "groupIds": ["blob"]}
    group = {"privateDnsZoneConfigs": [{"name": "b", "properties": {"privateDnsZoneId": ZONE}}]}
    world.load(
        {
            "id": ENDPOINT,
            "location": "westeurope",
            "properties": {"privateLinkServiceConnections": [{"name": "b", "properties": to}]},
        },
        {"id": f"{ENDPOINT}/privateDnsZoneGroups/default", "properties": group},
        {"id": ZONE, "location": "global", "properties": {}},
        {
            "id": f"{ZONE}/virtualNetworkLinks/hub",
            "location": "global",
            "properties": {"virtualNetworkLinkState": "Completed"},
        },
    )


@pytest.fixture
def world() -> World:
    world = World()
    world.load(storage(publicNetworkAccess="Enabled", networkAcls=CLOSED, **connected()))
    world.policy = policy(ENFORCED)
    return world


def test_what_is_served_is_turned_off_by_policy_alone(world: World) -> None:
    serve(world)
    world.look(world.gate(), ACCOUNT)
    assert world.properties(ACCOUNT)["publicNetworkAccess"] == "Disabled"


def test_what_is_not_served_waits_for_a_person_who_may_decide(world: World) -> None:
    """The plan says who is cut off; on a yes it is carried out."""
    gate = world.gate()
    world.look(gate, ACCOUNT)
    assert world.our_writes() == []
    (asked,) = gate.state.approvals.of(ResourceId(ACCOUNT))
    assert "No approved private endpoint with a linked DNS zone serves blob" in asked.value["asks"]
    gate.people.approve(asked.id, "carol")
    assert world.properties(ACCOUNT)["publicNetworkAccess"] == "Disabled"
    (story,) = gate.state.journal.all()
    gate.people.undo(story.id, "carol")
    assert world.properties(ACCOUNT)["publicNetworkAccess"] == "Enabled"


def test_a_plan_that_waits_is_carried_out_when_the_endpoint_has_come(world: World) -> None:
    """Nobody has to approve any more what cuts off nobody."""
    gate = world.gate()
    world.look(gate, ACCOUNT)
    serve(world)
    world.tenant.write(ACCOUNT, {"tags": {"a": "b"}}, by=ALICE, method="PATCH")
    world.run(gate, hours=0.1)
    assert world.properties(ACCOUNT)["publicNetworkAccess"] == "Disabled"
    (asked,) = gate.state.approvals.of(ResourceId(ACCOUNT)) or (None,)
    assert asked is None or asked.status != "waiting"


def test_endpoints_that_may_not_be_read_serve_nobody_that_is_known_of(world: World) -> None:
    serve(world)
    world.tenant.remove(f"{ENDPOINT}/privateDnsZoneGroups/default", by=ALICE)
    gate = world.gate()
    world.look(gate, ACCOUNT)
    assert world.our_writes() == []
    assert len(gate.state.approvals.of(ResourceId(ACCOUNT))) == 1
