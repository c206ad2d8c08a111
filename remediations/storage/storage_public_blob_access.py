"""Forbid anonymous access to every container of a storage account.

The containers' own access levels stay stored, so undo restores the old exposure exactly.
"""

from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

ALLOWED = "/properties/allowBlobPublicAccess"


def plan(finding: Finding, _: Parameters) -> Plan:
    # PATCH cannot unset the property; absent has the effect of true.
    edit = Edit.of(finding.resource.body, ALLOWED, after=False, restore=True)
    return REMEDIATION.propose(finding, [finding.patch(edit)])


REMEDIATION = Remediation(
    control="storage-public-blob-access",
    title="Forbid anonymous access to blobs",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Sites and downloads that read blobs without a token fail.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Storage/storageAccounts/write",),
)
