"""Deny by default in an Event Hubs namespace's rule set, with the ranges in use let in.

Trusted Microsoft services are let in by the same write: diagnostic settings and Event Grid reach
the namespace that way, and would stop. Subnets stay as they are.
"""

from remediations import ALLOWED_RANGES, address_rules
from shared.model import (
    Change,
    Edit,
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)

ACTION = "/properties/defaultAction"
ADDRESSES = "/properties/ipRules"
SUBNETS = "/properties/virtualNetworkRules"
TRUSTED = "/properties/trustedServiceAccessEnabled"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    (lookup,) = finding.detector.lookups
    found = finding.resource.related(lookup.name)
    if not found:
        raise Undecided("the namespace shows no network rule set that could be changed")
    rules = found[0]
    allowed = parameters["allowed_ranges"]
    entries, gone = address_rules(rules.items(ADDRESSES), "ipMask", allowed, action="Allow")
    if not entries and not rules.items(SUBNETS):
        raise Undecided("a rule set without a rule lets everybody in: name a range that must stay")
    edits = (
        Edit.of(rules.body, ACTION, "Deny", restore="Allow"),
        Edit.of(rules.body, ADDRESSES, entries, restore=[]),
        Edit.of(rules.body, TRUSTED, after=True, restore=False),
    )
    change = Change(
        verb=Verb.PUT,
        target=rules.id,
        api_version=lookup.type.api_version,
        edits=tuple(edit for edit in edits if edit.changes),
        document=rules.body,
        etag=rules.etag,
    )
    trusted = "Trusted Microsoft services are let in, for diagnostics and Event Grid use that way."
    return REMEDIATION.propose(finding, [change], gone, trusted)


REMEDIATION = Remediation(
    control="eventhub-network-default-allow",
    title="Deny unlisted networks in the rule set of an Event Hubs namespace",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients outside the listed ranges and subnets are refused.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.EventHub/namespaces/networkRuleSets/write",
        "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action",
    ),
    parameters=(ALLOWED_RANGES,),
)
