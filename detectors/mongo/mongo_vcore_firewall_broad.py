"""Cosmos DB for MongoDB cluster's firewall holds very wide rules, or lets all of Azure in.

Why it matters: a login is then all that stands between the databases and everybody who can guess
or steal a password.
Limits: all rules are judged together, against 65,536 addresses.
Source: Microsoft Learn, "Configure firewall for Azure Cosmos DB for MongoDB vCore cluster".
"""

from collections.abc import Iterator

from detectors.firewalls import too_open
from detectors.mongo import CLUSTER, RULES, STORE
from shared.model import Detector, Evidence, Resource, Severity


def check(cluster: Resource) -> Iterator[Evidence]:
    if STORE.public(cluster):
        yield from too_open(cluster, RULES)


DETECTOR = Detector(
    id="mongo-vcore-firewall-broad",
    title="Cosmos DB for MongoDB cluster's firewall is very wide or lets all of Azure in",
    resource_type=CLUSTER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(RULES.lookup,),
)
