"""Container groups and clusters: what their providers fill in and keep to themselves."""

from collections.abc import Mapping
from typing import Any

from simulator.documents import Document, dig, fill, put
from simulator.network import public_address
from simulator.writes import Write

_STORAGE_PROFILE_UNTIL = "2018-08-01-preview"


def start_group(write: Write) -> None:
    """A container group says how it is, has an address where it asks, and keeps its secrets."""
    for container in dig(write.after, "properties.containers") or []:
        for variable in dig(container, "properties.environmentVariables") or []:
            variable.pop("secureValue", None)
    put(write.after, "properties.instanceView", {"events": [], "state": "Running"})
    address = dig(write.after, "properties.ipAddress")
    if isinstance(address, dict):
        held = dig(write.before, "properties.ipAddress.ip")
        address["ip"] = held or public_address(write.state.random)
        if address.get("dnsNameLabel"):
            region = str(write.after.get("location")).replace(" ", "").lower()
            address["fqdn"] = f"{address['dnsNameLabel']}.{region}.azurecontainer.io"


def stop_group(group: Document, _: Mapping[str, Any]) -> None:
    """`stop` ends every container; address and ports stay in the document."""
    put(group, "properties.instanceView.state", "Stopped")


def run_group(group: Document, _: Mapping[str, Any]) -> None:
    put(group, "properties.instanceView.state", "Running")


def fill_pools(write: Write) -> None:
    """A cluster's pools run Linux where nobody says otherwise; old ones name their disks."""
    for pool in dig(write.after, "properties.agentPoolProfiles") or []:
        fill(pool, {"osType": "Linux"})
        if write.api_version < _STORAGE_PROFILE_UNTIL:
            fill(pool, {"storageProfile": "ManagedDisks"})
