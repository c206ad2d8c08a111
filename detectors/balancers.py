"""Load balancers: which rules lead from a public frontend, and to where."""

from collections.abc import Iterator

from detectors.cards import End
from detectors.network import RESOURCE_GROUP
from detectors.paths import Path
from shared.model import Json, Lookup, Protocol, Resource, ResourceId, values_at

FRONTENDS = "/properties/frontendIPConfigurations"
POOLS = "/properties/backendAddressPools"
RULES = "/properties/loadBalancingRules"
NAT_RULES = "/properties/inboundNatRules"
CLUSTERS = "microsoft.containerservice/managedclusters"


def public_paths(balancer: Resource) -> list[Path]:
    """Every rule of a public frontend that has something behind it.

    Outbound rules let nobody in. What `inboundNatPools` make stands among the NAT rules.
    """
    frontends = _public_frontends(balancer)
    found: list[Path] = []
    for kind in (RULES, NAT_RULES):
        for i, _ in enumerate(balancer.items(kind)):
            pointer = f"{kind}/{i}"
            frontend = ResourceId(_id(balancer, f"{pointer}/properties/frontendIPConfiguration"))
            ends = tuple(_ends(balancer, pointer))
            if frontend.key in frontends and ends:
                found.append(_path(balancer, pointer, frontend.name, ends))
    return found


def _public_frontends(balancer: Resource) -> set[str]:
    found: set[str] = set()
    for i, one in enumerate(balancer.items(FRONTENDS)):
        pointer = f"{FRONTENDS}/{i}/properties"
        if _id(balancer, f"{pointer}/publicIPAddress") or _id(
            balancer, f"{pointer}/publicIPPrefix"
        ):
            own = one.get("id") or balancer.id.child(f"frontendIPConfigurations/{one.get('name')}")
            found.add(ResourceId(str(own)).key)
    return found


def _path(balancer: Resource, pointer: str, frontend: str, ends: tuple[End, ...]) -> Path:
    name = balancer.get(f"{pointer}/name")
    arrives = balancer.get(f"{pointer}/properties/frontendPort")
    if not arrives:
        arrives = balancer.get(f"{pointer}/properties/frontendPortRangeStart")
    protocol = balancer.text(f"{pointer}/properties/protocol")
    port_at = f"{pointer}/properties/backendPort"
    udp: Protocol = "udp" if protocol == "udp" else "tcp"
    port = balancer.get(port_at)
    return Path(
        pointer=pointer,
        said=f"{frontend} port {arrives} -> {name} -> port {port}",
        ends=ends,
        port=int(port),
        port_at=port_at,
        port_said=port,
        protocol=udp,
        floating=balancer.flag(f"{pointer}/properties/enableFloatingIP") is True,
    )


def pools_of(balancer: Resource, pointer: str) -> list[str]:
    """The ids of the pools that a rule has behind it."""
    properties = balancer.get(f"{pointer}/properties")
    one = values_at(properties, ("backendAddressPool", "id"))
    several = values_at(properties, ("backendAddressPools", "*", "id"))
    return list(dict.fromkeys(str(i) for i in (*one, *several) if i))


def _ends(balancer: Resource, pointer: str) -> Iterator[End]:
    configuration = _id(balancer, f"{pointer}/properties/backendIPConfiguration")
    if configuration:
        yield End(configuration)
    wanted = {ResourceId(pool).key for pool in pools_of(balancer, pointer)}
    for i, one in enumerate(balancer.items(POOLS)):
        own = one.get("id") or balancer.id.child(f"backendAddressPools/{one.get('name')}")
        if ResourceId(str(own)).key in wanted:
            yield from dict.fromkeys(_members(balancer, f"{POOLS}/{i}/properties"))


def _members(balancer: Resource, pointer: str) -> Iterator[End]:
    """A pool's members: IP configurations, and addresses that name none."""
    for i, _ in enumerate(balancer.items(f"{pointer}/backendIPConfigurations")):
        yield End(str(balancer.get(f"{pointer}/backendIPConfigurations/{i}/id")))
    network = _id(balancer, f"{pointer}/virtualNetwork")
    for i, _ in enumerate(balancer.items(f"{pointer}/loadBalancerBackendAddresses")):
        member = f"{pointer}/loadBalancerBackendAddresses/{i}/properties"
        address = balancer.get(f"{member}/ipAddress")
        if configuration := _id(balancer, f"{member}/networkInterfaceIPConfiguration"):
            yield End(configuration)
        elif address:
            near = _id(balancer, f"{member}/subnet") or _id(balancer, f"{member}/virtualNetwork")
            yield End(address=str(address), network=near or network)


def _id(balancer: Resource, pointer: str) -> str:
    found: Json = balancer.get(f"{pointer}/id")
    return found if isinstance(found, str) else ""


def ends(balancer: Resource) -> list[End]:
    """Where all its public paths end."""
    return [end for path in public_paths(balancer) for end in path.ends]


def is_basic(balancer: Resource) -> bool:
    """Whether it lets everybody in where no security group says otherwise; absent means Basic."""
    return balancer.text("/sku/name") in ("", "basic")


def of_cluster(balancer: Resource) -> bool:
    """Whether a managed Kubernetes cluster made it and puts back what others take away.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: the resource group cannot be read.
    """
    if not balancer.id.name.casefold().startswith("kubernetes"):
        return False
    (group,) = balancer.related("resourceGroup") or (None,)
    managed = str(group.get("/managedBy") or "") if group is not None else ""
    return bool(managed) and ResourceId(managed).type.casefold() == CLUSTERS


GROUP = Lookup(
    name="resourceGroup",
    type=RESOURCE_GROUP,
    ids=lambda balancer: [str(balancer.id.resource_group)],
)
