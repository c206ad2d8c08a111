"""Container group publishes a database port.

Why it matters: a container group with a public address has no security group before it: the
port answers everybody.
Limits: a database is known by its port alone. A group that is stopped has nobody to answer, and
is no finding until it starts.
Source: Microsoft Learn, "Container groups in Azure Container Instances", REST reference of
`ipAddress` and `instanceView`.
"""

from collections.abc import Iterator

from detectors import seen
from detectors.containers import GROUP
from shared.model import DATABASE_PORTS, Detector, Evidence, Resource, Severity

ADDRESS = "/properties/ipAddress"
STATE = "/properties/instanceView/state"


def check(group: Resource) -> Iterator[Evidence]:
    public = seen(group).text(f"{ADDRESS}/type") == "public"
    if not public or group.text(STATE) == "stopped":
        return
    for i, port in enumerate(group.items(f"{ADDRESS}/ports")):
        number = port.get("port")
        if isinstance(number, int) and number in DATABASE_PORTS:
            yield Evidence(f"{ADDRESS}/ports/{i}/port", number, "no port of a database")


DETECTOR = Detector(
    id="datastore-container-group-public-port",
    title="Container group publishes a database port",
    resource_type=GROUP,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    actions=("Microsoft.ContainerInstance/containerGroups/start/action",),
)
