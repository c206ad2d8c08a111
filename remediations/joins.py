"""Network interfaces let go of what leads to them."""

from collections.abc import Iterable

from detectors.cards import Card
from detectors.network import INTERFACE
from shared.model import (
    ABSENT,
    Change,
    Edit,
    Path,
    Resource,
    ResourceId,
    Undecided,
    Verb,
    parse_pointer,
    value_at,
)

JOINS = (
    "Microsoft.Network/networkInterfaces/write",
    "Microsoft.Network/virtualNetworks/subnets/join/action",
    "Microsoft.Network/networkSecurityGroups/join/action",
    "Microsoft.Network/publicIPAddresses/join/action",
    "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
    "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
    "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
    "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
)
"""What writing an interface takes: ARM asks for the right to join all that it refers to."""


def let_go(place: str, joined: Iterable[tuple[Card, ResourceId]]) -> list[Change]:
    """One write for each interface, in which its configurations drop what they joined.

    `place` is the configuration's list of references, `joined` what is to go from it.

    Raises:
        Undecided: an interface does not show what it should have joined.
    """
    changes: list[Change] = []
    found = list(joined)
    for interface in {card.resource.id: card.resource for card, _ in found}.values():
        wanted: dict[str, list[ResourceId]] = {}
        for card, target in found:
            if card.resource.id == interface.id:
                wanted.setdefault(card.configuration, []).append(target)
        edits = [_without(interface, at, place, gone) for at, gone in wanted.items()]
        changes.append(
            Change(
                verb=Verb.PUT,
                target=interface.id,
                api_version=INTERFACE.api_version,
                edits=tuple(edits),
                document=interface.body,
                etag=interface.etag,
            )
        )
    return changes


def _without(interface: Resource, configuration: str, place: str, gone: list[ResourceId]) -> Edit:
    # By name: Azure may have moved the elements by the time of an undo.
    step = interface.get(f"{configuration}/name") or parse_pointer(configuration)[-1]
    path: Path = ("properties", "ipConfigurations", step, "properties", place)
    before = value_at(interface.body, path)
    listed = before if isinstance(before, list) else []
    kept = [one for one in listed if ResourceId(str(one.get("id"))) not in gone]
    if len(kept) == len(listed):
        raise Undecided(f"the interface {interface.id.name} does not show what it has joined")
    return Edit(path, before, kept or ABSENT)
