"""Turn a Databricks workspace's public endpoint off, by a PUT of the whole: PATCH takes tags alone.

Which network rules its subnets need (`requiredNsgRules`) stays as it is: to drop them before the
clusters reach the control plane through a private endpoint would stop the clusters.
"""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible, Undecided

PUBLIC_ACCESS = "/properties/publicNetworkAccess"
SUB_RESOURCES = ("databricks_ui_api", "browser_authentication")


def plan(finding: Finding, parameters: Parameters) -> Plan:
    workspace = finding.resource
    if workspace.get("/properties/parameters/customVirtualNetworkId/value") is None:
        raise Undecided("outside of a network of your own a workspace has no private endpoint")
    off = finding.put(Edit.of(workspace.body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, SUB_RESOURCES, off)


REMEDIATION = Remediation(
    control="databricks-public-network-access",
    title="Turn the public endpoint of a Databricks workspace off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="People and jobs that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Databricks/workspaces/write",
        "Microsoft.Databricks/locations/operationStatuses/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
