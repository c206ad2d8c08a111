"""Turn a Machine Learning workspace's public endpoint off; listed ranges stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("amlworkspace",)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    body = finding.resource.body
    off = finding.patch(Edit.of(body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off)


REMEDIATION = Remediation(
    control="ml-workspace-public-network-access",
    title="Turn the public endpoint of a Machine Learning workspace off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="People in the studio and clients outside private endpoints are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.MachineLearningServices/workspaces/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
