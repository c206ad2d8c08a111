"""Turn a Synapse workspace's public endpoints off; its firewall rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

STUDIO = "Synapse Studio then needs a private link hub too, which is not looked at."


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding)
    offered = ("Sql", "SqlOnDemand", "Dev")
    return endpoint_off(REMEDIATION, finding, parameters, offered, off, STUDIO)


REMEDIATION = Remediation(
    control="synapse-public-network-access",
    title="Turn the public endpoints of a Synapse workspace off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Synapse/workspaces/write",
        "Microsoft.Synapse/workspaces/operationResults/read",
    ),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
