"""SQL server's firewall is open to the internet, or to a very wide range.

Why it matters: the server's login is then all that stands between the databases and everybody
who can guess or steal a password.
Limits: all IPv4 rules are judged together, against 65,536 addresses. The rule 0.0.0.0-0.0.0.0
("Azure services") and rules for IPv6 are controls of their own; rules for subnets are not looked
at.
Source: Microsoft Learn, "Azure SQL Database and Azure Synapse IP firewall rules".
"""

from collections.abc import Iterator

from detectors import behind_public_access
from detectors.firewalls import wide
from detectors.sql import RULES, SERVER
from shared.model import Detector, Evidence, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    return behind_public_access(server, lambda it: wide(it, RULES))


DETECTOR = Detector(
    id="sql-firewall-any-internet",
    title="SQL server's firewall is open to the internet or a very wide range",
    resource_type=SERVER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
