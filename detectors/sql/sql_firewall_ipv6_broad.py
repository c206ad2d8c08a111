"""SQL server's firewall lets a very wide range of IPv6 in.

Why it matters: a network's edge often filters IPv4 alone, and a rule nobody looks at opens the
server to the whole internet all the same.
Limits: all IPv6 rules are judged together, against one /48. They count while the server has IPv6
switched on; absent means off.
Source: Microsoft Learn, "IPv6 firewall rules for Azure SQL Database".
"""

from collections.abc import Iterator

from detectors import behind_public_access
from detectors.firewalls import wide
from detectors.sql import IPV6_RULES, SERVER, takes_ipv6
from shared.model import WIDE_IPV6, Detector, Evidence, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    return behind_public_access(server, _opened)


def _opened(server: Resource) -> Iterator[Evidence]:
    if takes_ipv6(server):
        yield from wide(server, IPV6_RULES, WIDE_IPV6)


DETECTOR = Detector(
    id="sql-firewall-ipv6-broad",
    title="SQL server's firewall lets a very wide range of IPv6 in",
    resource_type=SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(IPV6_RULES.lookup,),
)
