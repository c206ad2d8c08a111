"""Application gateways: which rules lead from a public frontend, and to where."""

from collections.abc import Iterator
from dataclasses import dataclass

from detectors.cards import End
from detectors.paths import Path
from shared.model import Resource, ResourceId, Undecided

POOLS = "/properties/backendAddressPools"


@dataclass(frozen=True, slots=True)
class _Layer:
    """How one layer's rules, listeners and backend settings are called."""

    rules: str
    listeners: str
    listener: str
    settings: str
    setting: str


FOURTH = _Layer(
    "routingRules", "listeners", "listener", "backendSettingsCollection", "backendSettings"
)
SEVENTH = _Layer(
    "requestRoutingRules",
    "httpListeners",
    "httpListener",
    "backendHttpSettingsCollection",
    "backendHttpSettings",
)


@dataclass(frozen=True, slots=True)
class Routed:
    """A rule as a path, the port that clients connect to, and the pool behind it."""

    path: Path
    arrives: int
    pool: str


def public_paths(gateway: Resource) -> list[Routed]:
    """Every rule of a listener on a public frontend, for each pool that it leads to."""
    found: list[Routed] = []
    for layer in (FOURTH, SEVENTH):
        for i, _ in enumerate(gateway.items(f"/properties/{layer.rules}")):
            pointer = f"/properties/{layer.rules}/{i}"
            listener = _part(gateway, layer.listeners, f"{pointer}/properties/{layer.listener}")
            if listener and _is_public(gateway, listener):
                found += _routed(gateway, layer, pointer, listener)
    return found


def _routed(gateway: Resource, layer: _Layer, rule: str, listener: str) -> Iterator[Routed]:
    front = _part(gateway, "frontendPorts", f"{listener}/properties/frontendPort")
    arrives = gateway.get(f"{front}/properties/port") if front else None
    if not isinstance(arrives, int):
        raise Undecided(f"{listener} shows no port")
    for to_pool, to_setting in _leads(gateway, layer, rule):
        pool = _part(gateway, "backendAddressPools", to_pool)
        setting = _part(gateway, layer.settings, to_setting)
        if pool and setting:
            # A name stands for Azure's data stores only where it is not a web site's.
            ends = tuple(_members(gateway, pool, hosts=layer is FOURTH))
            yield Routed(_path(gateway, rule, (arrives, setting), ends), arrives, pool)


def _leads(gateway: Resource, layer: _Layer, rule: str) -> Iterator[tuple[str, str]]:
    """Where a rule, or its map of paths, names a pool and the settings for it."""
    at = f"{rule}/properties"
    yield f"{at}/backendAddressPool", f"{at}/{layer.setting}"
    paths = _part(gateway, "urlPathMaps", f"{at}/urlPathMap")
    if paths:
        at = f"{paths}/properties"
        yield f"{at}/defaultBackendAddressPool", f"{at}/defaultBackendHttpSettings"
        for i, _ in enumerate(gateway.items(f"{at}/pathRules")):
            one = f"{at}/pathRules/{i}/properties"
            yield f"{one}/backendAddressPool", f"{one}/{layer.setting}"


def _path(gateway: Resource, rule: str, through: tuple[int, str], ends: tuple[End, ...]) -> Path:
    arrives, setting = through
    port_at = f"{setting}/properties/port"
    port = gateway.get(port_at)
    name = gateway.get(f"{rule}/name")
    return Path(
        pointer=rule,
        said=f"port {arrives} -> {name} -> port {port}",
        ends=ends,
        port=int(port),
        port_at=port_at,
        port_said=port,
    )


def _is_public(gateway: Resource, listener: str) -> bool:
    reference = f"{listener}/properties/frontendIPConfiguration"
    frontend = _part(gateway, "frontendIPConfigurations", reference)
    return bool(frontend and gateway.get(f"{frontend}/properties/publicIPAddress/id"))


def _part(gateway: Resource, collection: str, reference: str) -> str:
    """The pointer of the part that a reference names; empty where it names none."""
    wanted = gateway.get(f"{reference}/id")
    if not isinstance(wanted, str):
        return ""
    for i, one in enumerate(gateway.items(f"/properties/{collection}")):
        if str(one.get("name")).casefold() == ResourceId(wanted).name.casefold():
            return f"/properties/{collection}/{i}"
    return ""


def _members(gateway: Resource, pool: str, *, hosts: bool) -> Iterator[End]:
    for i, _ in enumerate(gateway.items(f"{pool}/properties/backendIPConfigurations")):
        yield End(str(gateway.get(f"{pool}/properties/backendIPConfigurations/{i}/id")))
    for i, one in enumerate(gateway.items(f"{pool}/properties/backendAddresses")):
        field = "ipAddress" if one.get("ipAddress") else "fqdn"
        if named := one.get(field):
            at = f"{pool}/properties/backendAddresses/{i}/{field}"
            sign = hosts or field == "ipAddress"
            yield End(address=str(named), network=network(gateway), at=at if sign else "")


def subnet(gateway: Resource) -> str:
    """The id of the subnet that the gateway is in."""
    for i, _ in enumerate(gateway.items("/properties/gatewayIPConfigurations")):
        found = gateway.get(f"/properties/gatewayIPConfigurations/{i}/properties/subnet/id")
        if isinstance(found, str):
            return found
    return ""


def network(gateway: Resource) -> str:
    return str(ResourceId(subnet(gateway)).parent or "") if subnet(gateway) else ""


def ends(gateway: Resource) -> list[End]:
    """Where all its public paths end."""
    return [end for one in public_paths(gateway) for end in one.path.ends]
