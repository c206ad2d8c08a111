"""Cures for Cosmos DB accounts."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from remediations import ADDRESS_LIST, ALLOWED_RANGES, address_rules
from shared.model import ABSENT, Change, Edit, Finding, Json

RULES = "/properties/ipRules"
OLD_RULES = "/properties/ipRangeFilter"
SUBNETS_ONLY = "/properties/isVirtualNetworkFilterEnabled"

SOMEBODY: Final = replace(ALLOWED_RANGES, schema={**ADDRESS_LIST, "minItems": 1}, for_person=ABSENT)
"""An account with an empty list is an open one: somebody must be named."""

PERMISSIONS: Final = (
    "Microsoft.DocumentDB/databaseAccounts/write",
    "Microsoft.DocumentDB/locations/operationsStatus/read",
)


def listed(finding: Finding) -> list[Mapping[str, Json]]:
    """The account's address rules as a list, whatever form they were read in."""
    old = str(finding.resource.get(OLD_RULES) or "").split(",")
    found = finding.resource.items(RULES)
    return list(found) or [{"ipAddressOrRange": text.strip()} for text in old if text.strip()]


def closed(
    finding: Finding, rules: list[Mapping[str, Json]], allowed: Iterable[str]
) -> tuple[Change, str]:
    """The write that leaves the narrow ones of `rules` and lets the allowed in; and a caveat."""
    account = finding.resource
    cured, caveat = address_rules(rules, "ipAddressOrRange", allowed)
    edits = [Edit.of(account.body, RULES, cured, restore=[])]
    if account.items("/properties/virtualNetworkRules"):
        # Without the filter the subnets' rules are not in force, and they would be cut off.
        edits.append(Edit.of(account.body, SUBNETS_ONLY, after=True, restore=False))
    return finding.patch(*edits), caveat
