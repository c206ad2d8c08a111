"""Protect a key vault from being purged. Nobody can take this back."""

from shared.model import Edit, Finding, Kind, Parameters, Plan, Remediation, Reversible

PURGE_PROTECTION = "/properties/enablePurgeProtection"
SOFT_DELETE = "/properties/enableSoftDelete"
RETENTION = "/properties/softDeleteRetentionInDays"


def plan(finding: Finding, _: Parameters) -> Plan:
    vault = finding.resource
    # Purge protection needs soft delete, which a vault from before 2021 may not have.
    edits = (Edit.of(vault.body, at, after=True) for at in (PURGE_PROTECTION, SOFT_DELETE))
    days = vault.get(RETENTION) or 90
    caveats = (
        "Purge protection can never be turned off again, by nobody.",
        f"The names of the vault and of what is deleted in it stay taken for {days} days.",
    )
    return REMEDIATION.propose(finding, [finding.patch(*edits)], *caveats)


REMEDIATION = Remediation(
    control="keyvault-purge-protection",
    title="Turn on purge protection",
    kind=Kind.AUTO,
    plan=plan,
    disruption="None for clients; a deleted vault cannot be made anew under its name at once.",
    reversible=Reversible.NO,
    permissions=("Microsoft.KeyVault/vaults/write",),
)
