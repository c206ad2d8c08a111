"""Security perimeters: what they let in is judged of the stores that they secure."""

from __future__ import annotations

from typing import Any

from shared.model import ResourceId
from tests.engine.world import GROUP, World, storage

ASSOCIATION = (
    f"{GROUP}/providers/Microsoft.Network/networkSecurityPerimeters/p/resourceAssociations/a"
)
CONTROL = "datastore-public-exposure"


def configuration(account: str, prefix: str) -> dict[str, Any]:
    """What the store shows of its perimeter."""
    rule = {"properties": {"direction": "Inbound", "addressPrefixes": [prefix]}}
    return {
        "id": f"{account}/networkSecurityPerimeterConfigurations/one",
        "properties": {"profile": {"accessRules": [rule]}},
    }


def test_a_new_association_wakes_its_store() -> None:
    """A perimeter that lets the internet in is found without a write of the store itself."""
    world = World()
    gate = world.gate()
    (account,) = world.load(storage(publicNetworkAccess="SecuredByPerimeter"))
    world.look(gate, account)
    held = gate.state.findings.of(ResourceId(account))
    assert CONTROL not in {one.control for one in held if one.open}
    named = {"privateLinkResource": {"id": account}, "accessMode": "Enforced"}
    world.load(configuration(account, "0.0.0.0/0"), {"id": ASSOCIATION, "properties": named})
    world.look(gate, ASSOCIATION)
    world.run(gate, hours=0.1)
    held = gate.state.findings.of(ResourceId(account))
    assert CONTROL in {one.control for one in held if one.open}
