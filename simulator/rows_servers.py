"""Servers and volumes that are changed by a PATCH which takes time."""

from simulator.types import Long, ResourceType

_CREATE = Long(style="both", status=202, seconds=30, retry_after=15, body="none")
_PATCH = Long(style="both", status=202, seconds=15, retry_after=15, body="none")
_TYPES = {
    "Microsoft.DBforMariaDB/servers": "2018-06-01",
    "Microsoft.DBforMySQL/servers": "2017-12-01",
    "Microsoft.DBforPostgreSQL/servers": "2017-12-01",
    "Microsoft.NetApp/netAppAccounts/capacityPools/volumes": "2025-06-01",
    "Microsoft.StorageSync/storageSyncServices": "2022-09-01",
}

ROWS = tuple(
    ResourceType(
        name,
        api_version=version,
        create=_CREATE,
        update=_CREATE,
        patched=_PATCH,
        delete=_CREATE,
        secrets=("properties.administratorLoginPassword",) if "DBfor" in name else (),
    )
    for name, version in _TYPES.items()
)
