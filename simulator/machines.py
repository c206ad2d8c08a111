"""What the compute provider fills into a machine, or a scale set's model of one."""

from typing import Any

from simulator.documents import Document, clone, dig, fill
from simulator.writes import Write

_PUBLISHERS = {"microsoftwindowsserver": "Windows", "canonical": "Linux"}
_SIZES = {"Windows": 127, "Linux": 30}
_GUEST_SINCE = "2018-06-01"
_PATCHES_SINCE = "2020-12-01"
_DISK_DELETION_SINCE = "2021-03-01"
_SETS_SINCE = "2021-03-01"
_GUEST = {"allowExtensionOperations": True, "requireGuestProvisionSignal": True}
_SYSTEMS: dict[str, tuple[str, Document]] = {
    "Windows": (
        "windowsConfiguration",
        {"provisionVMAgent": True, "enableAutomaticUpdates": True},
    ),
    "Linux": (
        "linuxConfiguration",
        {"disablePasswordAuthentication": False, "provisionVMAgent": True},
    ),
}
_PATCHES = {
    "Windows": {"patchMode": "AutomaticByOS", "assessmentMode": "ImageDefault"},
    "Linux": {"patchMode": "ImageDefault", "assessmentMode": "ImageDefault"},
}
_SET: Document = {
    "singlePlacementGroup": True,
    "orchestrationMode": "Uniform",
    "platformFaultDomainCount": 5,
    "doNotRunExtensionsOnOverprovisionedVMs": False,
    "upgradePolicy": {"automaticOSUpgradePolicy": {"useRollingUpgradePolicy": False}},
}
_SET_DISK = {
    "createOption": "FromImage",
    "caching": "None",
    "managedDisk": {"storageAccountType": "Premium_LRS"},
}
_SET_INTERFACE = {
    "enableAcceleratedNetworking": False,
    "disableTcpStateTracking": False,
    "dnsSettings": {"dnsServers": []},
}


def complete_machine(write: Write) -> None:
    """A machine's disks and guest settings, at the api-versions that know them."""
    properties = write.after.get("properties") or {}
    storage = properties.get("storageProfile")
    if not isinstance(storage, dict):
        return
    storage.setdefault("dataDisks", [])
    if dig(write.after, "identity.type") == "None":
        del write.after["identity"]
    system = _system(properties) or dig(write.before, "properties.storageProfile.osDisk.osType")
    disk = storage.setdefault("osDisk", {})
    _complete_disk(disk, storage, system)
    if dig(disk, "managedDisk") is not None and write.api_version >= _DISK_DELETION_SINCE:
        disk.setdefault("deleteOption", "Detach")
        if storage.get("imageReference"):
            storage["imageReference"].setdefault("exactVersion", "1.0.0")
    guest = properties.get("osProfile")
    if write.creates and isinstance(guest, dict):
        _complete_guest(guest, system, write.api_version)
        _schedule_patches(guest, system, write.api_version)


def complete_set(write: Write) -> None:
    """A uniform scale set, and the machine that it models; a PATCH leaves both as they were.

    What api-versions before 2021-03-01 fill in is not taught.
    """
    if write.method != "PUT" or write.api_version < _SETS_SINCE:
        return
    fill(write.after, {"sku": {"tier": "Standard"}, "properties": _SET})
    model = dig(write.after, "properties.virtualMachineProfile")
    if not isinstance(model, dict):
        return
    model.setdefault("timeCreated", write.now.isoformat())
    system = _system(model)
    storage = model.setdefault("storageProfile", {})
    disk = storage.setdefault("osDisk", {})
    fill(disk, _SET_DISK)
    _complete_disk(disk, storage, system)
    if isinstance(model.get("osProfile"), dict):
        _complete_guest(model["osProfile"], system, write.api_version)
    for interface in dig(model, "networkProfile.networkInterfaceConfigurations") or []:
        fill(interface, {"properties": _SET_INTERFACE})
        for one in dig(interface, "properties.ipConfigurations") or []:
            fill(one, {"properties": {"privateIPAddressVersion": "IPv4"}})


def _system(machine: Document) -> str | None:
    """The operating system, where what the client sent tells it."""
    told = dig(machine, "storageProfile.osDisk.osType")
    publisher = str(dig(machine, "storageProfile.imageReference.publisher")).lower()
    for system, (configuration, _) in _SYSTEMS.items():
        if dig(machine, f"osProfile.{configuration}") is not None:
            told = told or system
    return told or _PUBLISHERS.get(publisher)


def _complete_disk(disk: Document, storage: Document, system: str | None) -> None:
    if system is None:
        return
    disk.setdefault("osType", system)
    if storage.get("imageReference") and disk.get("managedDisk"):
        disk.setdefault("diskSizeGB", _SIZES.get(system, 30))


def _complete_guest(guest: Document, system: str | None, version: str) -> None:
    guest.setdefault("secrets", [])
    if version >= _GUEST_SINCE:
        fill(guest, _GUEST)
    if system in _SYSTEMS:
        name, defaults = _SYSTEMS[system]
        fill(guest, {name: defaults})


def _schedule_patches(guest: Document, system: str | None, version: str) -> None:
    if system not in _SYSTEMS or version < _PATCHES_SINCE:
        return
    settings: dict[str, Any] = {
        "patchSettings": clone(_PATCHES[system]),
        "enableVMAgentPlatformUpdates": False,
    }
    fill(guest, {_SYSTEMS[system][0]: settings})
