"""PostgreSQL server's firewall lets every customer of Azure in.

Why it matters: the rule 0.0.0.0-0.0.0.0 ("Allow access to Azure services") admits each virtual
machine that anybody rents in Azure, not only those of this tenant.
Limits: says nothing of who holds a login.
Source: Microsoft Learn, "Firewall rules in Azure Database for PostgreSQL - Flexible Server".
"""

from collections.abc import Iterator

from detectors.firewalls import all_of_azure
from detectors.postgresql import RULES, SERVER, STORE
from shared.model import Detector, Evidence, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    if STORE.public(server):
        yield from all_of_azure(server, RULES)


DETECTOR = Detector(
    id="postgresql-firewall-azure-services",
    title="PostgreSQL server's firewall lets every customer of Azure in",
    resource_type=SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
