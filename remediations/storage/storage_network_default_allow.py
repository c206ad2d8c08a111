"""Deny by default in a storage account's firewall, with the ranges in use let in.

Rules for subnets and for resource instances stay as they are.
"""

from remediations import ALLOWED_RANGES, closed_network_acls
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    edit, caveat = closed_network_acls(finding, parameters["allowed_ranges"], action="Allow")
    return REMEDIATION.propose(finding, [finding.patch(edit)], caveat)


REMEDIATION = Remediation(
    control="storage-network-default-allow",
    title="Deny unlisted networks in the storage firewall",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges, subnets and resources lose the data plane.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Storage/storageAccounts/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(ALLOWED_RANGES,),
)
