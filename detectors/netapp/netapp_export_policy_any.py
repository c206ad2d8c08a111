"""NetApp volume exports to every client.

Why it matters: whoever reaches the volume's network mounts it and writes to it, or is root.
Limits: a volume has an address in a virtual network, so every client means every client of that
network and of those connected to it. Clients named by host are not counted.
Source: Microsoft Learn, "Configure export policy for NFS or dual-protocol volumes", REST
reference of `exportPolicy` (an absent hasRootAccess means true).
"""

from collections.abc import Iterator, Mapping

from detectors import seen
from detectors.netapp import VOLUME
from shared.model import MOST, Addresses, Detector, Evidence, Json, Resource, Severity

RULES = "/properties/exportPolicy/rules"


def check(volume: Resource) -> Iterator[Evidence]:
    for i, rule in enumerate(seen(volume).items(RULES)):
        if _matters(volume, i) and clients(rule).internet_share > MOST:
            expected = "the addresses of known clients"
            yield Evidence(f"{RULES}/{i}/allowedClients", rule.get("allowedClients"), expected)


def _matters(volume: Resource, i: int) -> bool:
    writes = volume.flag(f"{RULES}/{i}/unixReadWrite")
    return bool(writes) or volume.flag(f"{RULES}/{i}/hasRootAccess") is not False


def clients(rule: Mapping[str, Json]) -> Addresses:
    """The addresses that an export rule names; names of hosts and netgroups are left out."""
    texts = [text.strip() for text in str(rule.get("allowedClients") or "").split(",")]
    return Addresses.union(Addresses.parse(text) for text in texts if text[:1].isdigit())


DETECTOR = Detector(
    id="netapp-export-policy-any",
    title="NetApp volume exports to every client",
    resource_type=VOLUME,
    severity=Severity.MEDIUM,
    family="datastore-exposure",
    check=check,
)
