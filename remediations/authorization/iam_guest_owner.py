"""Take Owner away from a guest account."""

from remediations.authorization.holders import KEPT, removed_unless_kept
from remediations.authorization.removal import PERMISSIONS
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return removed_unless_kept(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-guest-owner",
    title="Take Owner away from a guest account",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The partner who uses this account loses what the role gave.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    privileged=True,
)
