"""Take the public IPs out of a scale set's model.

The whole scale set is written back as it was read, without them. Instances follow as the scale
set's upgrade policy says.
"""

from collections.abc import Iterator

from detectors.cards import cards_of
from shared.model import (
    ABSENT,
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Path,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
    parse_pointer,
    value_at,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["detach"]:
        raise Undecided("nobody said to take the public addresses away")
    scale_set = finding.resource
    return REMEDIATION.propose(finding, [finding.put(*_edits(scale_set))], *_caveats(scale_set))


def _edits(scale_set: Resource) -> Iterator[Edit]:
    for card in cards_of(scale_set):
        path: Path = ()
        # By name: Azure may have moved the elements by the time of an undo.
        for step in parse_pointer(card.configuration):
            name = value_at(scale_set.body, (*path, step, "name"))
            path = (*path, name if isinstance(step, int) and isinstance(name, str) else step)
        path = (*path, "properties", "publicIPAddressConfiguration")
        before = value_at(scale_set.body, path)
        if before is not ABSENT:
            yield Edit(path, before, ABSENT)


def _caveats(scale_set: Resource) -> Iterator[str]:
    yield "The addresses do not come back: undo brings others."
    yield "Outbound connections that used these addresses take another way or fail."
    if scale_set.text("/properties/orchestrationMode") == "flexible":
        yield "Instances that are there keep theirs: they are interfaces of their own."
    elif scale_set.text("/properties/upgradePolicy/mode") in ("", "manual"):
        yield "Instances that are there keep theirs until somebody upgrades them to the model."
    else:
        yield "The scale set upgrades its instances by itself, which may restart them."


REMEDIATION = Remediation(
    control="datastore-vmss-public-ip",
    title="Take public IPs out of the model of a data store's scale set",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients and administrators that come in through the public IPs are cut off.",
    reversible=Reversible.PARTIAL,
    # ARM asks for the right to join everything that the written model refers to.
    permissions=(
        "Microsoft.Compute/virtualMachineScaleSets/write",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/publicIPPrefixes/join/action",
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        "Microsoft.Network/loadBalancers/inboundNatPools/join/action",
        "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
        "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
        "Microsoft.Compute/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="detach",
            description="Whether the public addresses are to be taken away.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
