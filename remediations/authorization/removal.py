"""Cures that take a role assignment away, and can give it back."""

from typing import Final

from remediations.authorization import GRANTED, PERMISSIONS
from shared.model import Change, Finding, Plan, Remediation, Resource, Verb

__all__ = ["CAVEATS", "PERMISSIONS", "deletion", "removed"]

CAVEATS: Final = (
    "The end of a grant takes up to 15 minutes to hold.",
    "Undo makes the grant anew: who made it and when (createdBy, createdOn) is lost.",
    "Undo grants a role, so it runs under the credential of who asks for it.",
)


def removed(remediation: Remediation, finding: Finding) -> Plan:
    """The end of the assignment that was found; undo grants the same under the same name."""
    version = finding.type.api_version
    return remediation.propose(finding, [deletion(finding.resource, version)], *CAVEATS)


def deletion(assignment: Resource, api_version: str) -> Change:
    """An assignment's end, which keeps what a PUT of it takes."""
    properties = assignment.body["properties"]
    kept = {name: properties[name] for name in GRANTED if properties.get(name) is not None}
    return Change(
        verb=Verb.DELETE,
        target=assignment.id,
        api_version=api_version,
        document={"properties": kept},
    )
