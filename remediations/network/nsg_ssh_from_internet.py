"""Close SSH in each rule that opens it to the internet, and leave the rule otherwise alone.

A rule that serves other ports too loses port 22; a rule for port 22 alone keeps the small ranges
that it lists, and gets `allowed_sources` for the rest. No rule is added, none goes.
"""

from typing import Final

from shared.model import (
    Change,
    Finding,
    Kind,
    Opening,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
    closing_edits,
    open_to_internet,
)

SSH: Final = 22


def plan(finding: Finding, parameters: Parameters) -> Plan:
    found = open_to_internet(finding.resource, SSH)
    changes = [_change(finding, one, parameters["allowed_sources"]) for one in found]
    return REMEDIATION.propose(finding, changes, *map(_caveat, changes))


def _change(finding: Finding, opening: Opening, allowed: list[str]) -> Change:
    rule = opening.rule
    if not rule.editable:
        raise Undecided(f"the rule {rule.resource.id.name!r} cannot be written")
    return Change(
        verb=Verb.PUT,
        target=rule.resource.id,
        api_version=finding.detector.resource_type.api_version,
        edits=closing_edits(rule, SSH, allowed),
        document=rule.resource.body,
        etag=rule.resource.etag or finding.resource.etag,
    )


def _caveat(change: Change) -> str:
    for edit in change.edits:
        tag = edit.after if edit.path[-1] == "sourceAddressPrefix" else None
        if isinstance(tag, str) and tag[:1].isalpha() and edit.before != "*":
            return f"The rule {change.target.name} then lets in {tag}, which it did not name."
    return ""


REMEDIATION = Remediation(
    control="nsg-ssh-from-internet",
    title="Close SSH to the internet",
    kind=Kind.AUTO,
    plan=plan,
    disruption="SSH sessions from the internet are refused; other ports go on as before.",
    reversible=Reversible.YES,
    # The rule itself is read to verify and to undo; a rule that names groups joins them anew.
    permissions=(
        "Microsoft.Network/networkSecurityGroups/securityRules/read",
        "Microsoft.Network/networkSecurityGroups/securityRules/write",
        "Microsoft.Network/applicationSecurityGroups/joinNetworkSecurityRule/action",
        "Microsoft.Network/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="allowed_sources",
            description="Who may still reach SSH: addresses and blocks, or one service tag.",
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
        ),
    ),
)
