"""Turn a key vault's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("vault",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    vault = finding.resource
    off = finding.patch(Edit.of(vault.body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    trusted = vault.text("/properties/networkAcls/bypass") != "none"
    caveat = "" if trusted else "Deployments that read secrets of it fail: bypass is None."
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off, caveat)


REMEDIATION = Remediation(
    control="keyvault-public-network-access",
    title="Turn the public endpoint of a key vault off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.KeyVault/vaults/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
