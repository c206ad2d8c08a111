"""Deny by default in a key vault's firewall, with the ranges in use let in.

What the vault says of trusted services and subnets stays as it is.
"""

from remediations import ALLOWED_RANGES, closed_network_acls
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    edit, caveat = closed_network_acls(finding, parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, [finding.patch(edit)], caveat)


REMEDIATION = Remediation(
    control="keyvault-network-default-allow",
    title="Deny unlisted networks in the key vault's firewall",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges and subnets cannot read keys or secrets.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.KeyVault/vaults/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(ALLOWED_RANGES,),
)
