"""Turn SFTP off. Local users and their keys stay, and work again when it is turned on."""

from shared.model import (
    Edit,
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
    if not parameters["turn_off"]:
        raise Undecided("nobody said to turn SFTP off")
    edit = Edit.of(finding.resource.body, "/properties/isSftpEnabled", after=False)
    return REMEDIATION.propose(finding, [finding.patch(edit)])


REMEDIATION = Remediation(
    control="storage-sftp-enabled",
    title="Turn SFTP off",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Transfers over SFTP are refused.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Storage/storageAccounts/write",),
    parameters=(
        Parameter(
            name="turn_off",
            description="Whether SFTP is to be turned off.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
