"""Close database ports in the rules that open the way to a data store.

A rule is edited in place: it loses the database ports that it opens, or where it serves no other
ports it keeps the small ranges that it lists, and gets `allowed_sources` for the rest. A rule
that cannot be edited so gets a Deny from the internet before it, where that keeps out nobody who
is to stay.
"""

from collections.abc import Iterator

from remediations.network import ALLOWED_SOURCES, WRITE_RULES, closed, widened
from shared.model import (
    DATABASE_PORTS,
    Addresses,
    Change,
    Finding,
    Kind,
    Opening,
    Parameters,
    Plan,
    Ranges,
    Remediation,
    Resource,
    Reversible,
    SecurityRule,
    Undecided,
    Verb,
    open_to_internet,
    openings,
    pointer_to,
)

INSIDE = {"virtualnetwork", "azureloadbalancer"}
"""Service tags that are no part of the internet."""
DESTINATION = (
    "destinationAddressPrefix", "destinationAddressPrefixes",
    "destinationApplicationSecurityGroups",
)  # fmt: skip


def plan(finding: Finding, parameters: Parameters) -> Plan:
    allowed = parameters["allowed_sources"]
    found = [
        opening
        for opening in open_to_internet(finding.resource, DATABASE_PORTS)
        if _leads_there(finding, opening.rule)
    ]
    changes: list[Change] = []
    for opening in found:
        try:
            changes.extend(closed(finding, [opening], DATABASE_PORTS, allowed))
        except Undecided as reason:
            changes.append(_deny(finding, opening, allowed, changes, reason))
    return REMEDIATION.propose(finding, changes, *map(_caveat, changes))


def _leads_there(finding: Finding, rule: SecurityRule) -> bool:
    """Whether the finding names it: other rules may be for other machines."""
    inside = pointer_to(rule.path) + "/"
    return any(
        one.path.startswith(inside) and one.resource == rule.group for one in finding.evidence
    )


def _deny(
    finding: Finding,
    opening: Opening,
    allowed: list[str],
    before: list[Change],
    reason: Undecided,
) -> Change:
    group, rule = finding.resource, opening.rule
    priority = _slot(group, rule, before)
    cut_off = next(_cut_off(group, opening, allowed, priority), "")
    if cut_off:
        raise Undecided(f"{reason}; and a Deny before it would keep out {cut_off}") from reason
    name = f"deny-databases-from-internet-{priority}"
    to = {one: rule.resource.get(f"/properties/{one}") for one in DESTINATION}
    properties = {
        "description": f"Keeps the internet from what the rule {rule.resource.id.name} opens.",
        "direction": "Inbound",
        "access": "Deny",
        "priority": priority,
        "protocol": "Tcp",
        "sourceAddressPrefix": "Internet",
        "sourcePortRange": "*",
        "destinationPortRanges": _texts(opening.ports),
        **{one: value for one, value in to.items() if value},
    }
    return Change(
        verb=Verb.CREATE,
        target=group.id.child(f"securityRules/{name}"),
        api_version=finding.detector.resource_type.api_version,
        document={"properties": properties},
    )


def _slot(group: Resource, rule: SecurityRule, before: list[Change]) -> int:
    """The free priority next before the rule's.

    Raises:
        Undecided: there is none.
    """
    rules = [Resource(id=group.id, body=one) for one in group.items("/properties/securityRules")]
    rules += [Resource(id=one.target, body=one.body()) for one in before]
    taken = {
        one.get("/properties/priority")
        for one in rules
        if one.text("/properties/direction") == "inbound"
    }
    for priority in range(rule.priority - 1, 99, -1):
        if priority not in taken:
            return priority
    raise Undecided(f"no priority is free before the rule {rule.resource.id.name!r}")


def _cut_off(group: Resource, opening: Opening, allowed: list[str], priority: int) -> Iterator[str]:
    """Who is to get in, and would not by a Deny from the internet at this priority."""
    to = opening.rule.destinations
    for text in [*allowed, *opening.rule.known_clients]:
        if text[:1].isalpha() and ":" not in text:
            if text.casefold() not in INSIDE:
                yield text
        else:
            client = Addresses.parse(text)
            if to.names or (client.v4 and to.addresses.v4) or (client.v6 and to.addresses.v6):
                yield text
    wide = {one.rule.path for one in open_to_internet(group, DATABASE_PORTS)}
    for other in openings(group, opening.ports):
        if other.rule.path not in wide and other.rule.priority > priority:
            yield f"the sources of the rule {other.rule.resource.id.name}"


def _texts(ports: Ranges) -> list[str]:
    return [str(a) if a == b else f"{a}-{b}" for a, b in ports.spans]


def _caveat(change: Change) -> str:
    if change.verb is Verb.CREATE:
        return f"A Deny is added as {change.target.name}, for the rule behind it cannot be edited."
    return widened(change)


REMEDIATION = Remediation(
    control="datastore-vm-db-port-open",
    title="Close database ports of data stores to the internet",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Database clients from the internet are refused; other ports go on as before.",
    reversible=Reversible.YES,
    permissions=(
        *WRITE_RULES,
        "Microsoft.Network/networkSecurityGroups/securityRules/delete",
    ),
    parameters=(ALLOWED_SOURCES,),
)
