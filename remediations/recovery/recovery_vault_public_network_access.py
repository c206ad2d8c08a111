"""Turn a Recovery Services vault's public endpoint off."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("AzureBackup", "AzureSiteRecovery")


def plan(finding: Finding, parameters: Parameters) -> Plan:
    body = finding.resource.body
    off = finding.patch(Edit.of(body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off)


REMEDIATION = Remediation(
    control="recovery-vault-public-network-access",
    title="Turn the public endpoint of a Recovery Services vault off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Backup agents and appliances outside private endpoints are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.RecoveryServices/vaults/write",
        "Microsoft.RecoveryServices/vaults/operationStatus/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
