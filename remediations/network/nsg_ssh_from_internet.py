"""Close SSH in each rule that opens it to the internet, and leave the rule otherwise alone.

A rule that serves other ports too loses port 22; a rule for port 22 alone keeps the small ranges
that it lists, and gets `allowed_sources` for the rest. No rule is added, none goes.
"""

from typing import Final

from remediations.network import ALLOWED_SOURCES, WRITE_RULES, closed, widened
from shared.model import (
    Finding,
    Kind,
    Parameters,
    Plan,
    Ranges,
    Remediation,
    Reversible,
    open_to_internet,
)

SSH: Final = Ranges(((22, 22),))


def plan(finding: Finding, parameters: Parameters) -> Plan:
    found = open_to_internet(finding.resource, SSH)
    changes = closed(finding, found, SSH, parameters["allowed_sources"])
    return REMEDIATION.propose(finding, changes, *map(widened, changes))


REMEDIATION = Remediation(
    control="nsg-ssh-from-internet",
    title="Close SSH to the internet",
    kind=Kind.AUTO,
    plan=plan,
    disruption="SSH sessions from the internet are refused; other ports go on as before.",
    reversible=Reversible.YES,
    permissions=WRITE_RULES,
    parameters=(ALLOWED_SOURCES,),
)
