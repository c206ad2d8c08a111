"""Delete the widest rules of a Synapse workspace's firewall, and the one for all of Azure.

What must stay is let in first.
"""

from remediations.firewalls import STAYING, narrowed
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = narrowed(finding, rules, parameters["allowed_ranges"], azure=False)
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="synapse-firewall-any-internet",
    title="Delete the widest firewall rules of a Synapse workspace",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Synapse/workspaces/firewallRules/write",
        "Microsoft.Synapse/workspaces/firewallRules/delete",
        "Microsoft.Synapse/workspaces/operationStatuses/read",
    ),
    parameters=(STAYING,),
)
