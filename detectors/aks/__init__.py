"""Azure Kubernetes Service."""

from shared.model import Resource, ResourceType

CLUSTER = ResourceType("Microsoft.ContainerService/managedClusters", api_version="2025-10-01")
PROFILE = "/properties/apiServerAccessProfile"


def public_api(cluster: Resource) -> bool:
    """Whether its API server has a public address; absent properties mean that it has.

    Raises:
        Undecided: a property holds something else than documented.
    """
    private = cluster.flag(f"{PROFILE}/enablePrivateCluster")
    return not private and cluster.text("/properties/publicNetworkAccess") != "disabled"
