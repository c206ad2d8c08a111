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
from detectors.network import SECURITY_GROUP, SUBNET, groups_of, held
from detectors.sql import MANAGED_INSTANCE
from shared.model import (
    Addresses,
    Destination,
    Detector,
    Evidence,
    Lookup,
    NeedsLookup,
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
    try:
        found = _reach(instance)
    except NeedsLookup:
        raise
    except Undecided as reason:
        yield _grade(f"unknown: {reason}")
        yield Evidence(ENDPOINT, instance.get(ENDPOINT), expected=False)
        return
    yield _grade(found.exposure)
    yield Evidence(ENDPOINT, instance.get(ENDPOINT), expected=False)
    yield from found.evidence()


def _grade(said: str) -> Evidence:
    return Evidence("", f"exposure {said}", "private, and no public endpoint")


def _reach(instance: Resource) -> Reach:
    """Who gets through the subnet's group.

    Raises:
        NeedsLookup: fetch that lookup, and come again.
        Undecided: the subnet or its group cannot be read, or is not there.
    """
    # In this order: which group there is, is told by the subnet.
    subnets, groups = instance.related("subnet"), instance.related("securityGroup")
    if not subnets or not groups:
        raise Undecided("its subnet shows no security group")
    texts = [subnets[0].get("/properties/addressPrefix")]
    texts += subnets[0].get("/properties/addressPrefixes") or []
    inside = Addresses.union(Addresses.parse(str(text)) for text in texts if text)
    return reach(groups, Destination(inside) if inside else Destination(), PORT)


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
