"""Turn a Purview account's public endpoint off."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

INGESTION = "Scans then need ingestion private endpoints too, which are not looked at."


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, ("account", "portal"), off, INGESTION)


REMEDIATION = Remediation(
    control="purview-public-network-access",
    title="Turn the public endpoint of a Purview account off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Purview/accounts/write",
        "Microsoft.Purview/locations/operationResults/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
