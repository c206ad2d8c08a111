"""End the access that a snapshot's export SAS gives. The URL cannot come back."""

from remediations.exports import REVOKE, revoked
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return revoked(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="snapshot-active-sas",
    title="Revoke the snapshot's export SAS",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="An export or backup copy that is running breaks off.",
    reversible=Reversible.NO,
    permissions=(
        "Microsoft.Compute/snapshots/endGetAccess/action",
        "Microsoft.Compute/locations/operations/read",
    ),
    parameters=(REVOKE,),
)
