"""Exports of disks and snapshots are ended, or forbidden."""

from shared.model import (
    Change,
    Edit,
    Finding,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Undecided,
    Verb,
)

REVOKE = Parameter(
    name="revoke",
    description="Whether the access is to be ended.",
    schema={"type": "boolean"},
    for_person=True,
)
LOST = "The revoked URL stays dead; who still needs the data asks for a new one."


def revoked(remediation: Remediation, finding: Finding, parameters: Parameters) -> Plan:
    """End the access that a SAS gives now.

    Raises:
        Undecided: nobody said to.
    """
    if not parameters["revoke"]:
        raise Undecided("nobody said to revoke the access")
    end = Change(
        verb=Verb.POST,
        target=finding.resource.id,
        api_version=finding.type.api_version,
        action="endGetAccess",
    )
    return remediation.propose(finding, [end], LOST)


def forbidden(finding: Finding) -> Change:
    """Let nobody make a SAS for it, from anywhere; absent is restored as the default."""
    body = finding.resource.body
    return finding.patch(
        Edit.of(body, "/properties/networkAccessPolicy", "DenyAll", restore="AllowAll"),
        Edit.of(body, "/properties/publicNetworkAccess", "Disabled", restore="Enabled"),
    )
