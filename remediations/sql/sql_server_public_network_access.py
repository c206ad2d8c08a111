"""Turn a SQL server's public endpoint off; its firewall rules stay as they are."""

from collections.abc import Iterator

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import (
    Finding,
    Kind,
    Lookup,
    NeedsLookup,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceType,
    Reversible,
    Undecided,
)

GROUPS = Lookup(
    name="failoverGroups",
    type=ResourceType("Microsoft.Sql/servers/failoverGroups", api_version="2023-08-01"),
    ids=lambda server: [f"{server.id}/failoverGroups"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off, caveats = switched_off(finding), _failovers(finding.resource)
    return endpoint_off(REMEDIATION, finding, parameters, ("sqlServer",), off, *caveats)


def _failovers(server: Resource) -> Iterator[str]:
    """What each failover group of the server means for its clients, in words."""
    try:
        groups = server.related(GROUPS.name)
    except NeedsLookup:
        raise
    except Undecided as reason:
        yield f"Whether failover groups lead clients here cannot be seen: {reason}."
        return
    for group in groups:
        servers = group.items("/properties/partnerServers")
        partners = ", ".join(str(one.get("id")).rpartition("/")[2] for one in servers)
        yield (
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
