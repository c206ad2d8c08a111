"""Take a role away from a group of another tenant."""

from remediations.authorization.holders import KEPT, removed_unless_kept
from remediations.authorization.removal import PERMISSIONS
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

CONTRACT = "A partner's support contract or billing may rest on this grant: ask them first."


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return removed_unless_kept(REMEDIATION, finding, parameters, asks=CONTRACT)


REMEDIATION = Remediation(
    control="iam-foreign-principal",
    title="Take a role away from a group of another tenant",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The partner can no longer administer, nor give the support agreed on.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    privileged=True,
)
