"""AKS publishes a database port through its public load balancer.

Why it matters: a Service of type LoadBalancer answers the internet, on the port of a database.
Limits: judged are the rules of load balancers that a managed cluster made in its node resource
group, by their ports alone; which Service a rule stands for is in the cluster, and so are the
source ranges it lists, unless they became rules of a security group on the way. Where those let
known clients in alone the rule counts as closed.
What to do: the cluster puts back what is taken away here, and its resource group is never
written to. Change the Service: `type: ClusterIP`, or the annotation
`service.beta.kubernetes.io/azure-load-balancer-internal: "true"`, or `loadBalancerSourceRanges`.
Source: Microsoft Learn, "Use a public standard load balancer in Azure Kubernetes Service (AKS)",
"Use an internal load balancer with Azure Kubernetes Service (AKS)".
"""

from collections.abc import Iterator
from dataclasses import replace

from detectors import seen
from detectors.balancers import GROUP, ends, is_basic, of_cluster, public_paths
from detectors.network import LOAD_BALANCER
from detectors.paths import Path, exposed, through, through_groups, ways
from shared.model import DATABASE_PORTS, Detector, Evidence, Resource, Severity


def check(balancer: Resource) -> Iterator[Evidence]:
    paths = [_by_frontend(balancer, path) for path in public_paths(seen(balancer))]
    paths = [path for path in paths if path.port in DATABASE_PORTS]
    if not paths or not of_cluster(balancer):
        return
    basic = is_basic(balancer)
    found = ways(
        balancer, paths, lambda path, store: through_groups(balancer, path, store, basic=basic)
    )
    yield from exposed(found)


def _by_frontend(balancer: Resource, path: Path) -> Path:
    """The path as clients know it: nodes may be reached at another port than the Service."""
    port_at = f"{path.pointer}/properties/frontendPort"
    port = balancer.get(port_at)
    if not isinstance(port, int):
        return path
    return replace(path, port=port, port_at=port_at, port_said=port, inside=path.port)


DETECTOR = Detector(
    id="datastore-aks-loadbalancer-db-port",
    title="AKS publishes a database port through its public load balancer",
    resource_type=LOAD_BALANCER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    # What wakes it is declared with datastore-lb-public-inbound, of the same type.
    lookups=(GROUP, *through(ends)),
)
