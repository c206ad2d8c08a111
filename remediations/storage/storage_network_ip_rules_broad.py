"""Take the few widest address rules out of a storage account's firewall; let in what must stay.

Everything else in the firewall stays as it was read.
"""

from remediations import ALLOWED_RANGES, closed_network_acls
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    edit, caveat = closed_network_acls(finding, parameters["allowed_ranges"], action="Allow")
    return REMEDIATION.propose(finding, [finding.patch(edit)], caveat)


REMEDIATION = Remediation(
    control="storage-network-ip-rules-broad",
    title="Narrow the address rules of the storage account's firewall",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that came in through a removed rule alone are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(ALLOWED_RANGES,),
)
