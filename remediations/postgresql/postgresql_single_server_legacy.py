"""Close a retired PostgreSQL server to public networks and old TLS, as far as it is open."""

from remediations.single_servers import CLOSE, closed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return closed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="postgresql-single-server-legacy",
    title="Close the retired server to public networks and old TLS",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that come in over public networks, or without TLS 1.2, are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforPostgreSQL/servers/write",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    ),
    parameters=(CLOSE,),
)
