"""Take the entry for all of Azure, and the widest ranges, out of a Cosmos DB account's firewall.

What must stay is let in by the same write.
"""

from remediations.cosmos import PERMISSIONS, SOMEBODY, closed, listed
from shared.model import (
    AZURE_SERVICES,
    Addresses,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = [
        rule
        for rule in listed(finding)
        if Addresses.parse(str(rule["ipAddressOrRange"])) != AZURE_SERVICES
    ]
    change, caveat = closed(finding, rules, parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, [change], caveat)


REMEDIATION = Remediation(
    control="cosmos-firewall-broad",
    title="Keep all of Azure out of the Cosmos DB account",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges are refused, within fifteen minutes.",
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(SOMEBODY,),
)
