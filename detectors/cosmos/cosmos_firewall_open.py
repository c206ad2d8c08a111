"""Cosmos DB account accepts all networks.

Why it matters: whoever holds one of the account's keys reads and writes all of it, from anywhere.
Limits: address rules are judged together, as a share of the internet. Narrower ones, and the entry
0.0.0.0 ("accept connections from within Azure"), are found by cosmos-firewall-broad.
Source: Microsoft Learn, "Configure IP firewall in Azure Cosmos DB".
"""

from collections.abc import Iterator

from detectors import wide_rules
from detectors.cosmos import ACCOUNT, STORE, open_to_all, rules_of
from shared.model import (
    AZURE_SERVICES,
    MOST,
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
    yield from open_to_all(account)
    sets = [Addresses.parse(text) - AZURE_SERVICES for text in texts]
    if Addresses.union(sets).internet_share > MOST:
        yield from wide_rules(pointer, texts, sets)


DETECTOR = Detector(
    id="cosmos-firewall-open",
    title="Cosmos DB account accepts all networks",
    resource_type=ACCOUNT,
    severity=Severity.CRITICAL,
    family="datastore-exposure",
    check=check,
)
