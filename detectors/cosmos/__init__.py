"""Cosmos DB accounts."""

from collections.abc import Iterator

from detectors.exposure import Store, listed, named
from shared.model import (
    Addresses,
    Evidence,
    Exposure,
    OpenPath,
    Resource,
    ResourceType,
    Undecided,
)

ACCOUNT = ResourceType("Microsoft.DocumentDB/databaseAccounts", api_version="2024-11-15")
RULES = "/properties/ipRules"
OLD_RULES = "/properties/ipRangeFilter"
SUBNETS_ONLY = "/properties/isVirtualNetworkFilterEnabled"


def rules_of(account: Resource) -> tuple[str, list[str]]:
    """The pointer to an address rule (`{}` is its index) and the rules' texts.

    Raises:
        Undecided: they are of another shape.
    """
    texts = [str(rule["ipAddressOrRange"]) for rule in account.items(RULES)]
    if texts:
        return f"{RULES}/{{}}/ipAddressOrRange", texts
    # The comma list of versions before 2020; `""` is no rule.
    found = account.get(OLD_RULES)
    if found is not None and not isinstance(found, str):
        raise Undecided(f"{OLD_RULES} is not a string")
    return OLD_RULES, [text.strip() for text in (found or "").split(",") if text.strip()]


def open_to_all(account: Resource) -> Iterator[Evidence]:
    """Why it accepts all networks: it has no address rule, and the filter for subnets is off."""
    if not rules_of(account)[1] and not account.flag(SUBNETS_ONLY):
        where = RULES if account.get(OLD_RULES) is None else OLD_RULES
        yield Evidence(where, account.get(where), "the ranges of known clients")


def ways(account: Resource) -> Iterator[OpenPath]:
    """The ways in through an account's firewall."""
    for evidence in open_to_all(account):
        yield OpenPath(Exposure.OPEN_INTERNET, evidence)
    pointer, texts = rules_of(account)
    yield from listed(
        [
            (Addresses.parse(text), Evidence(pointer.format(i), text, "no such entry"))
            for i, text in enumerate(texts)
        ]
    )
    if account.flag(SUBNETS_ONLY):
        yield from named(account, "/properties/virtualNetworkRules", "id")
    bypass = "/properties/networkAclBypass"
    if account.text(bypass) == "azureservices":
        # Only the resources named beside it: Synapse Link for the analytical store.
        evidence = Evidence(bypass, account.get(bypass), "None")
        yield OpenPath(Exposure.LISTED, evidence)


STORE = Store(type=ACCOUNT, ways=ways, perimeters="2024-12-01-preview")
