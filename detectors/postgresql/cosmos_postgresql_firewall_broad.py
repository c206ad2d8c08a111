"""Cosmos DB for PostgreSQL cluster's firewall holds very wide rules, or lets all of Azure in.

Why it matters: a login is then all that stands between the databases and everybody who can guess
or steal a password.
Limits: all rules are judged together, against 65,536 addresses. They count unless the coordinator
and the nodes both say that they have no public address.
Source: Microsoft Learn, "Public access in Azure Cosmos DB for PostgreSQL".
"""

from collections.abc import Iterator

from detectors.firewalls import too_open
from detectors.postgresql import CLUSTER, CLUSTER_RULES, CLUSTER_STORE
from shared.model import Detector, Evidence, Resource, Severity


def check(cluster: Resource) -> Iterator[Evidence]:
    if CLUSTER_STORE.public(cluster):
        yield from too_open(cluster, CLUSTER_RULES)


DETECTOR = Detector(
    id="cosmos-postgresql-firewall-broad",
    title="Cosmos DB for PostgreSQL cluster's firewall is very wide or lets all of Azure in",
    resource_type=CLUSTER,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    lookups=(CLUSTER_RULES.lookup,),
)
