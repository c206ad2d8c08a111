"""Turn a PostgreSQL server's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, replicates, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding, "/properties/network/publicNetworkAccess")
    tied = replicates(finding, "/properties/replicationRole")
    return endpoint_off(REMEDIATION, finding, parameters, ("postgresqlServer",), off, tied)


REMEDIATION = Remediation(
    control="postgresql-public-network-access",
    title="Turn the public endpoint of a PostgreSQL server off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/write",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
