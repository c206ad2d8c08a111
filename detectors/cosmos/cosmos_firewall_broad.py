"""Cosmos DB account lets all of Azure in, or very wide ranges.

Why it matters: the entry 0.0.0.0 ("accept connections from within Azure") admits each virtual
machine that anybody rents in Azure, not only those of this tenant.
Limits: address rules are judged together, against 65,536 addresses. An account that accepts all
networks is found by cosmos-firewall-open.
Source: Microsoft Learn, "Configure IP firewall in Azure Cosmos DB".
"""

from collections.abc import Iterator

from detectors import wide_rules
from detectors.cosmos import ACCOUNT, STORE, rules_of
from shared.model import (
    AZURE_SERVICES,
    WIDE,
    Addresses,
    Detector,
    Evidence,
    Resource,
    Severity,
)


def check(account: Resource) -> Iterator[Evidence]:
    if not STORE.public(account):
        return
    pointer, texts = rules_of(account)
    read = [Addresses.parse(text) for text in texts]
    sets = [addresses - AZURE_SERVICES for addresses in read]
    if Addresses.union(sets).size > WIDE:
        yield from wide_rules(pointer, texts, sets)
    for i, addresses in enumerate(read):
        if addresses == AZURE_SERVICES:
            yield Evidence(pointer.format(i), texts[i], "no entry for all of Azure")


DETECTOR = Detector(
    id="cosmos-firewall-broad",
    title="Cosmos DB account lets all of Azure in, or very wide ranges",
    resource_type=ACCOUNT,
    severity=Severity.HIGH,
    family="datastore-exposure",
    check=check,
)
