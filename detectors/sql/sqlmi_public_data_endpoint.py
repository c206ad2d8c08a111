"""SQL Managed Instance public data endpoint is on.

Why it matters: only the security group of its subnet, and a password, stand between the
instance and the internet. What that group lets in to port 3342 is said with the finding; an
endpoint that it closes is one rule away from open.
Limits: where the group cannot be read the exposure is unknown, and the endpoint a finding all
the same. Security admin rules of a network manager are not seen.
Source: Microsoft Learn, "Use Azure SQL Managed Instance securely with public endpoints"; absent
means off.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network import SECURITY_GROUP, SUBNET, groups_of, held, look
from detectors.sql import MANAGED_INSTANCE
from shared.model import (
    Addresses,
    Destination,
    Detector,
    Evidence,
    Lookup,
    Ranges,
    Reach,
    Resource,
    Severity,
    Undecided,
    reach,
)

ENDPOINT = "/properties/publicDataEndpointEnabled"
SUBNET_ID = "/properties/subnetId"
PORT = Ranges(((3342, 3342),))


def check(instance: Resource) -> Iterator[Evidence]:
    if not seen(instance).flag(ENDPOINT):
        return
    # In this order: which group there is, is told by the subnet.
    look(instance, "subnet")
    look(instance, "securityGroup")
    found = _reach(instance)
    grade = "unknown" if found is None else found.exposure.value
    yield Evidence("", f"exposure {grade}", "exposure private, and no public endpoint")
    yield Evidence(ENDPOINT, instance.get(ENDPOINT), expected=False)
    yield from found.evidence() if found else ()


def _reach(instance: Resource) -> Reach | None:
    """Who gets through the subnet's group; None where that cannot be said."""
    for subnet in held(instance, "subnet"):
        for group in held(instance, "securityGroup"):
            texts = [subnet.get("/properties/addressPrefix")]
            texts += subnet.get("/properties/addressPrefixes") or []
            try:
                inside = Addresses.union(Addresses.parse(str(text)) for text in texts if text)
                to = Destination(inside) if inside else Destination()
                return reach([group], to, PORT)
            except Undecided:
                return None
    return None


DETECTOR = Detector(
    id="sqlmi-public-data-endpoint",
    title="SQL Managed Instance public data endpoint is on",
    resource_type=MANAGED_INSTANCE,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="subnet",
            type=SUBNET,
            ids=lambda instance: [str(one) for one in [instance.get(SUBNET_ID)] if one],
        ),
        Lookup(
            name="securityGroup",
            type=SECURITY_GROUP,
            ids=lambda instance: groups_of(*held(instance, "subnet")),
        ),
    ),
)
