"""VM that hosts a data store has a NIC with a public IP.

Why it matters: one rule too many in a security group, and the database answers the internet.
Limits: a data store is known by signs, each of them reported: its image, the SQL Server
extension or registration, the tag `data-store`. Whether a security group lets anybody in, and
ways through load balancers, gateways and firewalls, are not looked at.
Source: Microsoft Learn, "Associate a public IP address to a virtual machine".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network import (
    INTERFACE,
    PUBLIC_IP,
    SQL_VIRTUAL_MACHINE,
    VIRTUAL_MACHINE,
    data_store,
    sql_registration,
    tagged,
)
from shared.model import (
    Detector,
    Evidence,
    Lookup,
    NeedsLookup,
    Resource,
    Severity,
    Undecided,
    Wake,
    values_at,
)

MACHINE = "/properties/virtualMachine/id"
CONFIGURATIONS = "/properties/ipConfigurations"


def check(nic: Resource) -> Iterator[Evidence]:
    public = list(_public(nic))
    if not public or not nic.get(MACHINE):
        return
    signs = list(_signs(nic))
    if signs:
        _look(nic, "publicIPs")
        yield from public
        yield from signs


def _public(nic: Resource) -> Iterator[Evidence]:
    for i, configuration in enumerate(seen(nic).items(CONFIGURATIONS)):
        pointer = f"{CONFIGURATIONS}/{i}/properties/publicIPAddress/id"
        if configuration and nic.get(pointer):
            yield Evidence(pointer, nic.get(pointer), expected="no public IP")


def _signs(nic: Resource) -> Iterator[Evidence]:
    """What makes the machine a data store; one sign is enough where another cannot be read.

    Raises:
        Undecided: no sign was seen, and not everything could be.
    """
    found = list(tagged(nic))
    machines, unread = _look(nic, "virtualMachine")
    for machine in machines:
        found.extend(data_store(machine))
    registrations, unread_too = _look(nic, "sqlVirtualMachines")
    for registration in registrations:
        found.extend(sql_registration(registration, str(nic.get(MACHINE))))
    if not found and (reason := unread or unread_too):
        raise reason
    yield from found


def _look(nic: Resource, name: str) -> tuple[tuple[Resource, ...], Undecided | None]:
    try:
        return nic.related(name), None
    except NeedsLookup:
        raise
    except Undecided as reason:
        return (), reason


def _public_ips(nic: Resource) -> list[str]:
    path = ("properties", "ipConfigurations", "*", "properties", "publicIPAddress", "id")
    return [str(one) for one in values_at(nic.body, path) if one]


DETECTOR = Detector(
    id="datastore-vm-nic-public-ip",
    title="VM that hosts a data store has a NIC with a public IP",
    resource_type=INTERFACE,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="virtualMachine", type=VIRTUAL_MACHINE, ids=lambda nic: [str(nic.get(MACHINE))]
        ),
        Lookup(
            name="sqlVirtualMachines",
            type=SQL_VIRTUAL_MACHINE,
            ids=lambda nic: [
                f"/subscriptions/{nic.id.subscription}/providers/{SQL_VIRTUAL_MACHINE.name}"
            ],
            many=True,
        ),
        Lookup(name="publicIPs", type=PUBLIC_IP, ids=_public_ips),
    ),
    wakes=(
        Wake(PUBLIC_IP, "/properties/ipConfiguration/id"),
        Wake(VIRTUAL_MACHINE, "/properties/networkProfile/networkInterfaces/*/id"),
        Wake(SQL_VIRTUAL_MACHINE, "/properties/virtualMachineResourceId"),
    ),
)
