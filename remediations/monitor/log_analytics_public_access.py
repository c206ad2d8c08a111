"""Close a Log Analytics workspace to public networks; its private link scopes stay.

A person is always asked: who comes through a scope, and who does not, cannot be seen from here.
"""

from remediations.monitor import IN_SCOPES, asks, closed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    scopes = finding.resource.items("/properties/privateLinkScopedResources")
    linked = [one.get("resourceId") for one in scopes]
    why = asks(parameters["private_link_scopes"], linked)
    return REMEDIATION.propose(finding, [finding.patch(*closed(finding))], why, asks=why)


REMEDIATION = Remediation(
    control="log-analytics-public-access",
    title="Close a Log Analytics workspace to public networks",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Agents, applications and people outside a private link scope are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.OperationalInsights/workspaces/write",),
    parameters=(IN_SCOPES,),
)
