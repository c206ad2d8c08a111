"""Turn a Managed Redis cluster's public endpoint off."""

from remediations.exposure import (
    IN_USE,
    LOOKUPS,
    PUBLIC_ACCESS,
    endpoint_off,
    switched_off,
    told,
)
from shared.model import (
    Finding,
    Kind,
    Lookup,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceType,
    Reversible,
)

DATABASES = Lookup(
    name="databases",
    type=ResourceType("Microsoft.Cache/redisEnterprise/databases", api_version="2025-07-01"),
    ids=lambda cluster: [f"{cluster.id}/databases"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    caveats = list(told(finding.resource, DATABASES, _geo_replication))
    if finding.resource.get(PUBLIC_ACCESS) is None:
        caveats.append("A switch that was never set cannot be unset: undo sets it to Enabled.")
    off = switched_off(finding)
    return endpoint_off(REMEDIATION, finding, parameters, ("redisEnterprise",), off, *caveats)


def _geo_replication(database: Resource) -> str:
    linked = database.items("/properties/geoReplication/linkedDatabases")
    mine = f"{database.id}".casefold()
    others = [str(one.get("id")) for one in linked if str(one.get("id")).casefold() != mine]
    if not others:
        return ""
    return (
        f"Database {database.id.name} is geo-replicated with {', '.join(others)}: each cluster has "
        "a public endpoint of its own."
    )


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
    lookups=(*LOOKUPS, DATABASES),
)
