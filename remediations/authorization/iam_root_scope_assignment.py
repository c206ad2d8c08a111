"""Take a role that hands out rights away from the tenant's root."""

from remediations.authorization.holders import KEPT, removed_unless_kept
from remediations.authorization.removal import PERMISSIONS
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return removed_unless_kept(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-root-scope-assignment",
    title="Take a role away from the tenant's root",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="An elevated Global Administrator steps down, and can elevate again.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    privileged=True,
)
