"""Firewalls of database servers that are lists of address ranges."""

from collections.abc import Iterator
from typing import Final

from shared.model import AZURE_SERVICES, WIDE, Addresses, Evidence, RangeRules, Resource, fitting


def wide(server: Resource, rules: RangeRules, limit: int = WIDE) -> Iterator[Evidence]:
    """Why the rules together let in more than `limit` addresses: the few widest of them.

    The rule 0.0.0.0-0.0.0.0 lets in no address, but all of Azure: see `all_of_azure`.
    """
    fits = f"rules that hold up to {limit} addresses together"
    found = rules.of(server)
    sets = [addresses - AZURE_SERVICES for _, addresses in found]
    stay = fitting(sets, limit=limit)
    for i, (rule, _) in enumerate(found):
        if i not in stay:
            yield Evidence(f"/properties/{rules.first}", rules.shown(rule), fits, resource=rule.id)
    modest = Addresses.union(one for one in sets if one.size <= limit)
    if modest.size > limit:
        yield Evidence("", f"{modest.size} addresses in rules that are not wide alone", fits)


def all_of_azure(server: Resource, rules: RangeRules) -> Iterator[Evidence]:
    """The rules from 0.0.0.0 to 0.0.0.0, by which a database lets every customer of Azure in."""
    for rule, addresses in rules.of(server):
        if addresses == AZURE_SERVICES:
            first = f"/properties/{rules.first}"
            yield Evidence(first, rules.shown(rule), "no such rule", resource=rule.id)


def too_open(server: Resource, rules: RangeRules) -> Iterator[Evidence]:
    """Both, where one control stands for the two."""
    yield from wide(server, rules)
    yield from all_of_azure(server, rules)


def before_network(server: Resource) -> str:
    """What it means that a flexible server shows no `network`: previews had the switch beside it.

    On, where neither stands (REST reference, `Network.publicNetworkAccess`).
    """
    return server.text("/properties/publicNetworkAccess") or "enabled"


INSIDE_NETWORK: Final = (
    "/properties/network/delegatedSubnetResourceId",
    "/properties/delegatedSubnetArguments/subnetArmResourceId",
)
"""Where a flexible server names the subnet that it lies in, and where previews did."""
