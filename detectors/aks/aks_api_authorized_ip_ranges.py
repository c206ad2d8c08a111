"""AKS API server is open to the whole internet.

Why it matters: a token that leaks works from anywhere, and flaws of the API server are open to
everybody.
Limits: judges the ranges together; the cluster's own way out, which the service adds, is not
shown. What node pools and workloads publish is not looked at.
Source: Microsoft Learn, "Secure access to the API server using authorized IP address ranges in
Azure Kubernetes Service"; no ranges mean everybody, 0.0.0.0/32 means the cluster alone.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.aks import CLUSTER, PROFILE, public_api
from shared.model import Addresses, Detector, Evidence, Exposure, Resource, Severity, Undecided

RANGES = f"{PROFILE}/authorizedIPRanges"


def check(cluster: Resource) -> Iterator[Evidence]:
    if not public_api(seen(cluster)):
        return
    listed = cluster.get(RANGES) or []
    if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
        raise Undecided(f"{RANGES} is not a list of strings")
    union = Addresses.union(map(Addresses.parse, listed))
    if not listed or Exposure.of(union) is Exposure.OPEN_INTERNET:
        yield Evidence(RANGES, cluster.get(RANGES), "ranges of known clients")


DETECTOR = Detector(
    id="aks-api-authorized-ip-ranges",
    title="AKS API server is open to the whole internet",
    resource_type=CLUSTER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
