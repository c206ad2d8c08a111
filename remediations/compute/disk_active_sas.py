"""End the access that a disk's export SAS gives. The URL cannot come back."""

from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["revoke"]:
        raise Undecided("nobody said to revoke the access")
    change = Change(
        verb=Verb.POST,
        target=finding.resource.id,
        api_version=finding.detector.resource_type.api_version,
        action="endGetAccess",
    )
    caveat = "The revoked URL stays dead; who still needs the disk asks for a new one."
    return REMEDIATION.propose(finding, [change], caveat)


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
