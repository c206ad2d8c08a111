"""What a new storage account is given: endpoints by its kind, copies by its sku, keys."""

from simulator.documents import Document, dig, fill
from simulator.writes import Write

_ENDPOINTS = {
    "storage": ("blob", "queue", "table", "file"),
    "storagev2": ("blob", "queue", "table", "file", "dfs", "web"),
    "blobstorage": ("blob", "table", "dfs"),
    "blockblobstorage": ("blob", "dfs", "web"),
    "filestorage": ("file",),
}
_TIERED = {"storagev2", "blobstorage"}
_PAIRS = {
    "eastus": "westus",
    "westus": "eastus",
    "eastus2": "centralus",
    "centralus": "eastus2",
    "northeurope": "westeurope",
    "westeurope": "northeurope",
}
"""Regions that copy each other, as documented; of other regions the tenant knows no pair."""
_KEPT = ("accessTier", "encryption", "supportsHttpsTrafficOnly")
_SECURE_SINCE = "2019-04-01"
_KEY_TYPES_SINCE = "2019-06-01"
_KEY_TIMES_SINCE = "2021-02-01"


def furnish(write: Write) -> None:
    """Complete what the row's defaults cannot say. What a PUT does not say stays as it was."""
    if write.before is not None:
        held = write.before.get("properties") or {}
        fill(write.after, {"properties": {key: held[key] for key in _KEPT if key in held}})
        return
    name, kind = write.address.name, str(write.after.get("kind")).lower()
    sku = str(dig(write.after, "sku.name", ""))
    now = write.now.isoformat().replace("+00:00", "Z")
    properties = write.after["properties"]
    secure = write.api_version >= _SECURE_SINCE
    given: Document = {
        "supportsHttpsTrafficOnly": secure,
        "primaryEndpoints": {
            service: f"https://{name}.{service}.core.windows.net/"
            for service in _ENDPOINTS.get(kind, ("blob",))
        },
        "encryption": {
            "keySource": "Microsoft.Storage",
            "services": {service: _encrypted(write, now) for service in ("blob", "file")},
        },
    }
    if kind in _TIERED:
        given["accessTier"] = "Hot"
    if write.api_version >= _KEY_TIMES_SINCE:
        given["keyCreationTime"] = {"key1": now, "key2": now}
    fill(properties, {**given, **_copied(write, sku)})
    if sku:
        fill(write.after, {"sku": {"tier": sku.split("_", maxsplit=1)[0]}})


def _encrypted(write: Write, now: str) -> Document:
    service: Document = {"enabled": True, "lastEnabledTime": now}
    if write.api_version >= _KEY_TYPES_SINCE:
        service["keyType"] = "Account"
    return service


def _copied(write: Write, sku: str) -> Document:
    pair = _PAIRS.get(str(write.after.get("location")).replace(" ", "").lower())
    if pair is None or "GRS" not in sku:
        return {}
    return {"secondaryLocation": pair, "statusOfSecondary": "available"}
