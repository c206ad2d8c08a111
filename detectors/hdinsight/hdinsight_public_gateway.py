"""HDInsight cluster has public inbound endpoints.

Why it matters: the gateway answers the internet, with a password before the cluster's data.
Limits: what a security group of the cluster's network lets in is not looked at.
What to do: private link, and outbound connections to the resource provider, are chosen when a
cluster is made: make it anew with both.
Source: Microsoft Learn, "Control network traffic in Azure HDInsight", "Enable Private Link on an
Azure HDInsight cluster" (absent means Inbound, and Disabled).
"""

from collections.abc import Iterator

from detectors import seen
from detectors.hdinsight import CLUSTER
from shared.model import Detector, Evidence, Resource, Severity

NETWORK = "/properties/networkProperties"
PROVIDER = f"{NETWORK}/resourceProviderConnection"
LINK = f"{NETWORK}/privateLink"


def check(cluster: Resource) -> Iterator[Evidence]:
    for pointer, wanted in ((PROVIDER, "Outbound"), (LINK, "Enabled")):
        if seen(cluster).text(pointer) != wanted.casefold():
            yield Evidence(pointer, cluster.get(pointer), wanted)


DETECTOR = Detector(
    id="hdinsight-public-gateway",
    title="HDInsight cluster has public inbound endpoints",
    resource_type=CLUSTER,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
