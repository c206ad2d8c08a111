"""Turn a Redis cache's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    linked = finding.resource.items("/properties/linkedServers")
    servers = ", ".join(str(one.get("id")).rpartition("/")[2] for one in linked)
    tied = f"It replicates with {servers}, whose public endpoint stays as it is." if linked else ""
    return endpoint_off(REMEDIATION, finding, parameters, ("redisCache",), off, tied)


REMEDIATION = Remediation(
    control="redis-public-network-access",
    title="Turn the public endpoint of a Redis cache off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Cache/redis/write",
        "Microsoft.Cache/locations/operationResults/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
