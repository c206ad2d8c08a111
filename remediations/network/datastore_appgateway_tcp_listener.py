"""Take data stores out of the pools behind a gateway's public rules.

An address goes from its pool, an interface lets go of it. Listeners, rules and the pools
themselves stay.
"""

from collections.abc import Iterator

from detectors.cards import Card
from detectors.gateways import public_paths
from detectors.network.datastore_appgateway_tcp_listener import public_ways
from detectors.network_types import SCALE_SET
from detectors.paths import Way
from remediations.joins import JOINS, let_go
from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Path,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Reversible,
    Undecided,
    parse_pointer,
    value_at,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["cut"]:
        raise Undecided("nobody said to cut these paths")
    gateway = finding.resource
    found = [
        (way, pool) for way in public_ways(gateway) if way.open for pool in _pools(gateway, way)
    ]
    cards = [_card(gateway, way, pool) for way, pool in found if way.end.configuration]
    gone: dict[str, set[str]] = {}
    for way, pool in found:
        if way.end.address:
            gone.setdefault(pool, set()).add(way.end.address)
    changes = let_go("applicationGatewayBackendAddressPools", cards)
    if gone:
        edits = [_without(gateway, pool, addresses) for pool, addresses in gone.items()]
        changes.append(finding.put(*edits))
    return REMEDIATION.propose(finding, changes, *_caveats(gateway, found))


def _pools(gateway: Resource, way: Way) -> Iterator[str]:
    """The pools by which a rule leads to this end."""
    for one in public_paths(gateway):
        if one.path.key == way.path.key and way.end in one.path.ends:
            yield one.pool


def _card(gateway: Resource, way: Way, pool: str) -> tuple[Card, ResourceId]:
    card = way.store.card
    if card is None or SCALE_SET.matches(card.resource.id):
        raise Undecided(f"{way.end} belongs to a scale set: take the pool out of its model")
    return card, gateway.id.child(f"backendAddressPools/{gateway.get(f'{pool}/name')}")


def _without(gateway: Resource, pool: str, addresses: set[str]) -> Edit:
    # By name: Azure may have moved the elements by the time of an undo.
    step = gateway.get(f"{pool}/name") or parse_pointer(pool)[-1]
    path: Path = ("properties", "backendAddressPools", step, "properties", "backendAddresses")
    listed = value_at(gateway.body, path)
    kept = [one for one in listed if (one.get("ipAddress") or one.get("fqdn")) not in addresses]
    return Edit(path, listed, kept)


def _caveats(gateway: Resource, found: list[tuple[Way, str]]) -> Iterator[str]:
    cut = {way.path.pointer for way, _ in found}
    pools = {pool for _, pool in found}
    for one in public_paths(gateway):
        if one.pool in pools and one.path.pointer not in cut:
            yield f"The rule {gateway.get(f'{one.path.pointer}/name')} loses this backend as well."


REMEDIATION = Remediation(
    control="datastore-appgateway-tcp-listener",
    title="Take data stores out of the gateway's public pools",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Everybody who comes in through these rules is cut off from the data store.",
    reversible=Reversible.YES,
    # ARM asks for the right to join everything that a written document refers to.
    permissions=(
        "Microsoft.Network/applicationGateways/write",
        "Microsoft.Network/ApplicationGatewayWebApplicationFirewallPolicies/join/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        *JOINS,
        "Microsoft.Network/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="cut",
            description="Whether the gateway is to lead to these data stores no longer.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
