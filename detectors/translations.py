"""Azure Firewall's DNAT rules: what they lead from public addresses to, and for which sources."""

from collections.abc import Iterator
from dataclasses import dataclass

from detectors.cards import End
from detectors.network import held
from detectors.network_types import IP_GROUP, RULE_COLLECTIONS
from detectors.paths import Path
from shared.model import (
    EVERY_ADDRESS,
    PRIVATE,
    Addresses,
    Evidence,
    Lookup,
    Resource,
    ResourceId,
    Undecided,
    fitting,
    pointer_to,
)
from shared.model import Path as Steps

OUTSIDE = Addresses(v4=(EVERY_ADDRESS - PRIVATE).v4)
CLIENTS = "sources that are known clients"


@dataclass(frozen=True, slots=True)
class Translation:
    """A DNAT rule of the firewall or of its policy. `holder` is the document it stands in."""

    holder: Resource
    steps: Steps
    rule: Resource

    @property
    def pointer(self) -> str:
        return pointer_to(self.steps)

    @property
    def target(self) -> str:
        """The address or host that it leads to."""
        of = self.rule.get
        return str(of("/translatedAddress") or of("/translatedFqdn") or "").casefold()

    @property
    def texts(self) -> list[str]:
        return [str(one) for one in self.rule.get("/sourceAddresses") or []]

    @property
    def groups(self) -> list[str]:
        """The ids of the IP groups that it names as sources."""
        return [str(one) for one in self.rule.get("/sourceIpGroups") or []]

    @property
    def public(self) -> bool:
        """Whether it acts on a public address: firewalls translate private ones too."""
        texts = [str(one) for one in self.rule.get("/destinationAddresses") or ["*"]]
        return any(one == "*" or not PRIVATE.covers(Addresses.parse(one)) for one in texts)


def translations(firewall: Resource) -> list[Translation]:
    """The DNAT rules of public addresses, the firewall's own and those of its policy.

    Those of a parent policy are not among them: they are not inherited.
    """
    found: list[Translation] = []
    for i, _ in enumerate(firewall.items("/properties/natRuleCollections")):
        at = f"/properties/natRuleCollections/{i}/properties/rules"
        steps: Steps = ("properties", "natRuleCollections", i, "properties", "rules")
        found += _rules(firewall, at, steps)
    for holder in held(firewall, "ruleCollectionGroups"):
        for i, _ in enumerate(holder.items("/properties/ruleCollections")):
            at = f"/properties/ruleCollections/{i}"
            if holder.text(f"{at}/ruleCollectionType") == "firewallpolicynatrulecollection":
                steps = ("properties", "ruleCollections", i, "rules")
                found += _rules(holder, f"{at}/rules", steps)
    return [one for one in found if one.public and one.target]


def _rules(holder: Resource, at: str, steps: Steps) -> Iterator[Translation]:
    for i, rule in enumerate(holder.items(at)):
        yield Translation(holder, (*steps, i), Resource(id=holder.id, body=rule))


def network(firewall: Resource) -> str:
    """The id of the virtual network that the firewall is in; empty in a virtual hub."""
    for i, _ in enumerate(firewall.items("/properties/ipConfigurations")):
        subnet = firewall.get(f"/properties/ipConfigurations/{i}/properties/subnet/id")
        if isinstance(subnet, str):
            return str(ResourceId(subnet).parent)
    return ""


def end_of(firewall: Resource, one: Translation) -> End:
    field = "translatedAddress" if one.rule.get("/translatedAddress") else "translatedFqdn"
    return End(address=one.target, network=network(firewall), at=f"{one.pointer}/{field}")


def ends(firewall: Resource) -> list[End]:
    return [end_of(firewall, one) for one in translations(firewall)]


def sources(firewall: Resource, one: Translation) -> Addresses:
    """The public addresses that a rule is for, its IP groups' among them.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: it names something else, or a group cannot be read.
    """
    texts = list(one.texts)
    if one.groups:
        known = {group.id: group for group in firewall.related("ipGroups")}
        for wanted in map(ResourceId, one.groups):
            if wanted not in known:
                raise Undecided(f"the IP group {wanted.name} is not there")
            texts += [str(a) for a in known[wanted].get("/properties/ipAddresses") or []]
    return Addresses.union(map(addresses, texts)) & OUTSIDE


def addresses(text: str) -> Addresses:
    """What a source names; `*` is everybody.

    Raises:
        Undecided: it is no address, block or range.
    """
    return EVERY_ADDRESS if text.strip() == "*" else Addresses.parse(text)


def graded(firewall: Resource) -> Iterator[tuple[Path, Addresses]]:
    """Each rule as a path, with who gets through.

    All rules to one target count together. Where they let in more than known clients, the
    widest of them stand for all, and the others for themselves.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: sources of a rule cannot be read.
    """
    found = translations(firewall)
    sets = [sources(firewall, one) for one in found]
    for i, one in enumerate(found):
        alike = [n for n, other in enumerate(found) if other.target == one.target]
        stay = [alike[n] for n in fitting([sets[n] for n in alike])]
        through = sets[i] if i in stay else Addresses.union(sets[n] for n in alike)
        yield _path(firewall, one), through


def _path(firewall: Resource, one: Translation) -> Path:
    rid = None if one.holder.id == firewall.id else one.holder.id
    said = one.rule.get
    arrives = ", ".join(map(str, said("/destinationPorts") or ["*"]))
    fields = [f for f in ("sourceAddresses", "sourceIpGroups") if said(f"/{f}")]
    return Path(
        pointer=one.pointer,
        said=f"port {arrives} -> {said('/name')} -> port {said('/translatedPort')}",
        ends=(end_of(firewall, one),),
        port=int(said("/translatedPort")),
        port_at=f"{one.pointer}/translatedPort",
        port_said=said("/translatedPort"),
        because=tuple(
            Evidence(f"{one.pointer}/{field}", said(f"/{field}"), CLIENTS, rid) for field in fields
        ),
        resource=rid,
    )


def _policy(firewall: Resource) -> list[str]:
    policy = firewall.get("/properties/firewallPolicy/id")
    return [f"{policy}/ruleCollectionGroups"] if policy else []


def _groups(firewall: Resource) -> list[str]:
    return list(dict.fromkeys(g for one in translations(firewall) for g in one.groups))


LOOKUPS = (
    Lookup(name="ruleCollectionGroups", type=RULE_COLLECTIONS, ids=_policy, many=True),
    Lookup(name="ipGroups", type=IP_GROUP, ids=_groups),
)
