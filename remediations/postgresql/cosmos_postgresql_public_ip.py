"""Take the public addresses of a PostgreSQL cluster's coordinator and nodes away.

Its firewall rules stay as they are.
"""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, replicates, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

SWITCHES = ("/properties/coordinatorEnablePublicIpAccess", "/properties/nodeEnablePublicIpAccess")


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding, *SWITCHES, off=False, on=True)
    tied = replicates(finding, "/properties/readReplicas", "/properties/sourceResourceId")
    return endpoint_off(REMEDIATION, finding, parameters, ("coordinator",), off, tied)


REMEDIATION = Remediation(
    control="cosmos-postgresql-public-ip",
    title="Turn the public addresses of a PostgreSQL cluster off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through the coordinator's private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforPostgreSQL/serverGroupsv2/write",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
