"""Application Gateway layer-4 listener publishes a data store.

Why it matters: the gateway connects to the database on behalf of whoever connects to it, so the
security groups of the database see nobody but the gateway.
Limits: layer-7 rules that lead to a data store are counted too, since some databases speak HTTP.
A data store is known by signs, each of them reported: its image, the SQL Server extension or
registration, the tag `data-store`, a private endpoint of a data store, a port of a database, and
behind layer-4 rules a host of one of Azure's. Who gets in is decided by the security group of
the gateway's subnet; whether those behind it let the gateway in, and rules of a web application
firewall, are not looked at. Addresses are looked for in the gateway's subscription. A machine
that becomes a data store behind an address is noticed by the sweep.
Source: Microsoft Learn, "Application Gateway TCP/TLS proxy overview" (it terminates the client's
connection and makes one of its own), "Application Gateway infrastructure configuration".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.gateways import ends, public_paths, subnet
from detectors.network import INTERFACE, SECURITY_GROUP, SUBNET
from detectors.network_types import GATEWAY
from detectors.paths import Path, Way, exposed, groups_before, groups_of, ways
from detectors.stores import behind
from shared.model import (
    Destination,
    Detector,
    Evidence,
    Ranges,
    Reach,
    Resource,
    Severity,
    Wake,
    reach,
)


def check(gateway: Resource) -> Iterator[Evidence]:
    yield from exposed(public_ways(gateway))


def public_ways(gateway: Resource) -> list[Way]:
    """Every public path to a data store behind it.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: no way is open, and of some that cannot be said.
    """
    routed = public_paths(seen(gateway))
    arrives = {one.path.key: one.arrives for one in routed}

    def through(path: Path) -> Reach:
        port = arrives[path.key]
        groups = groups_of(gateway, subnet(gateway))
        # Without a group the subnet lets everybody in.
        return reach(groups, Destination(), Ranges(((port, port),)), basic=True)

    return ways(gateway, [one.path for one in routed], lambda path, _: through(path))


JOINED = "/properties/ipConfigurations/*/properties/applicationGatewayBackendAddressPools/*/id"

DETECTOR = Detector(
    id="datastore-appgateway-tcp-listener",
    title="Application Gateway layer-4 listener publishes a data store",
    resource_type=GATEWAY,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(*behind(ends), *groups_before(lambda gateway: [subnet(gateway)], lambda _: [])),
    wakes=(
        Wake(INTERFACE, JOINED),
        Wake(SECURITY_GROUP, "/properties/subnets/*/id"),
        Wake(SUBNET, "/properties/applicationGatewayIPConfigurations/*/id"),
    ),
)
