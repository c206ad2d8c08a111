"""Turn a MongoDB cluster's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, replicates, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    tied = replicates(finding, "/properties/replica/role", "/properties/replica/sourceResourceId")
    return endpoint_off(REMEDIATION, finding, parameters, ("MongoCluster",), off, tied)


REMEDIATION = Remediation(
    control="mongo-vcore-public-network-access",
    title="Turn the public endpoint of a MongoDB cluster off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DocumentDB/mongoClusters/write",
        "Microsoft.DocumentDB/locations/mongoClusterAzureAsyncOperation/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
