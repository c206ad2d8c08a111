"""Turn an AI Search service's public endpoint off; its address rules stay as they are."""

from remediations.exposure import IN_USE, LOOKUPS, endpoint_off, switched_off
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    off = switched_off(finding, off="disabled", on="enabled")
    return endpoint_off(REMEDIATION, finding, parameters, ("searchService",), off)


REMEDIATION = Remediation(
    control="search-public-network-access",
    title="Turn the public endpoint of an AI Search service off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that do not come through a private endpoint are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Search/searchServices/write",),
    parameters=(IN_USE,),
    lookups=LOOKUPS,
)
