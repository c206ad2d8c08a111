"""Public load balancer forwards traffic to a data store.

Why it matters: the database has no public address of its own, and answers the internet all the
same: its security groups are all that stands in between.
Limits: a data store is known by signs, each of them reported: its image, the SQL Server
extension or registration, the tag `data-store`, a rule that leads to the port of a database. A
path counts as open where more than known clients get through the security groups of the subnet
and of the interface; the closed paths of such a balancer are listed too. A pool's address that
no interface of its subscription has (an instance of a scale set may) leads to nothing that is
seen here. Regional balancers behind a global one are judged by themselves, balancers of a
managed Kubernetes cluster by datastore-aks-loadbalancer-db-port. Security admin rules of a
network manager are not seen.
Source: Microsoft Learn, "Azure Load Balancer components", "Azure Load Balancer SKUs": a backend
of a Standard load balancer is closed to inbound flows until a security group allows them, one
of a Basic load balancer is open; the client's address is what the groups see.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.balancers import GROUP, ends, is_basic, of_cluster, public_paths
from detectors.network import (
    INTERFACE,
    LOAD_BALANCER,
    SECURITY_GROUP,
    SQL_VIRTUAL_MACHINE,
    SUBNET,
    VIRTUAL_MACHINE,
)
from detectors.network_types import SCALE_SET
from detectors.paths import Way, exposed, through, through_groups, ways
from shared.model import Detector, Evidence, Resource, Severity, Wake


def check(balancer: Resource) -> Iterator[Evidence]:
    yield from exposed(public_ways(balancer))


def public_ways(balancer: Resource) -> list[Way]:
    """Every public path to a data store behind it.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: no way is open, and of some that cannot be said.
    """
    paths = public_paths(seen(balancer))
    if not paths or of_cluster(balancer):
        return []
    basic = is_basic(balancer)
    return ways(
        balancer,
        paths,
        lambda path, store: through_groups(balancer, path, store, basic=basic),
    )


POOLS = "/properties/ipConfigurations/*/properties/loadBalancerBackendAddressPools/*/id"
NAT_RULES = "/properties/ipConfigurations/*/properties/loadBalancerInboundNatRules/*/id"
MODEL = (
    "/properties/virtualMachineProfile/networkProfile/networkInterfaceConfigurations/*/properties"
    "/ipConfigurations/*/properties/loadBalancerBackendAddressPools/*/id"
)

DETECTOR = Detector(
    id="datastore-lb-public-inbound",
    title="Public load balancer forwards traffic to a data store",
    resource_type=LOAD_BALANCER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(GROUP, *through(ends)),
    # A machine, registration, group or subnet wakes the interface, and that its balancers.
    wakes=(
        Wake(INTERFACE, POOLS),
        Wake(INTERFACE, NAT_RULES),
        Wake(SCALE_SET, MODEL),
        Wake(VIRTUAL_MACHINE, "/properties/networkProfile/networkInterfaces/*/id"),
        Wake(SQL_VIRTUAL_MACHINE, "/properties/virtualMachineResourceId"),
        Wake(SECURITY_GROUP, "/properties/networkInterfaces/*/id"),
        Wake(SECURITY_GROUP, "/properties/subnets/*/id"),
        Wake(SUBNET, "/properties/ipConfigurations/*/id"),
    ),
)
