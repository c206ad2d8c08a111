"""Delete the widest rules of a MongoDB cluster's firewall, and the one for all of Azure.

What must stay is let in first.
"""

from remediations.firewalls import STAYING, narrowed
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = narrowed(finding, rules, parameters["allowed_ranges"], azure=False)
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="mongo-vcore-firewall-broad",
    title="Delete the widest firewall rules of a MongoDB cluster",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DocumentDB/mongoClusters/firewallRules/write",
        "Microsoft.DocumentDB/mongoClusters/firewallRules/delete",
        "Microsoft.DocumentDB/locations/mongoClusterAzureAsyncOperation/read",
    ),
    parameters=(STAYING,),
)
