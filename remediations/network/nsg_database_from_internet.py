"""Close database ports in each rule that opens them to the internet; no rule is added or goes.

A rule that serves other ports too loses the database ports that it opens; a rule for database
ports alone keeps the small ranges that it lists, and gets `allowed_sources` for the rest.
"""

from remediations.network import ALLOWED_SOURCES, WRITE_RULES, closed, widened
from shared.model import (
    DATABASE_PORTS,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    open_to_internet,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    found = open_to_internet(finding.resource, DATABASE_PORTS)
    changes = closed(finding, found, DATABASE_PORTS, parameters["allowed_sources"])
    return REMEDIATION.propose(finding, changes, *map(widened, changes))


REMEDIATION = Remediation(
    control="nsg-database-from-internet",
    title="Close database ports to the internet",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Database clients from the internet are refused; other ports go on as before.",
    reversible=Reversible.YES,
    permissions=WRITE_RULES,
    parameters=(ALLOWED_SOURCES,),
)
