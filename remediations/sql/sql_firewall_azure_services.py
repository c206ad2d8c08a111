"""Delete the rule that lets all of Azure reach a SQL server, once what must stay is let in."""

from remediations import ALLOWED_RANGES
from remediations.firewalls import without_azure
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = without_azure(finding, rules, parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="sql-firewall-azure-services",
    title="Delete the rule for all of Azure",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients in Azure that nothing else lets in cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Sql/servers/firewallRules/write",
        "Microsoft.Sql/servers/firewallRules/delete",
    ),
    parameters=(ALLOWED_RANGES,),
)
