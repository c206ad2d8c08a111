"""Make each public container private. Other containers, and the account, stay as they are."""

from detectors.storage import CONTAINER
from shared.model import (
    Change,
    Edit,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Verb,
)

LEVEL = "/properties/publicAccess"


def plan(finding: Finding, _: Parameters) -> Plan:
    changes = [
        Change(
            verb=Verb.PATCH,
            target=container.id,
            api_version=CONTAINER.api_version,
            edits=(Edit.of(container.body, LEVEL, "None"),),
        )
        for container in finding.resource.related("containers")
        if container.text(LEVEL) not in ("", "none")
    ]
    return REMEDIATION.propose(finding, changes)


REMEDIATION = Remediation(
    control="storage-container-anonymous-access",
    title="Make public containers private",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Sites and downloads that read these containers without a token fail.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Storage/storageAccounts/blobServices/containers/write",),
)
