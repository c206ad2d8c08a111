"""Delete a role assignment whose principal no longer exists."""

from dataclasses import replace

from remediations.authorization.removal import PERMISSIONS, removed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

ANOTHER_DAY = (
    "A principal that was just made or restored is missing from the directory for a while: approve"
    " this on another day than it was found."
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
    privileged=True,
)
