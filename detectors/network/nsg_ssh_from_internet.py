"""SSH is open to the internet.

Why it matters: every machine behind the group is found within minutes, and its passwords are
guessed at for as long as the port is open.
Limits: judges what the group lets in, whether or not it is attached to anything and whether or
not a public address leads there. Security admin rules of a network manager are not seen. What
a service tag other than Internet stands for is not known here: an Allow from one is not counted,
and a Deny from one, or to one, takes nothing away.
Source: Microsoft Learn, "How network security groups filter network traffic".
"""

from collections.abc import Iterator

from detectors import seen
from detectors.network import SECURITY_GROUP, open_ports
from shared.model import Detector, Evidence, Ranges, Resource, Severity

SSH = Ranges(((22, 22),))


def check(group: Resource) -> Iterator[Evidence]:
    yield from open_ports(seen(group), SSH)


DETECTOR = Detector(
    id="nsg-ssh-from-internet",
    title="SSH is open to the internet",
    resource_type=SECURITY_GROUP,
    severity=Severity.CRITICAL,
    family="network",
    check=check,
)
