"""Delete the rule that lets all of Azure reach a PostgreSQL server; what must stay comes first."""

from remediations import ALLOWED_RANGES
from remediations.firewalls import without_azure
from shared.model import Finding, Kind, Parameters, Plan, RangeRules, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = RangeRules(finding.detector.lookups[0].type)
    changes = without_azure(finding, rules, parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="postgresql-firewall-azure-services",
    title="Delete the rule for all of Azure",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients in Azure that nothing else lets in cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/write",
        "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules/delete",
        "Microsoft.DBforPostgreSQL/locations/azureAsyncOperation/read",
    ),
    parameters=(ALLOWED_RANGES,),
)
