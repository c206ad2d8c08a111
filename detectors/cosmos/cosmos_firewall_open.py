"""Cosmos DB account accepts all networks.

Why it matters: whoever holds one of the account's keys reads and writes all of it, from anywhere.
Limits: address rules are judged together, against 65,536 addresses. The entry 0.0.0.0 ("accept
connections from within Azure") is a matter of its own: an account with nothing but it passes.
Source: Microsoft Learn, "Configure IP firewall in Azure Cosmos DB".
"""

from collections.abc import Iterator

from detectors import behind_public_access, wide_rules
from detectors.cosmos import ACCOUNT
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    Addresses,
    Detector,
    Evidence,
    Resource,
    Severity,
    Undecided,
)

RULES = "/properties/ipRules"
OLD_RULES = "/properties/ipRangeFilter"
SUBNETS_ONLY = "/properties/isVirtualNetworkFilterEnabled"


def check(account: Resource) -> Iterator[Evidence]:
    return behind_public_access(account, _opened)


def _opened(account: Resource) -> Iterator[Evidence]:
    listed = [str(rule["ipAddressOrRange"]) for rule in account.items(RULES)]
    texts = listed or _old_rules(account)
    if not texts and not account.flag(SUBNETS_ONLY):
        pointer = RULES if account.get(OLD_RULES) is None else OLD_RULES
        yield Evidence(pointer, account.get(pointer), "the ranges of known clients")
    sets = [Addresses.parse(text) - AZURE_SERVICES for text in texts]
    if Addresses.union(sets).size > WIDE:
        pointer = f"{RULES}/{{}}/ipAddressOrRange" if listed else OLD_RULES
        yield from wide_rules(pointer, texts, sets)


def _old_rules(account: Resource) -> list[str]:
    """The comma list of versions before 2020; `""` is no rule."""
    found = account.get(OLD_RULES)
    if found is not None and not isinstance(found, str):
        raise Undecided(f"{OLD_RULES} is not a string")
    return [text.strip() for text in (found or "").split(",") if text.strip()]


DETECTOR = Detector(
    id="cosmos-firewall-open",
    title="Cosmos DB account accepts all networks",
    resource_type=ACCOUNT,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
)
