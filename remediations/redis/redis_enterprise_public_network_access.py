"""Turn a Managed Redis cluster's public endpoint off."""

from remediations.exposure import IN_USE, LOOKUPS, PUBLIC_ACCESS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    unset = finding.resource.get(PUBLIC_ACCESS) is None
    caveat = (
        "A switch that was never set cannot be unset: undo sets it to Enabled." if unset else ""
    )
    return endpoint_off(REMEDIATION, finding, parameters, ("redisEnterprise",), off, caveat)


REMEDIATION = Remediation(
    control="redis-enterprise-public-network-access",
    title="Turn the public endpoint of a Managed Redis cluster off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Cache/redisEnterprise/write",
        "Microsoft.Cache/locations/operationsStatus/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
