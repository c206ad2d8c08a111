"""Take data stores out from behind the public rules of a load balancer.

A load-balancing rule loses its backend pool and stays otherwise as it is. Of a NAT rule for one
machine the machine's interface lets go: the rule stays and leads nowhere. A NAT rule for a pool
is deleted. Only rules by which more than known clients come in are touched; no public address
goes.
"""

from collections.abc import Iterator

from detectors.balancers import RULES
from detectors.cards import Card
from detectors.network.datastore_lb_public_inbound import public_ways
from detectors.network_types import SCALE_SET
from detectors.paths import Way
from remediations.joins import JOINS, let_go
from shared.model import (
    ABSENT,
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
    parse_pointer,
    value_at,
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if not parameters["cut"]:
        raise Undecided("nobody said to cut these paths")
    balancer = finding.resource
    found = public_ways(balancer)
    cut = {way.path.pointer: way for way in found if way.open}
    rules = [pointer for pointer in cut if pointer.startswith(RULES)]
    nat_rules = [way for pointer, way in cut.items() if not pointer.startswith(RULES)]
    joined = [way for way in nat_rules if _target(balancer, way)]
    pooled = [way for way in nat_rules if not _target(balancer, way)]
    changes = list(_let_go(finding, joined))
    if rules:
        changes.append(
            finding.put(*(e for pointer in rules for e in _without_pool(balancer, pointer)))
        )
    changes += [_deleted(finding, way) for way in pooled]
    return REMEDIATION.propose(finding, changes, *_caveats(balancer, rules, joined, found))


def _target(balancer: Resource, way: Way) -> str:
    return str(balancer.get(f"{way.path.pointer}/properties/backendIPConfiguration/id") or "")


def _without_pool(balancer: Resource, pointer: str) -> Iterator[Edit]:
    index = parse_pointer(pointer)[-1]
    # By name: Azure may have moved the elements by the time of an undo.
    step = balancer.get(f"{pointer}/name") or index
    for field in ("backendAddressPool", "backendAddressPools"):
        path: Path = ("properties", "loadBalancingRules", step, "properties", field)
        before = value_at(balancer.body, path)
        if before is not ABSENT:
            yield Edit(path, before, ABSENT)


def _let_go(finding: Finding, joined: list[Way]) -> list[Change]:
    balancer = finding.resource
    cards: list[tuple[Card, ResourceId]] = []
    for way in joined:
        card = way.store.card
        if card is None:
            raise Undecided(f"what has {way.end} cannot be seen")
        if SCALE_SET.matches(card.resource.id):
            raise Undecided(
                f"the scale set {card.resource.id.name} makes this NAT rule: take its NAT pool"
                " out of the scale set's model"
            )
        name = balancer.get(f"{way.path.pointer}/name")
        cards.append((card, balancer.id.child(f"inboundNatRules/{name}")))
    return let_go("loadBalancerInboundNatRules", cards)


def _deleted(finding: Finding, way: Way) -> Change:
    balancer = finding.resource
    rule = balancer.get(way.path.pointer)
    return Change(
        verb=Verb.DELETE,
        target=balancer.id.child(f"inboundNatRules/{rule['name']}"),
        api_version=finding.type.api_version,
        document={"properties": dict(rule["properties"])},
    )


def _caveats(
    balancer: Resource, rules: list[str], joined: list[Way], found: list[Way]
) -> Iterator[str]:
    stores = {way.end for way in found}
    for pointer in rules:
        name = balancer.get(f"{pointer}/name")
        ends = next(way.path.ends for way in found if way.path.pointer == pointer)
        if set(ends) - stores:
            yield f"Machines that are no data stores lose the rule {name} as well."
        if not balancer.flag(f"{pointer}/properties/disableOutboundSnat"):
            yield (
                f"Outbound connections that left through the rule {name} take another way or fail."
            )
    for way in joined:
        name = balancer.get(f"{way.path.pointer}/name")
        yield f"The NAT rule {name} stays, without a machine behind it."


REMEDIATION = Remediation(
    control="datastore-lb-public-inbound",
    title="Take data stores out from behind the load balancer's public rules",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Everybody who comes in through these rules is cut off.",
    reversible=Reversible.YES,
    # ARM asks for the right to join everything that a written document refers to.
    permissions=(
        "Microsoft.Network/loadBalancers/write",
        "Microsoft.Network/loadBalancers/inboundNatRules/read",
        "Microsoft.Network/loadBalancers/inboundNatRules/write",
        "Microsoft.Network/loadBalancers/inboundNatRules/delete",
        "Microsoft.Network/publicIPPrefixes/join/action",
        "Microsoft.Network/virtualNetworks/join/action",
        *JOINS,
        "Microsoft.Network/locations/operations/read",
    ),
    parameters=(
        Parameter(
            name="cut",
            description="Whether the rules are to lead to these data stores no longer.",
            schema={"type": "boolean"},
            for_person=True,
        ),
    ),
)
