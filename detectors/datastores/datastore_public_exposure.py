"""Data store can be reached from the internet, from all of Azure, or from a very wide range.

Why it matters: it is the one question that is asked of every store, whatever its type: who gets
through the network layer? The answer is the store's worst way in, and all of them are listed.
Limits: a store that only small listed ranges, subnets or resources reach passes; the controls of
its type say more. Data stores on machines are judged by controls of their own. Of a security
perimeter the inbound rules are judged. Anonymous readers, keys and roles are not network layers.
Source: Microsoft Learn, "Azure network security perimeter", and each type's firewall page.
"""

from collections.abc import Iterator, Mapping

from detectors import (
    analysisservices,
    cosmos,
    datafactory,
    elasticsan,
    healthcare,
    kusto,
    mongo,
    mysql,
    postgresql,
    purview,
    redis,
    search,
    sql,
    storage,
    synapse,
)
from detectors.exposure import Store, exposed
from shared.model import Detector, Evidence, Exposure, Resource, ResourceType, Severity

STORES: Mapping[str, Store] = {
    store.type.key: store
    for store in (
        storage.STORE,
        sql.STORE,
        cosmos.STORE,
        postgresql.STORE,
        postgresql.CLUSTER_STORE,
        mysql.STORE,
        mongo.STORE,
        redis.STORE,
        redis.CLUSTER_STORE,
        synapse.STORE,
        kusto.STORE,
        search.STORE,
        elasticsan.STORE,
        healthcare.STORE,
        purview.STORE,
        analysisservices.STORE,
        datafactory.STORE,
    )
}


def check(resource: Resource) -> Iterator[Evidence]:
    paths = exposed(STORES[resource.type.casefold()], resource)
    if paths:
        worst = Exposure.worst(path.exposure for path in paths)
        yield Evidence("", f"exposure {worst}", f"{Exposure.LISTED} or {Exposure.PRIVATE}")
        yield from (path.evidence for path in paths)


DETECTOR = Detector(
    id="datastore-public-exposure",
    title="Data store is open to the internet, to all of Azure, or to a very wide range",
    resource_type=ResourceType("composite:datastore", api_version=""),
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
    composed_of=tuple(store.type for store in STORES.values()),
    lookups=tuple(lookup for store in STORES.values() for lookup in store.reads),
)
