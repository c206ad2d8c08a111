"""Delete the few widest rules of a SQL server's firewall, once what must stay is let in.

A new rule for each allowed range that no remaining rule covers comes first, so that no client
in it is cut off in between.
"""

from ipaddress import IPv4Address

from remediations import ADDRESS_LIST, clients
from shared.model import (
    AZURE_SERVICES,
    Addresses,
    Change,
    Finding,
    Json,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Reversible,
    Undecided,
    Verb,
    fitting,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    rules = finding.resource.related("firewallRules")
    sets = [Addresses.parse("-".join(_ends(rule))) - AZURE_SERVICES for rule in rules]
    wanted = clients(parameters["allowed_ranges"])
    stay = fitting(sets, beside=Addresses.union(wanted))
    covered = Addresses.union(sets[i] for i in stay)
    taken = {rule.id for rule in rules}
    changes: list[Change] = []
    for one in wanted:
        if not covered.covers(one):
            covered |= one
            start, end = (str(IPv4Address(number)) for number in one.v4.spans[0])
            rule_id = finding.resource.id.child(f"firewallRules/portcullis-{start}-{end}")
            if rule_id in taken:
                raise Undecided(f"there is a rule {rule_id.name} with other addresses already")
            changes.append(_change(finding, Verb.CREATE, rule_id, (start, end)))
    for i, rule in enumerate(rules):
        if i not in stay:
            changes.append(_change(finding, Verb.DELETE, rule.id, _ends(rule)))
    return REMEDIATION.propose(finding, changes)


def _ends(rule: Resource) -> tuple[str, str]:
    properties: Json = rule.body["properties"]
    return properties["startIpAddress"], properties["endIpAddress"]


def _change(finding: Finding, verb: Verb, rule: ResourceId, ends: tuple[str, str]) -> Change:
    return Change(
        verb=verb,
        target=rule,
        api_version=finding.detector.lookup("firewallRules").type.api_version,
        document={"properties": {"startIpAddress": ends[0], "endIpAddress": ends[1]}},
    )


REMEDIATION = Remediation(
    control="sql-firewall-any-internet",
    title="Delete the widest firewall rules of a SQL server",
    kind=Kind.AUTO,
    plan=plan,
    disruption="Clients that came in through a deleted rule cannot connect any more.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.Sql/servers/firewallRules/write",
        "Microsoft.Sql/servers/firewallRules/delete",
    ),
    parameters=(
        Parameter(
            name="allowed_ranges",
            description="Public IPv4 addresses and blocks whose clients must keep access.",
            schema=ADDRESS_LIST,
            default=[],
        ),
    ),
)
