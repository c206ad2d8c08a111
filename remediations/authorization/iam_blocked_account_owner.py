"""Take Owner away from an account that may not sign in."""

from remediations.authorization.removal import PERMISSIONS, removed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, _: Parameters) -> Plan:
    return removed(REMEDIATION, finding)


REMEDIATION = Remediation(
    control="iam-blocked-account-owner",
    title="Take Owner away from an account that may not sign in",
    kind=Kind.AUTO,
    plan=plan,
    disruption="None: the account cannot sign in.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    privileged=True,
)
