"""End the access that a disk's export SAS gives. The URL cannot come back."""

from remediations.exports import LOST, revoked
from shared.model import (
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["revoke"]:
        raise Undecided("nobody said to revoke the access")
    return REMEDIATION.propose(finding, [revoked(finding)], LOST)


REMEDIATION = Remediation(
    control="disk-active-sas",
    title="Revoke the disk's export SAS",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="An export or backup copy that is running breaks off.",
    reversible=Reversible.NO,
    permissions=(
        "Microsoft.Compute/disks/endGetAccess/action",
        "Microsoft.Compute/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="revoke",
            description="Whether the access is to be ended.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
