"""Turn the public endpoint of an Azure AI services account off; its rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("account",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    account = finding.resource
    off = finding.patch(Edit.of(account.body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    named = account.get("/properties/customSubDomainName")
    caveat = "" if named else "Without a customSubDomainName no private endpoint can serve it."
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off, caveat)


REMEDIATION = Remediation(
    control="ai-services-public-network-access",
    title="Turn the public endpoint of an Azure AI services account off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.CognitiveServices/accounts/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
