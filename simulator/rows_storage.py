"""Storage and Key Vault: no etags but for containers."""

from simulator import accounts, datastores
from simulator.types import Action, Busy, Long, ResourceType

_ACLS = {
    "ipv6Rules": [],
    "bypass": "AzureServices",
    "virtualNetworkRules": [],
    "ipRules": [],
    "defaultAction": "Allow",
}

ROWS = (
    ResourceType(
        "Microsoft.Storage/storageAccounts",
        api_version="2023-05-01",
        whole=frozenset({"properties.networkAcls"}),
        read_only=(
            "properties.provisioningState",
            "properties.creationTime",
            "properties.primaryEndpoints",
            "properties.primaryLocation",
            "properties.secondaryLocation",
            "properties.statusOfPrimary",
            "properties.statusOfSecondary",
            "properties.privateEndpointConnections",
            "properties.keyCreationTime",
        ),
        computed={
            "properties.creationTime": "{now}",
            "properties.primaryLocation": "{location}",
            "properties.statusOfPrimary": "available",
        },
        defaults={
            "kind": "StorageV2",
            "tags": {},
            "properties": {
                "networkAcls": _ACLS,
                "allowBlobPublicAccess": False,
                "allowCrossTenantReplication": False,
                "minimumTlsVersion": "TLS1_0",
                "privateEndpointConnections": [],
            },
        },
        versions={
            "properties.networkAcls.ipv6Rules": ("2025-01-01", ""),
            "properties.allowBlobPublicAccess": ("2019-06-01", ""),
            "properties.allowCrossTenantReplication": ("2023-01-01", ""),
            "properties.minimumTlsVersion": ("2019-06-01", ""),
            "properties.privateEndpointConnections": ("2019-06-01", ""),
        },
        rules=(accounts.furnish,),
        create=Long(
            style="location", status=202, seconds=20, lands="end", body="none", retry_after=17
        ),
        busy=Busy(
            409,
            "StorageAccountOperationInProgress",
            "An operation is currently performing on this storage account that requires exclusive "
            "access.",
        ),
        implicit={},
        actions={
            "listKeys": Action(result=datastores.list_keys),
            "regenerateKey": Action(result=datastores.list_keys),
        },
    ),
    ResourceType(
        "Microsoft.Storage/storageAccounts/blobServices",
        api_version="2023-05-01",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
        implicit={
            "default": {
                "cors": {"corsRules": []},
                "deleteRetentionPolicy": {"allowPermanentDelete": False, "enabled": False},
            }
        },
    ),
    ResourceType(
        "Microsoft.Storage/storageAccounts/fileServices",
        api_version="2023-05-01",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
        implicit={
            "default": {
                "cors": {"corsRules": []},
                "shareDeleteRetentionPolicy": {"enabled": True, "days": 7},
            }
        },
    ),
    ResourceType(
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        api_version="2023-05-01",
        etag="number",
        missing="ContainerNotFound",
        read_only=("properties.hasImmutabilityPolicy", "properties.hasLegalHold"),
        defaults={
            "properties": {
                "publicAccess": "None",
                "hasImmutabilityPolicy": False,
                "hasLegalHold": False,
            }
        },
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.KeyVault/vaults",
        api_version="2023-07-01",
        whole=frozenset({"properties.networkAcls"}),
        created_status=200,
        read_only=("properties.provisioningState", "properties.vaultUri"),
        computed={"properties.vaultUri": "https://{name}.vault.azure.net/"},
        defaults={
            "tags": {},
            "properties": {
                "enabledForDeployment": False,
                "publicNetworkAccess": "Enabled",
            },
        },
        initial={"properties": {"enableSoftDelete": True, "softDeleteRetentionInDays": 90}},
        versions={
            "properties.publicNetworkAccess": ("2021-04-01-preview", ""),
            "properties.softDeleteRetentionInDays": ("2019-09-01", ""),
        },
        rules=(datastores.check_vault,),
        empty_last_page=True,
    ),
)
