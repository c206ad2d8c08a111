"""Let only the listed ranges, and the subnets already named, reach a Cosmos DB account.

An account's rules are always written as a list, whatever form they were read in.
"""

from remediations.cosmos import PERMISSIONS, SOMEBODY, closed, listed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    change, caveat = closed(finding, listed(finding), parameters["allowed_ranges"])
    return REMEDIATION.propose(finding, [change], caveat)


REMEDIATION = Remediation(
    control="cosmos-firewall-open",
    title="Let only known ranges reach the Cosmos DB account",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges are refused, within fifteen minutes.",
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(SOMEBODY,),
)
