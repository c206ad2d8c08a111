"""Blob container allows anonymous read (Blob or Container level).

Why it matters: whoever knows or guesses a name reads the blob, and at Container level the list
of all of them.
Limits: judged on the account, where it lets containers be public (absent counts as that) and its
public endpoint is on; behind private endpoints alone, levels are not looked at. The data plane
changes a container's level without an event: the sweep notices. Accounts for file shares alone have
no containers.
Source: Microsoft Learn, "Configure anonymous read access for containers and blobs".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.storage import ACCOUNT, CONTAINER, STORE
from shared.model import Detector, Evidence, Lookup, Resource, Severity

ALLOWED = "/properties/allowBlobPublicAccess"
LEVEL = "/properties/publicAccess"


def check(account: Resource) -> Iterator[Evidence]:
    if seen(account).flag(ALLOWED) is False or account.text("/kind") == "filestorage":
        return
    if not STORE.public(account):
        return
    for container in account.related("containers"):
        if container.text(LEVEL) not in ("", "none"):
            yield Evidence(LEVEL, container.get(LEVEL), expected="None", resource=container.id)


DETECTOR = Detector(
    id="storage-container-anonymous-access",
    title="Blob container allows anonymous read (Blob or Container level)",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(
        Lookup(
            name="containers",
            type=CONTAINER,
            ids=lambda account: [f"{account.id}/blobServices/default/containers"],
            many=True,
        ),
    ),
)
