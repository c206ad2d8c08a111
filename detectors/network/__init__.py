"""Networks: security groups, network interfaces, and the machines behind them."""

import re
from collections.abc import Iterator

from shared.model import (
    Evidence,
    Ranges,
    Resource,
    ResourceId,
    ResourceType,
    open_to_internet,
    pointer_to,
)

SECURITY_GROUP = ResourceType("Microsoft.Network/networkSecurityGroups", api_version="2024-05-01")
INTERFACE = ResourceType("Microsoft.Network/networkInterfaces", api_version="2024-05-01")
PUBLIC_IP = ResourceType("Microsoft.Network/publicIPAddresses", api_version="2024-05-01")
VIRTUAL_MACHINE = ResourceType("Microsoft.Compute/virtualMachines", api_version="2024-07-01")
SQL_VIRTUAL_MACHINE = ResourceType(
    "Microsoft.SqlVirtualMachine/sqlVirtualMachines", api_version="2023-10-01"
)

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
