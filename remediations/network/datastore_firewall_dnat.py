"""Narrow the sources of the DNAT rules that publish a data store.

A rule keeps the small ranges that it lists, and gets `allowed_sources` for the rest; IP groups
that are wide go from it. No rule goes: a collection must hold at least one.
"""

from collections.abc import Iterator

from detectors.network.datastore_firewall_dnat import public_ways
from detectors.network_types import RULE_COLLECTIONS
from detectors.translations import Translation, addresses, sources, translations
from shared.model import (
    WIDE,
    Addresses,
    Change,
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Path,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Reversible,
    Undecided,
    Verb,
    fitting,
    value_at,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    firewall, allowed = finding.resource, parameters["allowed_sources"]
    asked = Addresses.union(map(addresses, allowed))
    if asked.size > WIDE:
        raise Undecided("allowed_sources is too wide to be a list of known clients")
    ways = [way for way in public_ways(firewall) if way.open]
    opened = {(way.path.resource or firewall.id, way.path.pointer) for way in ways}
    edits: dict[ResourceId, list[Edit]] = {}
    for one in translations(firewall):
        if (one.holder.id, one.pointer) in opened:
            beside = asked | _others(firewall, one, opened)
            narrowed = _narrowed(firewall, one, allowed, beside)
            edits.setdefault(one.holder.id, []).extend(narrowed)
    holders = {one.holder.id: one.holder for one in translations(firewall)}
    changes = [_change(finding, holders[rid], some) for rid, some in edits.items()]
    return REMEDIATION.propose(finding, changes, *_caveats(firewall, edits))


def _others(
    firewall: Resource, rule: Translation, opened: set[tuple[ResourceId, str]]
) -> Addresses:
    """Who comes to the same target by rules that stay as they are."""
    return Addresses.union(
        sources(firewall, one)
        for one in translations(firewall)
        if one.target == rule.target and (one.holder.id, one.pointer) not in opened
    )


def _narrowed(
    firewall: Resource, one: Translation, allowed: list[str], beside: Addresses
) -> Iterator[Edit]:
    groups = {group.id: group for group in firewall.related("ipGroups")} if one.groups else {}
    sets = [addresses(text) for text in one.texts]
    sets += [_held(groups[ResourceId(group)]) for group in one.groups]
    stay = [(*one.texts, *one.groups)[i] for i in fitting(sets, beside)]
    kept = [text for text in one.texts if text in stay]
    wanted = [*kept, *(text for text in allowed if text not in kept)]
    for field, after in (
        ("sourceAddresses", wanted),
        ("sourceIpGroups", [group for group in one.groups if group in stay]),
    ):
        edit = Edit(_named(one, field), value_at(one.rule.body, (field,)), after)
        if edit.changes and (one.groups or field == "sourceAddresses"):
            yield edit


def _held(group: Resource) -> Addresses:
    listed = group.get("/properties/ipAddresses") or []
    return Addresses.union(addresses(str(text)) for text in listed)


def _named(one: Translation, field: str) -> Path:
    """The path to a rule's field by names: elements may have moved by the time of an undo."""
    steps: Path = ()
    for step in (*one.steps, field):
        name = value_at(one.holder.body, (*one.steps[: len(steps)], step, "name"))
        steps = (*steps, name if isinstance(step, int) and isinstance(name, str) else step)
    return steps


def _change(finding: Finding, holder: Resource, edits: list[Edit]) -> Change:
    if holder.id == finding.resource.id:
        return finding.put(*edits)
    return Change(
        verb=Verb.PUT,
        target=holder.id,
        api_version=RULE_COLLECTIONS.api_version,
        edits=tuple(edits),
        document=holder.body,
        etag=holder.etag,
    )


def _caveats(firewall: Resource, edits: dict[ResourceId, list[Edit]]) -> Iterator[str]:
    policies = {rid.write_target.name for rid in edits if rid != firewall.id}
    for name in sorted(policies):
        yield f"The policy {name} may serve other firewalls: the rules are narrower there too."


REMEDIATION = Remediation(
    control="datastore-firewall-dnat",
    title="Let only known clients through the firewall to a data store",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Clients that are not in allowed_sources are cut off from the data store.",
    reversible=Reversible.YES,
    # ARM asks for the right to join everything that a written document refers to.
    permissions=(
        "Microsoft.Network/azureFirewalls/write",
        "Microsoft.Network/firewallPolicies/ruleCollectionGroups/write",
        "Microsoft.Network/ipGroups/join/action",
        "Microsoft.Network/publicIPAddresses/join/action",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.Network/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="allowed_sources",
            description="Who may still come in: addresses and blocks of addresses.",
            schema={
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": r"^[0-9][0-9./-]*$"},
            },
        ),
    ),
)
