"""Close an Application Insights component to public networks, by a PUT: PATCH takes tags alone.

A person is always asked: who comes through a scope, and who does not, cannot be seen from here.
"""

from remediations.monitor import IN_SCOPES, asks, closed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    scopes = finding.resource.items("/properties/PrivateLinkScopedResources")
    linked = [one.get("ResourceId") for one in scopes]
    why = asks(parameters["private_link_scopes"], linked)
    return REMEDIATION.propose(finding, [finding.put(*closed(finding))], why, asks=why)


REMEDIATION = Remediation(
    control="app-insights-public-access",
    title="Close an Application Insights component to public networks",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Applications, browsers and people outside a private link scope are cut off.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Insights/components/write",),
    parameters=(IN_SCOPES,),
)
