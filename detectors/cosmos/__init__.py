"""Cosmos DB accounts."""

from shared.model import Resource, ResourceType, Undecided

ACCOUNT = ResourceType("Microsoft.DocumentDB/databaseAccounts", api_version="2024-11-15")
RULES = "/properties/ipRules"
OLD_RULES = "/properties/ipRangeFilter"


def rules_of(account: Resource) -> tuple[str, list[str]]:
    """The pointer to an address rule (`{}` is its index) and the rules' texts.

    Raises:
        Undecided: they are of another shape.
    """
    listed = [str(rule["ipAddressOrRange"]) for rule in account.items(RULES)]
    if listed:
        return f"{RULES}/{{}}/ipAddressOrRange", listed
    # The comma list of versions before 2020; `""` is no rule.
    found = account.get(OLD_RULES)
    if found is not None and not isinstance(found, str):
        raise Undecided(f"{OLD_RULES} is not a string")
    return OLD_RULES, [text.strip() for text in (found or "").split(",") if text.strip()]
