"""Enforce a security perimeter's rules on an associated data store.

What the rules do not let in is cut off, and only the perimeter's logs show who that is: a person
is always asked, with the rules that will decide.
"""

from collections.abc import Iterator

from remediations import ALLOWED_RANGES, clients
from shared.model import (
    Addresses,
    Edit,
    Finding,
    Kind,
    Lookup,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceType,
    Reversible,
    Undecided,
)

MODE = "/properties/accessMode"

RULES = Lookup(
    name="accessRules",
    type=ResourceType(
        "Microsoft.Network/networkSecurityPerimeters/profiles/accessRules",
        api_version="2025-05-01",
    ),
    ids=lambda association: [f"{association.get('/properties/profile/id')}/accessRules"],
    many=True,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    association = finding.resource
    if not isinstance(association.get("/properties/profile/id"), str):
        raise Undecided("the association names no profile whose rules could decide")
    inbound = [
        rule
        for rule in association.related(RULES.name)
        if rule.text("/properties/direction") == "inbound"
    ]
    let_in = Addresses.union(Addresses.parse(text) for text in _prefixes(inbound))
    allowed = parameters["allowed_ranges"]
    for text, wanted in zip(allowed, clients(allowed), strict=True):
        if not let_in.covers(wanted):
            raise Undecided(f"no inbound rule lets {text} in: add one to the profile first")
    names = ", ".join(rule.id.name for rule in inbound) or "no inbound rule at all"
    why = f"Whoever is neither in the perimeter nor let in by its rules ({names}) is cut off."
    edit = Edit.of(association.body, MODE, "Enforced", restore="Learning")
    return REMEDIATION.propose(finding, [finding.put(edit)], why, asks=why)


def _prefixes(rules: list[Resource]) -> Iterator[str]:
    for rule in rules:
        yield from (str(text) for text in rule.get("/properties/addressPrefixes") or [])


REMEDIATION = Remediation(
    control="datastore-perimeter-not-enforced",
    title="Enforce the security perimeter on the data store",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that no rule lets in are cut off, whatever the store's own firewall says.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Network/networkSecurityPerimeters/resourceAssociations/write",
        "Microsoft.Network/networkSecurityPerimeters/profiles/join/action",
        "Microsoft.Storage/storageAccounts/joinPerimeter/action",
        "Microsoft.DocumentDB/databaseAccounts/joinPerimeter/action",
        "Microsoft.EventHub/namespaces/joinPerimeter/action",
        "Microsoft.KeyVault/vaults/joinPerimeter/action",
        "Microsoft.AppConfiguration/configurationStores/joinPerimeter/action",
    ),
    parameters=(ALLOWED_RANGES,),
    lookups=(RULES,),
)
