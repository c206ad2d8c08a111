"""Azure Data Explorer (Kusto) clusters."""

from collections.abc import Iterable

from detectors.exposure import Store, by_list, unless_listed
from shared.model import OpenPath, Resource, ResourceType, Undecided

CLUSTER = ResourceType("Microsoft.Kusto/clusters", api_version="2024-04-13")
RANGES = "/properties/allowedIpRangeList"
NETWORK = "/properties/virtualNetworkConfiguration"


def ways(cluster: Resource) -> Iterable[OpenPath]:
    """The ways in through a cluster's list of addresses.

    Raises:
        Undecided: it was injected into a virtual network, or the list is of another shape.
    """
    if cluster.get(NETWORK) and cluster.text(f"{NETWORK}/state") != "disabled":
        raise Undecided("inside a virtual network, whose security group decides")
    return unless_listed(by_list(RANGES), RANGES)(cluster)


STORE = Store(type=CLUSTER, ways=ways)
