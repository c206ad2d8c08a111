"""Vaults, storage and databases: what their providers insist on."""

from collections.abc import Mapping
from typing import Any

from simulator.documents import Document, clone, dig, fill, put
from simulator.wire import Refusal
from simulator.writes import Write

_APIS = {
    "EnableCassandra": "Cassandra",
    "EnableGremlin": "Gremlin, Sql",
    "EnableTable": "Table, Sql",
}
_REGIONS = ("locations", "readLocations", "writeLocations", "failoverPolicies")


def check_vault(write: Write) -> None:
    """Purge protection is a door that only closes, and so is soft delete."""
    protection = dig(write.body, "properties.enablePurgeProtection")
    held = dig(write.before, "properties.enablePurgeProtection")
    if protection is False:
        raise _irreversible("enablePurgeProtection", "purge protection")
    if held is True:
        write.after["properties"]["enablePurgeProtection"] = True
    soft = dig(write.body, "properties.enableSoftDelete")
    if soft is False and dig(write.before, "properties.enableSoftDelete", default=True):
        raise _irreversible("enableSoftDelete", "soft delete")


def _irreversible(name: str, feature: str) -> Refusal:
    return Refusal(
        400,
        "BadRequest",
        f'The property "{name}" cannot be set to false. Enabling the {feature} for a vault is an '
        "irreversible action.",
    )


def list_keys(document: Document, _: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that open nothing."""
    return {
        "keys": [
            {"keyName": name, "value": f"REDACTED-{document.get('name')}", "permissions": "FULL"}
            for name in ("key1", "key2")
        ]
    }


def cosmos_keys(document: Document, _: Mapping[str, Any]) -> dict[str, str]:
    value = f"REDACTED-{document.get('name')}"
    return {
        "primaryMasterKey": value,
        "secondaryMasterKey": value,
        "primaryReadonlyMasterKey": value,
        "secondaryReadonlyMasterKey": value,
    }


def check_firewall_rule(write: Write) -> None:
    """A SQL firewall rule has a first and a last address, in that order."""
    numbers = []
    for name in ("startIpAddress", "endIpAddress"):
        value = str(dig(write.after, f"properties.{name}") or "")
        parts = value.split(".")
        if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
            raise Refusal(
                400,
                "InvalidFirewallRule",
                f"The IP address '{value}' in {name} is not a valid IPv4 address.",
            )
        numbers.append([int(part) for part in parts])
    if numbers[0] > numbers[1]:
        raise Refusal(
            400,
            "StartIPAddressGreaterThanEndIPAddress",
            "The start IP address of the firewall rule cannot exceed its end IP address.",
        )


def name_apis(write: Write) -> None:
    """A Cosmos account says which interfaces it offers; its kind and capabilities decide."""
    apis = "MongoDB" if write.after.get("kind") == "MongoDB" else "Sql"
    for capability in dig(write.after, "properties.capabilities") or []:
        apis = _APIS.get(str(capability.get("name")), apis)
    put(write.after, "properties.EnabledApiTypes", apis)


def spread_account(write: Write) -> None:
    """A Cosmos account shows its regions by what each is for; said anew, they are laid out anew."""
    given = dig(write.body, "properties.locations")
    if given is None:
        held = (write.before or {}).get("properties") or {}
        fill(write.after, {"properties": {key: held[key] for key in _REGIONS if key in held}})
        return
    places = [_place(write, place) for place in given]
    many = dig(write.after, "properties.enableMultipleWriteLocations")
    write.after["properties"] |= {
        "locations": places,
        "readLocations": clone(places),
        "writeLocations": clone(places if many else places[:1]),
        "failoverPolicies": [
            {name: place[name] for name in ("id", "locationName", "failoverPriority")}
            for place in places
        ],
    }


def _place(write: Write, given: Document) -> Document:
    region = str(given.get("locationName", ""))
    key = f"{write.address.name}-{region.replace(' ', '').lower()}"
    place: Document = {
        "id": key,
        "locationName": region,
        "provisioningState": "Initializing" if write.creates else "Updating",
        "failoverPriority": given.get("failoverPriority", 0),
        "isZoneRedundant": given.get("isZoneRedundant", False),
    }
    return place


def open_account(write: Write) -> None:
    """A Cosmos account has its endpoints when its creation has ended, one a region."""
    properties = write.after.setdefault("properties", {})
    domain = "documents.azure.com:443/"
    properties["documentEndpoint"] = f"https://{write.address.name}.{domain}"
    for kind in ("locations", "readLocations", "writeLocations"):
        for place in properties.get(kind) or []:
            place["provisioningState"] = "Succeeded"
            place["documentEndpoint"] = f"https://{place.get('id')}.{domain}"
