"""Database ports are open to the internet.

Why it matters: databases that answer the internet are found within hours, and emptied or held
to ransom where a password is weak or a patch is late.
Limits: judges what the group lets in over TCP to the ports where databases usually listen,
whether or not it is attached to anything and whether or not a public address leads there.
Security admin rules of a network manager are not seen. What a service tag other than Internet
stands for is not known here: an Allow from one is not counted, and a Deny from one, or to one,
takes nothing away.
Source: Microsoft Learn, "How network security groups filter network traffic".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network import SECURITY_GROUP, open_ports
from shared.model import DATABASE_PORTS, Detector, Evidence, Resource, Severity


def check(group: Resource) -> Iterator[Evidence]:
    yield from open_ports(seen(group), DATABASE_PORTS)


DETECTOR = Detector(
    id="nsg-database-from-internet",
    title="Database ports are open to the internet",
    resource_type=SECURITY_GROUP,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
)
