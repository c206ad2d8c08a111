"""Estates by the number of resources: well kept, but for a few percent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from benchmarks.estate import GROUP, account, mixed
from benchmarks.stores import TYPES, store

OPEN_EVERY: Final = 33
"""One storage account of so many accepts plain HTTP."""
SUBSCRIPTIONS: Final = 200
_TEN = 10


def one_subscription(number: int) -> dict[str, Any]:
    """Storage accounts as ARM shows them, all in one subscription."""
    document = account(number)
    document["tags"] = {"owner": "team", "environment": "production"}
    document["properties"] |= _shown_of(document["name"], document["location"])
    document["properties"]["supportsHttpsTrafficOnly"] = number % OPEN_EVERY != 0
    return document


def _shown_of(name: str, location: str) -> dict[str, Any]:
    """What Azure adds to a storage account by itself."""
    at = "2025-06-01T08:00:00.0000000Z"
    service = {"keyType": "Account", "enabled": True, "lastEnabledTime": at}
    return {
        "keyCreationTime": {"key1": at, "key2": at},
        "privateEndpointConnections": [],
        "accessTier": "Hot",
        "encryption": {
            "requireInfrastructureEncryption": False,
            "services": {"file": service, "blob": service},
            "keySource": "Microsoft.Storage",
        },
        "primaryEndpoints": {
            one: f"https://{name}.{one}.core.windows.net/"
            for one in ("dfs", "web", "blob", "queue", "table", "file")
        },
        "primaryLocation": location,
        "statusOfPrimary": "available",
    }


def plain_http(number: int) -> dict[str, Any]:
    """Storage accounts of fifty subscriptions in turn, every one accepting plain HTTP."""
    return _moved(plain_http_in_one(number), number % 50)


def plain_http_in_one(number: int) -> dict[str, Any]:
    """Storage accounts of one subscription, every one accepting plain HTTP."""
    document = one_subscription(number)
    document["properties"]["supportsHttpsTrafficOnly"] = False
    return document


def varied(number: int) -> dict[str, Any]:
    """Of ten resources four are data stores of any type, the rest what machines are made of.

    They lie in two hundred subscriptions.
    """
    of_ten, nth = number % _TEN, number // _TEN
    if of_ten < 4:
        place = 4 * nth + of_ten
        document = store(place)[0]
    elif of_ten < 6:
        document = one_subscription(2 * nth + of_ten - 4)
    else:
        document = mixed(number)
    return _moved(document, number % SUBSCRIPTIONS)


def subscription(number: int) -> str:
    """The id of the subscription of this number."""
    return f"55555555-5555-4555-8555-{number:012d}"


def _moved(document: dict[str, Any], number: int) -> dict[str, Any]:
    """The same in another subscription."""
    old = f"/subscriptions/{document['id'].split('/')[2]}"
    text = json.dumps(document).replace(old, f"/subscriptions/{subscription(number)}")
    moved: dict[str, Any] = json.loads(text)
    return moved


ESTATES: Final[Mapping[str, Callable[[int], dict[str, Any]]]] = {
    "accounts": one_subscription,
    "plain http": plain_http,
    "plain http in one": plain_http_in_one,
    "varied": varied,
}
__all__ = ["ESTATES", "GROUP", "OPEN_EVERY", "SUBSCRIPTIONS", "TYPES", "subscription"]
