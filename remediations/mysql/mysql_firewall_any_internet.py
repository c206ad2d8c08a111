"""Delete the few widest rules of a MySQL server's firewall, once what must stay is let in."""

from remediations.firewalls import STAYING, narrowed
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = narrowed(finding, rules, parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="mysql-firewall-any-internet",
    title="Delete the widest firewall rules of a MySQL server",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforMySQL/flexibleServers/firewallRules/write",
        "Microsoft.DBforMySQL/flexibleServers/firewallRules/delete",
        "Microsoft.DBforMySQL/locations/azureAsyncOperation/read",
    ),
    parameters=(STAYING,),
)
