"""Cures for networks."""

from collections.abc import Iterable

from shared.model import (
    Change,
    Finding,
    Opening,
    Parameter,
    Ranges,
    Undecided,
    Verb,
    closing_edits,
)

# The rule itself is read to verify and to undo; a rule that names groups joins them anew.
WRITE_RULES = (
    "Microsoft.Network/networkSecurityGroups/securityRules/read",
    "Microsoft.Network/networkSecurityGroups/securityRules/write",
    "Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action",
    "Microsoft.Network/locations/operations/read",
)

ALLOWED_SOURCES = Parameter(
    name="allowed_sources",
    description="Who may still get in: addresses and blocks, or one service tag.",
    schema={
        "type": "array",
        "minItems": 1,
        "items": {
            "type": "string",
            "minLength": 1,
            "not": {"pattern": r"^(\*|[Ii][Nn][Tt][Ee][Rr][Nn][Ee][Tt]|[Aa][Nn][Yy])$"},
        },
    },
    default=["VirtualNetwork"],
)


def closed(
    finding: Finding, found: Iterable[Opening], ports: Ranges, allowed: list[str]
) -> list[Change]:
    """A write for each rule that opens `ports`, after which it does so to known clients alone.

    Raises:
        Undecided: a rule cannot be written, or `allowed` is not what one can hold.
    """
    return [_closed(finding, opening, ports, allowed) for opening in found]


def _closed(finding: Finding, opening: Opening, ports: Ranges, allowed: list[str]) -> Change:
    rule = opening.rule
    if not rule.editable:
        raise Undecided(f"the rule {rule.resource.id.name!r} cannot be written")
    return Change(
        verb=Verb.PUT,
        target=rule.resource.id,
        api_version=finding.detector.resource_type.api_version,
        edits=closing_edits(opening, ports, allowed),
        document=rule.resource.body,
        etag=rule.resource.etag or finding.resource.etag,
    )


def widened(change: Change) -> str:
    """The caveat that a rule lets in a service tag which it did not name before, if it does."""
    for edit in change.edits:
        tag = edit.after if edit.path[-1] == "sourceAddressPrefix" else None
        if isinstance(tag, str) and tag[:1].isalpha() and edit.before != "*":
            return f"The rule {change.target.name} then lets in {tag}, which it did not name."
    return ""
