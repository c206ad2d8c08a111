"""PostgreSQL server's firewall is open to the internet, or to a very wide range.

Why it matters: a login is then all that stands between the databases and everybody who can guess
or steal a password.
Limits: all rules are judged together, against 65,536 addresses. The rule 0.0.0.0-0.0.0.0 ("Azure
services") is a control of its own.
Source: Microsoft Learn, "Firewall rules in Azure Database for PostgreSQL - Flexible Server".
"""

from collections.abc import Iterator

from detectors.firewalls import wide
from detectors.postgresql import RULES, SERVER, STORE
from shared.model import Detector, Evidence, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    if STORE.public(server):
        yield from wide(server, RULES)


DETECTOR = Detector(
    id="postgresql-firewall-any-internet",
    title="PostgreSQL server's firewall is open to the internet or a very wide range",
    resource_type=SERVER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
