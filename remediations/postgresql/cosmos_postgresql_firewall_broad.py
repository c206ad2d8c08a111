"""Delete the widest rules of a PostgreSQL cluster's firewall, and the one for all of Azure.

What must stay is let in first.
"""

from remediations.firewalls import STAYING, narrowed
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = narrowed(finding, rules, parameters["allowed_ranges"], azure=False)
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="cosmos-postgresql-firewall-broad",
    title="Delete the widest firewall rules of a PostgreSQL cluster",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforPostgreSQL/serverGroupsv2/firewallRules/write",
        "Microsoft.DBforPostgreSQL/serverGroupsv2/firewallRules/delete",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    ),
    parameters=(STAYING,),
)
