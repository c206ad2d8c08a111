"""Compute's own ways: disks and the access that people export them with, machine changes."""

from collections.abc import Mapping
from typing import Any

from simulator.documents import Document, clone, dig, fill, put
from simulator.wire import Refusal
from simulator.writes import Write

_TIERS = {"StandardSSD": "Standard", "UltraSSD": "Ultra", "PremiumV2": "Premium"}
_HARD_DISK_GB = 4096
_FIXED = ("priority", "licenseType", "availabilitySet")


def grant_access(disk: Document, _: Mapping[str, Any]) -> None:
    """`beginGetAccess` hands out a SAS: an attached disk says `ActiveSASFrozen`."""
    attached = dig(disk, "managedBy")
    put(disk, "properties.diskState", "ActiveSASFrozen" if attached else "ActiveSAS")


def revoke_access(disk: Document, _: Mapping[str, Any]) -> None:
    """`endGetAccess` takes it back."""
    put(disk, "properties.diskState", "Attached" if dig(disk, "managedBy") else "Unattached")


def access_url(disk: Document, _: Mapping[str, Any]) -> dict[str, str]:
    return {"accessSAS": f"https://simulated.invalid/{disk.get('name')}?sig=REDACTED"}


def check_machine(write: Write) -> None:
    """A running machine's fixed properties do not change."""
    for name in _FIXED:
        before = dig(write.before, f"properties.{name}")
        after = dig(write.after, f"properties.{name}")
        if write.before is not None and before != after:
            raise Refusal(
                409,
                "PropertyChangeNotAllowed",
                f"Changing property '{name}' is not allowed.",
                extra={"target": name},
            )


def answer_disk(write: Write) -> Document:
    """What is being made is answered as it was asked for, without an id yet."""
    echo: Document = {"name": write.address.name, **clone(write.body)}
    properties = {"provisioningState": "Updating", "isArmResource": True}
    echo["properties"] = {**(echo.get("properties") or {}), **properties}
    return echo


def rate_disk(write: Write) -> None:
    """A disk has the tier that its sku names; hard disks up to 4 TiB all have the same limits."""
    fill(write.after, {"sku": {"name": "Standard_LRS"}})
    sku = str(dig(write.after, "sku.name"))
    kind = sku.split("_", maxsplit=1)[0]
    fill(write.after, {"sku": {"tier": _TIERS.get(kind, kind)}})
    if sku == "Standard_LRS" and int(dig(write.after, "properties.diskSizeGB", 0)) <= _HARD_DISK_GB:
        fill(write.after, {"properties": {"diskIOPSReadWrite": 500, "diskMBpsReadWrite": 60}})
