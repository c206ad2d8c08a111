"""End the access that a disk's export SAS gives. The URL cannot come back."""

from remediations.exports import REVOKE, revoked
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return revoked(REMEDIATION, finding, parameters)


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
    parameters=(REVOKE,),
)
