"""Require HTTPS, and encrypted SMB, of every client of a storage account."""

from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

HTTPS_ONLY = "/properties/supportsHttpsTrafficOnly"


def plan(finding: Finding, _: Parameters) -> Plan:
    edit = Edit.of(finding.resource.body, HTTPS_ONLY, after=True)
    return REMEDIATION.propose(finding, [finding.patch(edit)])


REMEDIATION = Remediation(
    control="storage-secure-transfer",
    title="Require secure transfer",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that use http:// or SMB without encryption are refused at once.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Storage/storageAccounts/write",),
)
