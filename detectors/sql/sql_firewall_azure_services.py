"""SQL server's firewall lets every customer of Azure in.

Why it matters: the rule 0.0.0.0-0.0.0.0 ("Allow Azure services") admits each virtual machine that
anybody rents in Azure, not only those of this tenant.
Limits: says nothing of who holds a login.
Source: Microsoft Learn, "Azure SQL Database and Azure Synapse IP firewall rules".
"""

from collections.abc import Iterator

from detectors import behind_public_access
from detectors.firewalls import all_of_azure
from detectors.sql import RULES, SERVER
from shared.model import Detector, Evidence, Resource, Severity


def check(server: Resource) -> Iterator[Evidence]:
    return behind_public_access(server, lambda it: all_of_azure(it, RULES))


DETECTOR = Detector(
    id="sql-firewall-azure-services",
    title="SQL server's firewall lets every customer of Azure in",
    resource_type=SERVER,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
