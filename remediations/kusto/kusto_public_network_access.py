"""Turn a Data Explorer cluster's public endpoint off; its list of addresses stays as it is."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, ("cluster",), off)


REMEDIATION = Remediation(
    control="kusto-public-network-access",
    title="Turn the public endpoint of a Data Explorer cluster off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Kusto/clusters/write",
        "Microsoft.Kusto/locations/operationResults/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
