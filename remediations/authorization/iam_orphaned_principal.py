"""Delete a role assignment whose principal no longer exists."""

from dataclasses import replace
from datetime import timedelta

from remediations.authorization.removal import PERMISSIONS, removed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

ANOTHER_DAY = (
    "A principal that was just made or restored is missing from the directory for a while: this"
    " waits until it was missing for a day."
)


def plan(finding: Finding, _: Parameters) -> Plan:
    return replace(removed(REMEDIATION, finding), asks=ANOTHER_DAY)


REMEDIATION = Remediation(
    control="iam-orphaned-principal",
    title="Delete a role assignment whose principal no longer exists",
    kind=Kind.AUTO,
    plan=plan,
    disruption="None: nobody can use it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    matures=timedelta(days=1),
    privileged=True,
)
