"""Let in to the API server the ranges of known clients alone.

The whole cluster is written back as it was read; small ranges that it lists stay.
"""

from dataclasses import replace

from remediations import ADDRESS_LIST, clients
from shared.model import (
    Addresses,
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
    fitting,
)

RANGES = "/properties/apiServerAccessProfile/authorizedIPRanges"
NETWORK = "/properties/networkProfile"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    cluster, allowed = finding.resource, parameters["allowed_ranges"]
    if cluster.text(f"{NETWORK}/loadBalancerSku") == "basic":
        raise Undecided("authorized ranges need the Standard load balancer, this cluster has Basic")
    listed = cluster.get(RANGES) or []
    sets = [Addresses.parse(text) for text in listed]
    stay = fitting(sets, beside=Addresses.union(clients(allowed)))
    kept = [listed[i] for i in stay]
    covered = Addresses.union(sets[i] for i in stay)
    after = kept + [text for text in allowed if not covered.covers(Addresses.parse(text))]
    # No ranges and an empty list mean the same to Azure, and only the list can be written.
    change = finding.put(Edit.of(cluster.body, RANGES, after, restore=[]))
    etag = cluster.get("/eTag")
    return REMEDIATION.propose(finding, [replace(change, etag=etag)], asks=_asks(cluster))


def _asks(cluster: Resource) -> str:
    """Where nodes reach the API server by an address that the service does not add itself."""
    pools = cluster.items("/properties/agentPoolProfiles")
    if any(pool.get("enableNodePublicIP") for pool in pools):
        return "Nodes have public addresses, which have to be among the ranges."
    way = cluster.text(f"{NETWORK}/outboundType")
    if way not in ("", "loadbalancer"):
        return f"Nodes go out by {way}, whose addresses have to be among the ranges."
    return ""


REMEDIATION = Remediation(
    control="aks-api-authorized-ip-ranges",
    title="Let in to the AKS API server known clients alone",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="kubectl, pipelines and nodes that come from elsewhere lose the API server.",
    reversible=Reversible.YES,
    permissions=(
        "Microsoft.ContainerService/managedClusters/write",
        "Microsoft.ContainerService/locations/operations/read",
        "Microsoft.Network/virtualNetworks/subnets/join/action",
        "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
    ),
    parameters=(
        Parameter(
            name="allowed_ranges",
            description="Public IPv4 addresses and blocks of administrators and pipelines.",
            schema={**ADDRESS_LIST, "minItems": 1},
        ),
    ),
)
