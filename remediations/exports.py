"""Exports of disks and snapshots are ended, or forbidden."""

from shared.model import Change, Edit, Finding, Verb

LOST = "The revoked URL stays dead; who still needs the data asks for a new one."


def revoked(finding: Finding) -> Change:
    """End the access that a SAS gives now."""
    return Change(
        verb=Verb.POST,
        target=finding.resource.id,
        api_version=finding.type.api_version,
        action="endGetAccess",
    )


def forbidden(finding: Finding) -> Change:
    """Let nobody make a SAS for it, from anywhere; absent is restored as the default."""
    body = finding.resource.body
    return finding.patch(
        Edit.of(body, "/properties/networkAccessPolicy", "DenyAll", restore="AllowAll"),
        Edit.of(body, "/properties/publicNetworkAccess", "Disabled", restore="Enabled"),
    )
