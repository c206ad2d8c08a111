"""AKS API server is not private.

Why it matters: whoever holds a credential of the cluster can use it from anywhere, and flaws of
the API server are open to everybody.
Limits: most clusters are made private when they are made. What ranges a public API server lets
in is judged by `aks-api-authorized-ip-ranges`.
Source: Microsoft Learn, "Create a private Azure Kubernetes Service cluster"; absent means public.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.aks import CLUSTER, PROFILE, public_api
from shared.model import Detector, Evidence, Resource, Severity


def check(cluster: Resource) -> Iterator[Evidence]:
    if public_api(seen(cluster)):
        pointer = f"{PROFILE}/enablePrivateCluster"
        yield Evidence(pointer, cluster.get(pointer), expected=True)


DETECTOR = Detector(
    id="aks-private-cluster",
    title="AKS API server is not private",
    resource_type=CLUSTER,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
