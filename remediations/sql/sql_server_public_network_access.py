"""Turn a SQL server's public endpoint off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off, told
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

GROUPS = Lookup(
    name="failoverGroups",
    type=ResourceType("Microsoft.Sql/servers/failoverGroups", api_version="2023-08-01"),
    ids=lambda server: [f"{server.id}/failoverGroups"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off, caveats = switched_off(finding), told(finding.resource, GROUPS, _failover)
    return endpoint_off(REMEDIATION, finding, parameters, ("sqlServer",), off, *caveats)


def _failover(group: Resource) -> str:
    servers = group.items("/properties/partnerServers")
    partners = ", ".join(str(one.get("id")).rpartition("/")[2] for one in servers)
    return (
        f"Failover group {group.id.name} leads clients to this server and to {partners}: each "
        "has a public endpoint of its own."
    )


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
    lookups=(*LOOKUPS, GROUPS),
)
