"""Turn a managed HSM's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("managedhsm",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    body = finding.resource.body
    off = finding.patch(Edit.of(body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off)


REMEDIATION = Remediation(
    control="keyvault-hsm-public-network-access",
    title="Turn the public endpoint of a managed HSM off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.KeyVault/managedHSMs/write",
        "Microsoft.KeyVault/locations/managedHsmOperationResults/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
