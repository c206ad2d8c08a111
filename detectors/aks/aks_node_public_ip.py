"""AKS node pool gives nodes public IPs.

Why it matters: what listens on a node, and what a pod opens on it, is one security rule away
from the internet.
Limits: a pool keeps what it was made with: add another, drain and delete this one. Addresses
that somebody put on a node's interface by hand are not seen.
Source: Microsoft Learn, "Use instance-level public IPs in Azure Kubernetes Service"; absent
means none. Judged in the cluster's own document, which shows its pools.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.aks import CLUSTER
from shared.model import Detector, Evidence, Resource, Severity

POOLS = "/properties/agentPoolProfiles"


def check(cluster: Resource) -> Iterator[Evidence]:
    for i, _ in enumerate(seen(cluster).items(POOLS)):
        pointer = f"{POOLS}/{i}/enableNodePublicIP"
        if cluster.flag(pointer):
            yield Evidence(pointer, cluster.get(pointer), expected=False)


DETECTOR = Detector(
    id="aks-node-public-ip",
    title="AKS node pool gives nodes public IPs",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
