"""Let servers sync over private endpoints alone."""

from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
)

POLICY = "/properties/incomingTrafficPolicy"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["refuse"]:
        raise Undecided("nobody said to refuse public traffic")
    service = finding.resource
    edit = Edit.of(service.body, POLICY, "AllowVirtualNetworksOnly", restore="AllowAllTraffic")
    caveats = () if _private(service) else ("No private endpoint is approved: all syncing stops.",)
    return REMEDIATION.propose(finding, [finding.patch(edit)], *caveats)


def _private(service: Resource) -> bool:
    state = "properties/privateLinkServiceConnectionState/status"
    found = service.items("/properties/privateEndpointConnections")
    at = "/properties/privateEndpointConnections"
    return any(service.text(f"{at}/{i}/{state}") == "approved" for i, _ in enumerate(found))


REMEDIATION = Remediation(
    control="storagesync-incoming-traffic",
    title="Refuse public traffic",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Servers that do not come in through a private endpoint stop syncing.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.StorageSync/storageSyncServices/write",
        "Microsoft.StorageSync/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="refuse",
            description="Whether public traffic is to be refused.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
