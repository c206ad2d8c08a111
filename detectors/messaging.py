"""Firewalls of Event Hubs and Service Bus namespaces: one child, the rule set `default`."""

from collections.abc import Iterator
from dataclasses import replace

from detectors.exposure import Entry, Ways, listed, listed_entries
from shared.model import Evidence, Exposure, Lookup, OpenPath, Resource, ResourceType, Undecided

_DENY = "/properties/defaultAction"
_ADDRESSES = "/properties/ipRules"
_SUBNETS = "/properties/virtualNetworkRules"
_TRUSTED = "/properties/trustedServiceAccessEnabled"


def rule_set(namespace: ResourceType) -> Lookup:
    """The lookup of a namespace's rule set."""
    return Lookup(
        name="networkRuleSets",
        type=ResourceType(f"{namespace.name}/networkRuleSets", namespace.api_version),
        ids=lambda one: [f"{one.id}/networkRuleSets/default"],
    )


def by_rule_set(lookup: Lookup) -> Ways:
    """The ways in through a namespace's rule set.

    Without a rule all networks are let in, whatever the default action says (Microsoft Learn,
    "Allow access to Azure Event Hubs namespaces from specific IP addresses"); a namespace that
    shows no rule set has no rule.
    """

    def ways(namespace: Resource) -> Iterator[OpenPath]:
        found = namespace.related(lookup.name)
        if not found:
            nothing = Evidence("", "no network rule set", "rules for known clients")
            yield OpenPath(Exposure.OPEN_INTERNET, nothing)
        for rules in found:
            for path in _ways(rules):
                yield replace(path, evidence=replace(path.evidence, resource=rules.id))

    return ways


def _ways(rules: Resource) -> Iterator[OpenPath]:
    # Absent is what every namespace begins with: Allow.
    action = rules.text(_DENY) or "allow"
    if action not in ("allow", "deny"):
        raise Undecided(f"{_DENY} is {action!r}")
    addresses, subnets = rules.items(_ADDRESSES), rules.items(_SUBNETS)
    if action == "allow":
        yield OpenPath(Exposure.OPEN_INTERNET, Evidence(_DENY, rules.get(_DENY), "Deny"))
        return
    if not addresses and not subnets:
        nobody = Evidence(_ADDRESSES, rules.get(_ADDRESSES), "the ranges of known clients")
        yield OpenPath(Exposure.OPEN_INTERNET, nobody)
        return
    entries: list[Entry] = listed_entries(rules, _ADDRESSES, "ipMask")
    yield from listed(entries)
    for i in range(len(subnets)):
        at = f"{_SUBNETS}/{i}/subnet/id"
        yield OpenPath(Exposure.LISTED, Evidence(at, rules.get(at), "no such entry"))
    if rules.flag(_TRUSTED):
        yield OpenPath(Exposure.LISTED, Evidence(_TRUSTED, rules.get(_TRUSTED), expected=False))
