"""Forbid exports of the snapshot. Machines that use it are not concerned."""

from remediations.exports import forbidden
from shared.model import (
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
)


def plan(finding: Finding, _: Parameters) -> Plan:
    return REMEDIATION.propose(finding, [forbidden(finding)])


REMEDIATION = Remediation(
    control="snapshot-public-export",
    title="Forbid exports of the snapshot",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Exports and imports by SAS are refused, also over private links.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Compute/snapshots/write",
        "Microsoft.Compute/locations/operations/read",
    ),
)
