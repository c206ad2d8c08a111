"""Remediations, one module a control, named as its detector's; each holds a `REMEDIATION`.

A remediation is a pure planner: it says which writes end a finding, and can make none.
Here stands what the cures of several services share.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from shared.model import (
    AZURE_SERVICES,
    PRIVATE,
    WIDE,
    Addresses,
    Edit,
    Finding,
    Json,
    Parameter,
    Undecided,
    fitting,
)

NETWORK_ACLS = "/properties/networkAcls"

ADDRESS_LIST: Final[Mapping[str, Json]] = {
    "type": "array",
    "items": {
        "type": "string",
        "pattern": r"^\d{1,3}(\.\d{1,3}){3}(/\d{1,2})?$",
        "examples": ["203.0.113.0/24"],
    },
}

ALLOWED_RANGES: Final = Parameter(
    name="allowed_ranges",
    description="Public IPv4 addresses and blocks whose clients must keep access.",
    schema=ADDRESS_LIST,
    for_person=[],
)

_OPEN_ACLS: Final[Mapping[str, Json]] = {
    "bypass": "AzureServices",
    "defaultAction": "Allow",
    "ipRules": [],
    "virtualNetworkRules": [],
}
"""What an absent `networkAcls` means, of a storage account as of a key vault."""


def clients(allowed: Iterable[str]) -> list[Addresses]:
    """The ranges that must keep access, each as a set.

    Raises:
        Undecided: together they are no list of known clients, or one cannot be a client that
            comes over the internet.
    """
    sets = {text: Addresses.parse(text) for text in allowed}
    for text, addresses in sets.items():
        if addresses & PRIVATE:
            raise Undecided(f"{text} holds private addresses, which no firewall rule can let in")
        if addresses & AZURE_SERVICES:
            raise Undecided(f"{text} holds 0.0.0.0, which lets in every customer of Azure")
    if Addresses.union(sets.values()).size > WIDE:
        raise Undecided(f"allowed_ranges holds more than {WIDE} addresses")
    return list(sets.values())


def address_rules(
    rules: Sequence[Mapping[str, Json]], key: str, allowed: Iterable[str], **entry: Json
) -> tuple[list[Json], str]:
    """A firewall's address rules cured, and a caveat that names what had to go.

    Kept as read are all but the few widest, where together they hold more than a list of known
    clients does; added are the allowed ranges that none of the kept covers, with `entry`.

    Raises:
        Undecided: the allowed ranges cannot be let in, or a rule cannot be read.
    """
    wanted = clients(allowed)
    sets = [Addresses.parse(str(rule.get(key))) - AZURE_SERVICES for rule in rules]
    stay = fitting(sets, beside=Addresses.union(wanted))
    cured: list[Json] = [rules[i] for i in stay]
    covered = Addresses.union(sets[i] for i in stay)
    for one in wanted:
        if not covered.covers(one):
            cured.extend({key: block, **entry} for block in one.blocks())
            covered |= one
    gone = ", ".join(str(rule[key]) for i, rule in enumerate(rules) if i not in stay)
    return cured, f"Address rules too wide to stay: {gone}." if gone else ""


def closed_network_acls(
    finding: Finding, allowed: Iterable[str], **entry: Json
) -> tuple[Edit, str]:
    """The whole `networkAcls` denying by default, for it is replaced whole; and a caveat.

    Everything else in it is kept as it was read.

    Raises:
        Undecided: as `address_rules`.
    """
    read = {**(finding.resource.get(NETWORK_ACLS) or _OPEN_ACLS)}
    listed = finding.resource.items(f"{NETWORK_ACLS}/ipRules")
    rules, caveat = address_rules(listed, "value", allowed, **entry)
    bypass = read.get("bypass") or "AzureServices"
    after = {**read, "bypass": bypass, "defaultAction": "Deny", "ipRules": rules}
    return Edit.of(finding.resource.body, NETWORK_ACLS, after, restore={**_OPEN_ACLS}), caveat
