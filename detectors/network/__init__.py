"""Networks: security groups, network interfaces, and the machines behind them."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from detectors import SUBSCRIPTION
from shared.model import (
    DATABASE_PORTS,
    Destination,
    Evidence,
    Json,
    Lookup,
    NeedsLookup,
    Ranges,
    Reach,
    Resource,
    ResourceId,
    ResourceType,
    Undecided,
    open_to_internet,
    pointer_to,
    reach,
    values_at,
)
from shared.model.security_rules import inbound_rules

SECURITY_GROUP = ResourceType("Microsoft.Network/networkSecurityGroups", api_version="2024-05-01")
SUBNET = ResourceType("Microsoft.Network/virtualNetworks/subnets", api_version="2024-05-01")
VIRTUAL_NETWORK = ResourceType("Microsoft.Network/virtualNetworks", api_version="2024-05-01")
LOAD_BALANCER = ResourceType("Microsoft.Network/loadBalancers", api_version="2024-05-01")
INTERFACE = ResourceType("Microsoft.Network/networkInterfaces", api_version="2024-05-01")
PUBLIC_IP = ResourceType("Microsoft.Network/publicIPAddresses", api_version="2024-05-01")
VIRTUAL_MACHINE = ResourceType("Microsoft.Compute/virtualMachines", api_version="2024-07-01")
SQL_VIRTUAL_MACHINE = ResourceType(
    "Microsoft.SqlVirtualMachine/sqlVirtualMachines", api_version="2023-10-01"
)
RESOURCE_GROUP = ResourceType("Microsoft.Resources/resourceGroups", api_version="2022-09-01")

DATABASES = (
    "cassandra", "clickhouse", "cockroach", "couchbase", "couchdb", "crunchydata", "database",
    "datastax", "db2", "elastic", "enterprisedb", "influx", "mariadb", "microsoftsqlserver",
    "mongo", "mssql", "mysql", "neo4j", "opensearch", "percona", "postgres", "redis", "sql",
    "sybase", "timescale",
)  # fmt: skip
"""How a word of an image's publisher or offer begins where the image holds a database."""

SQL_EXTENSIONS = {"sqliaasagent", "sqliaasextension"}
TAG = "data-store"


def data_store(machine: Resource) -> Iterator[Evidence]:
    """What marks a virtual machine as the host of a data store, in the machine's document."""
    for part in ("publisher", "offer"):
        pointer = f"/properties/storageProfile/imageReference/{part}"
        words = re.split(r"[^a-z0-9]+", machine.text(pointer))
        if any(word.startswith(DATABASES) for word in words):
            yield Evidence(pointer, machine.get(pointer), "no image of a database", machine.id)
    for i, extension in enumerate(machine.items("/resources")):
        name = str(extension.get("id") or extension.get("name")).rsplit("/", 1)[-1]
        kind = machine.text(f"/resources/{i}/properties/type")
        if SQL_EXTENSIONS & {name.casefold(), kind}:
            yield Evidence(f"/resources/{i}", name, "no SQL Server extension", machine.id)
    yield from tagged(machine)


def tagged(resource: Resource) -> Iterator[Evidence]:
    """The tag by which people mark data stores, in any casing."""
    for key, value in (resource.get("/tags") or {}).items():
        if key.casefold() == TAG and str(value).casefold() == "true":
            yield Evidence(pointer_to(("tags", key)), value, "no such tag", resource.id)


def sql_registration(registration: Resource, machine: str) -> Iterator[Evidence]:
    """A SQL virtual machine's reference to `machine`, in any casing."""
    pointer = "/properties/virtualMachineResourceId"
    named = registration.get(pointer)
    if isinstance(named, str) and ResourceId(named) == ResourceId(machine):
        yield Evidence(pointer, named, "another machine", registration.id)


def open_ports(group: Resource, ports: Ranges) -> Iterator[Evidence]:
    """The sources of each rule that lets the internet in to one of the TCP `ports`.

    Raises:
        Undecided: a rule that may matter cannot be read.
    """
    for opening in open_to_internet(group, ports):
        rule = opening.rule
        for field in rule.fields("sourceAddressPrefix"):
            expected = "sources that are known clients, or other ports"
            yield Evidence(rule.pointer(field), rule.resource.get(field), expected)


CONFIGURATIONS = "/properties/ipConfigurations"
PUBLIC = CONFIGURATIONS + "/{}/properties/publicIPAddress/id"
MACHINE = "/properties/virtualMachine/id"
GROUP = "/properties/networkSecurityGroup/id"


@dataclass(frozen=True, slots=True)
class WayIn:
    """One IP configuration of an interface, by its index, and the security groups before it."""

    nic: Resource
    at: int
    groups: tuple[Resource, ...]

    @classmethod
    def of(cls, nic: Resource, at: int, known: Iterable[Resource]) -> "WayIn":
        """With the subnet's group first; `known` are subnets and groups that were read.

        Raises:
            Undecided: something that is named on the way is not among them.
        """
        read = {one.id: one for one in known}
        found: list[str] = []
        if subnet := nic.get(f"{CONFIGURATIONS}/{at}/properties/subnet/id"):
            found.append(_read(read, subnet).get(GROUP))
        found.append(nic.get(GROUP))
        return cls(nic, at, tuple(_read(read, group) for group in found if group))

    @property
    def destination(self) -> Destination:
        body = self.nic.items(CONFIGURATIONS)[self.at]
        return Destination.of(Resource(id=self.nic.id, body=body))

    def reach(self, ports: Ranges = DATABASE_PORTS, *, basic: bool = False) -> Reach:
        """Who gets through to one of these ports; `basic` as for `shared.model.reach`."""
        return reach(self.groups, self.destination, ports, basic=basic)

    def signs(self) -> Iterator[Evidence]:
        """That a group lets somebody in to the port of a database by name, not by a wide range."""
        to = self.destination
        for group in self.groups:
            for rule in inbound_rules(group, DATABASE_PORTS):
                if rule.allows and any(to.met_by(rule, piece) for piece in to.pieces([rule])):
                    for pointer, ports in rule.listed_ports:
                        if DATABASE_PORTS.covers(ports):
                            found = group.get(pointer)
                            yield Evidence(pointer, found, "no port of a database", group.id)


@dataclass(frozen=True, slots=True)
class Entry:
    """What leads from outside to one IP configuration of an interface, by its index."""

    at: int
    evidence: Evidence
    ports: Ranges


def entries(nic: Resource, balancers: Iterable[Resource]) -> Iterator[Entry]:
    """Its public addresses, and the rules of public load balancers that forward a database port."""
    for at, _ in enumerate(nic.items(CONFIGURATIONS)):
        if found := nic.get(PUBLIC.format(at)):
            yield Entry(
                at, Evidence(PUBLIC.format(at), found, "no public IP", nic.id), DATABASE_PORTS
            )
        for balancer in balancers:
            yield from _forwarded(nic, at, balancer)


def _forwarded(nic: Resource, at: int, balancer: Resource) -> Iterator[Entry]:
    own = _ids(nic.body, *_POOLS.format(at).split("/")) | _ids(
        nic.body, *_NATS.format(at).split("/")
    )
    frontends = {
        ResourceId(str(one.get("id"))).key
        for one in balancer.items("/properties/frontendIPConfigurations")
        if {"publicIPAddress", "publicIPPrefix"} & set(one.get("properties") or {})
    }
    for kind in ("loadBalancingRules", "inboundNatRules"):
        for i, rule in enumerate(balancer.items(f"/properties/{kind}")):
            to = _ids(rule, "id") | _ids(rule, "properties", "backendAddressPool", "id")
            to |= _ids(rule, "properties", "backendAddressPools", "*", "id")
            pointer = f"/properties/{kind}/{i}/properties/backendPort"
            port = balancer.get(pointer)
            public = _ids(rule, "properties", "frontendIPConfiguration", "id") & frontends
            over_tcp = balancer.text(f"/properties/{kind}/{i}/properties/protocol") != "udp"
            if to & own and public and over_tcp and port in DATABASE_PORTS:
                evidence = Evidence(pointer, port, "no port of a database", balancer.id)
                yield Entry(at, evidence, Ranges(((port, port),)))


def _read(known: dict[ResourceId, Resource], wanted: str) -> Resource:
    found = known.get(ResourceId(wanted))
    if found is None:
        raise Undecided(f"{wanted}, which is on the way in, is not there")
    return found


def look(resource: Resource, name: str) -> tuple[tuple[Resource, ...], Undecided | None]:
    """What a lookup found, or why it failed.

    Raises:
        NeedsLookup: it was not made yet.
    """
    try:
        return resource.related(name), None
    except NeedsLookup:
        raise
    except Undecided as reason:
        return (), reason


def held(resource: Resource, name: str) -> tuple[Resource, ...]:
    """What a lookup has found so far; nothing where it failed, or was not made yet."""
    found = resource.lookups.get(name, ())
    return () if isinstance(found, Undecided) else found


def subnets_of(nics: Iterable[Resource]) -> list[str]:
    """The ids of the subnets that these interfaces are in."""
    pointers = ("properties", "ipConfigurations", "*", "properties", "subnet", "id")
    return _once(subnet for nic in nics for subnet in values_at(nic.body, pointers))


def interfaces_of(*holders: Resource) -> list[str]:
    """The ids of the interfaces that security groups and subnets show behind them."""
    found: list[ResourceId] = []
    for holder in holders:
        direct = _ids(holder.body, "properties", "networkInterfaces", "*", "id")
        found.extend(map(ResourceId, sorted(direct)))
        inside = _ids(holder.body, "properties", "ipConfigurations", "*", "id")
        found.extend(ResourceId(one).scope for one in sorted(inside))
    return _once(one.text for one in found if INTERFACE.matches(one))


def balancers_of(nics: Iterable[Resource]) -> list[str]:
    """The ids of the load balancers that have these interfaces behind them."""
    return _once(
        ResourceId(one).scope.text
        for nic in nics
        for places in (_POOLS, _NATS)
        for one in sorted(_ids(nic.body, *places.format("*").split("/")))
    )


_POOLS = "properties/ipConfigurations/{}/properties/loadBalancerBackendAddressPools/*/id"
_NATS = "properties/ipConfigurations/{}/properties/loadBalancerInboundNatRules/*/id"


def _ids(body: Json, *steps: str) -> set[str]:
    """The ids at a path, in lower case."""
    path = tuple(int(step) if step.isdecimal() else step for step in steps)
    return {ResourceId(one).key for one in values_at(body, path) if isinstance(one, str) and one}


def groups_of(*attached: Resource) -> list[str]:
    """The ids of the security groups of interfaces and subnets."""
    return _once(one.get(GROUP) for one in attached)


def _once(found: Iterable[Json]) -> list[str]:
    ids = {ResourceId(one).key: one for one in found if isinstance(one, str) and one}
    return list(ids.values())


def stores_behind(
    nics: Callable[[Resource], Iterable[Resource]],
) -> tuple[Lookup, ...]:
    """The lookups by which `store_signs` knows the data stores among the machines of `nics`."""

    def machines(resource: Resource) -> list[str]:
        return _once(nic.get(MACHINE) for nic in nics(resource))

    def groups(resource: Resource) -> list[str]:
        scopes = (ResourceId(one).resource_group for one in machines(resource))
        return _once(str(scope) for scope in scopes if scope)

    def subscriptions(resource: Resource) -> list[str]:
        scopes = {ResourceId(one).subscription for one in machines(resource)}
        return [f"/subscriptions/{one}" for one in sorted(scopes)]

    return (
        Lookup(name="virtualMachines", type=VIRTUAL_MACHINE, ids=machines),
        Lookup(
            name="sqlVirtualMachines",
            type=SQL_VIRTUAL_MACHINE,
            ids=lambda resource: [
                f"{one}/providers/{SQL_VIRTUAL_MACHINE.name}" for one in subscriptions(resource)
            ],
            many=True,
        ),
        Lookup(name="resourceGroups", type=RESOURCE_GROUP, ids=groups),
        Lookup(name="subscriptions", type=SUBSCRIPTION, ids=subscriptions),
    )


def store_signs(
    resource: Resource, nic: Resource, ways: Iterable[WayIn]
) -> tuple[list[Evidence], Undecided | None]:
    """What makes the machine of `nic` a data store, and why not everything could be seen.

    `resource` is what is judged, and has the lookups of `stores_behind`.

    Raises:
        NeedsLookup: a lookup was not made yet.
    """
    machine = ResourceId(str(nic.get(MACHINE)))
    found = list(tagged(nic))
    reasons: list[Undecided | None] = []
    for name in ("virtualMachines", "sqlVirtualMachines", "resourceGroups", "subscriptions"):
        documents, reason = look(resource, name)
        reasons.append(reason)
        for document in documents:
            if document.id == machine:
                found.extend(data_store(document))
            elif SQL_VIRTUAL_MACHINE.matches(document.id):
                found.extend(sql_registration(document, machine.text))
            elif machine.within(document.id):
                found.extend(tagged(document))
    for way in ways:
        try:
            found.extend(sign for sign in way.signs() if sign not in found)
        except Undecided as reason:
            reasons.append(reason)
    return found, next((reason for reason in reasons if reason), None)
