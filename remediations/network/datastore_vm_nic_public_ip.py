"""Take the public IPs off a network interface; the address resources themselves stay.

The whole interface is written back as it was read, without those references.
"""

from collections.abc import Mapping

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
    ResourceId,
    Reversible,
    Undecided,
    value_at,
)

CONFIGURATIONS = "/properties/ipConfigurations"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["detach"]:
        raise Undecided("nobody said to detach the public addresses")
    nic = finding.resource
    edits: list[Edit] = []
    for i, configuration in enumerate(nic.items(CONFIGURATIONS)):
        # By name: Azure may have moved the elements by the time of an undo.
        name = configuration.get("name")
        step = name if isinstance(name, str) else i
        path: Path = ("properties", "ipConfigurations", step, "properties", "publicIPAddress")
        before = value_at(nic.body, path)
        if isinstance(before, Mapping) and before.get("id"):
            edits.append(Edit(path, before, ABSENT))
    return REMEDIATION.propose(finding, [finding.put(*edits)], *_caveats(nic, edits))


def _caveats(nic: Resource, edits: list[Edit]) -> list[str]:
    try:
        known = {address.id: address for address in nic.related("publicIPs")}
    except Undecided:
        known = {}
    caveats: list[str] = []
    for edit in edits:
        rid = ResourceId(str(edit.before.get("id")))
        how = known[rid].text("/properties/publicIPAllocationMethod") if rid in known else ""
        if how == "dynamic":
            caveats.append(f"The address of {rid.name} is dynamic: undo brings another one.")
        elif how != "static":
            caveats.append(f"Whether {rid.name} keeps its address could not be read.")
    return [*caveats, "Outbound connections that used these addresses take another way or fail."]


REMEDIATION = Remediation(
    control="datastore-vm-nic-public-ip",
    title="Detach public IPs from the NIC of a data store",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients and administrators that come in through the public IP are cut off.",
    reversible=Reversible.PARTIAL,
    # ARM asks for the right to join everything that the written interface refers to.
    permissions=(
        "Microsoft.Network/networkInterfaces/write",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/networkSecurityGroups/join/action",
        "Microsoft.Network/publicIPAddresses/join/action",
        "Microsoft.Network/loadBalancers/backendAddressPools/join/action",
        "Microsoft.Network/loadBalancers/inboundNatRules/join/action",
        "Microsoft.Network/applicationGateways/backendAddressPools/join/action",
        "Microsoft.Network/applicationSecurityGroups/joinIpConfiguration/action",
        "Microsoft.Network/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="detach",
            description="Whether the public addresses are to be taken off.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
