"""Microsoft.Compute and Microsoft.SqlVirtualMachine."""

from simulator import compute, machines
from simulator.types import Action, Busy, Long, ResourceType

_BUSY = Busy(
    409,
    "OperationNotAllowed",
    "The request was rejected because another operation is in progress on the resource.",
)
_POST = Long(style="both", status=202, seconds=10, retry_after=10, body="none")
_DELETE = Long(style="both", status=202, seconds=20, retry_after=10, body="none")
_DISK_WRITE = Long(style="both", status=202, seconds=2, retry_after=2, body="echo")
_DISK_DELETE = Long(style="both", status=202, seconds=2, body="none")
_DISK_STATE = (
    "properties.provisioningState",
    "properties.diskState",
    "properties.timeCreated",
    "properties.uniqueId",
)
_DISK_COMPUTED = {
    "properties.timeCreated": "{now}",
    "properties.diskState": "Unattached",
    "properties.uniqueId": "{guid}",
}
_ACCESS = {
    "beginGetAccess": Action(
        long=Long(style="both", status=202, seconds=2, body="none"),
        effect=compute.grant_access,
        result=compute.access_url,
    ),
    "endGetAccess": Action(
        long=Long(style="both", status=202, seconds=2, body="none"), effect=compute.revoke_access
    ),
}

ROWS = (
    ResourceType(
        "Microsoft.Compute/virtualMachines",
        api_version="2024-07-01",
        etag="number",
        read_only=("properties.provisioningState", "properties.vmId", "properties.timeCreated"),
        computed={"properties.vmId": "{guid}", "properties.timeCreated": "{now}"},
        versions={"properties.timeCreated": ("2021-11-01", "")},
        create=Long(status=201, seconds=40, retry_after=10, state="Creating"),
        update=Long(status=200, seconds=10, retry_after=10),
        patched=Long(status=200, seconds=10, retry_after=10),
        delete=_DELETE,
        busy=_BUSY,
        rules=(compute.check_machine, machines.complete_machine),
        secrets=("properties.osProfile.adminPassword",),
        actions={
            name: Action(long=_POST) for name in ("start", "restart", "powerOff", "deallocate")
        },
    ),
    ResourceType(
        "Microsoft.Compute/disks",
        api_version="2024-03-02",
        read_only=_DISK_STATE,
        computed=_DISK_COMPUTED,
        defaults={
            "properties": {
                "encryption": {"type": "EncryptionAtRestWithPlatformKey"},
                "networkAccessPolicy": "AllowAll",
                "publicNetworkAccess": "Enabled",
            }
        },
        versions={
            "properties.networkAccessPolicy": ("2020-09-30", ""),
            "properties.publicNetworkAccess": ("2021-04-01", ""),
        },
        create=_DISK_WRITE,
        update=_DISK_WRITE,
        patched=_DISK_WRITE,
        delete=_DISK_DELETE,
        busy=_BUSY,
        rules=(compute.rate_disk,),
        actions=_ACCESS,
    ),
    ResourceType(
        "Microsoft.Compute/snapshots",
        api_version="2024-03-02",
        read_only=_DISK_STATE,
        computed=_DISK_COMPUTED,
        create=_DISK_WRITE,
        update=_DISK_WRITE,
        patched=_DISK_WRITE,
        delete=_DISK_DELETE,
        busy=_BUSY,
        actions=_ACCESS,
    ),
    ResourceType(
        "Microsoft.Compute/virtualMachineScaleSets",
        api_version="2024-07-01",
        etag="number",
        read_only=(
            "properties.provisioningState",
            "properties.uniqueId",
            "properties.timeCreated",
        ),
        computed={"properties.uniqueId": "{guid}", "properties.timeCreated": "{now}"},
        create=Long(status=201, seconds=40, retry_after=10, state="Creating"),
        update=Long(status=200, seconds=20, retry_after=10),
        patched=Long(status=200, seconds=20, retry_after=10),
        delete=_DELETE,
        busy=_BUSY,
        rules=(machines.complete_set,),
        secrets=("properties.virtualMachineProfile.osProfile.adminPassword",),
    ),
    ResourceType(
        "Microsoft.SqlVirtualMachine/sqlVirtualMachines",
        api_version="2023-10-01",
        create=Long(status=201, seconds=20, retry_after=15, state="Creating"),
        update=Long(status=200, seconds=20, retry_after=15),
        delete=Long(style="both", status=202, seconds=20, retry_after=15, body="none"),
    ),
)
