"""Turn a SQL server's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off
from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PUBLIC_ACCESS = "/properties/publicNetworkAccess"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    body = finding.resource.body
    off = finding.patch(Edit.of(body, PUBLIC_ACCESS, "Disabled", restore="Enabled"))
    return endpoint_off(REMEDIATION, finding, parameters, ("sqlServer",), off)


REMEDIATION = Remediation(
    control="sql-server-public-network-access",
    title="Turn the public endpoint of a SQL server off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Sql/servers/write",
        "Microsoft.Sql/locations/serverAzureAsyncOperation/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
