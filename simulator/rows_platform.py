"""Web apps, containers, messaging, monitoring and the rest that controls look at."""

from dataclasses import replace

from simulator import containers, web
from simulator.types import Action, Long, ResourceType

_ASYNC_WRITE = Long(style="azure-asyncoperation", status=200, seconds=20, retry_after=10)
_ASYNC_CREATE = replace(_ASYNC_WRITE, status=201, state="Creating")
_ASYNC_PATCH = Long(style="location", status=202, seconds=20, retry_after=10, body="document")
_ASYNC_DELETE = Long(style="both", status=202, seconds=20, retry_after=10, body="none")

_SYNCHRONOUS = {
    "Microsoft.AnalysisServices/servers": "2017-08-01",
    "Microsoft.ApiManagement/service/apis": "2022-08-01",
    "Microsoft.Automation/automationAccounts": "2023-11-01",
    "Microsoft.Batch/batchAccounts": "2024-07-01",
    "Microsoft.BotService/botServices": "2022-09-15",
    "Microsoft.DataFactory/factories": "2018-06-01",
    "Microsoft.DesktopVirtualization/hostPools": "2024-04-03",
    "Microsoft.Insights/activityLogAlerts": "2020-10-01",
    "Microsoft.Logic/workflows": "2019-05-01",
    "Microsoft.Web/serverfarms": "2023-12-01",
}
"""Types whose PATCH merges and is done when it answers."""

_REGISTRY = {
    "adminUserEnabled": False,
    "anonymousPullEnabled": False,
    "dataEndpointEnabled": False,
    "dataEndpointHostNames": [],
    "encryption": {"status": "disabled"},
    "networkRuleBypassOptions": "AzureServices",
    "policies": {
        "azureADAuthenticationAsArmPolicy": {"status": "enabled"},
        "exportPolicy": {"status": "enabled"},
        "quarantinePolicy": {"status": "disabled"},
        "retentionPolicy": {"days": 7, "status": "disabled"},
        "softDeletePolicy": {"retentionDays": 7, "status": "disabled"},
        "trustPolicy": {"type": "Notary", "status": "disabled"},
    },
    "privateEndpointConnections": [],
    "publicNetworkAccess": "Enabled",
    "zoneRedundancy": "Disabled",
}
"""A container registry's settings where nobody chose any."""

_LONG = {
    "Microsoft.App/containerApps": "2024-03-01",
    "Microsoft.ContainerService/managedClusters": "2024-09-01",
    "Microsoft.EventGrid/domains": "2022-06-15",
    "Microsoft.EventGrid/topics": "2022-06-15",
    "Microsoft.Kusto/clusters": "2023-08-15",
    "Microsoft.SignalRService/signalR": "2024-03-01",
}
"""Types whose writes take time."""


def _own_ways(row: ResourceType) -> ResourceType:
    """Managed clusters change by PUT; their PATCH knows tags alone."""
    if row.key == "microsoft.containerservice/managedclusters":
        secrets = ("properties.servicePrincipalProfile.secret",)
        return replace(row, patch="tags", secrets=secrets, rules=(containers.fill_pools,))
    return row


ROWS = (
    ResourceType(
        "Microsoft.Web/sites",
        api_version="2023-12-01",
        created_status=200,
        read_only=("properties.state", "properties.defaultHostName"),
        computed={
            "properties.state": "Running",
            "properties.defaultHostName": "{name}.azurewebsites.net",
        },
        defaults={"kind": "app", "properties": {"httpsOnly": False, "enabled": True}},
        provisioning_state=False,
        rules=(web.keep_site_config,),
        actions={name: Action() for name in ("start", "stop", "restart")},
    ),
    ResourceType(
        "Microsoft.Web/sites/config",
        api_version="2023-12-01",
        created_status=200,
        provisioning_state=False,
        located=False,
        implicit={"web": web.DEFAULT_CONFIG},
    ),
    ResourceType(
        "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
        api_version="2023-12-01",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
        implicit={"ftp": {"allow": True}, "scm": {"allow": True}},
    ),
    ResourceType(
        "Microsoft.Web/sites/slots",
        api_version="2023-12-01",
        created_status=200,
        provisioning_state=False,
        actions={name: Action() for name in ("start", "stop", "restart")},
    ),
    ResourceType(
        "Microsoft.ContainerRegistry/registries",
        api_version="2023-07-01",
        created_status=200,
        defaults={"tags": {}, "properties": _REGISTRY},
        versions={
            **{
                f"properties.{name}": ("2019-12-01-preview", "")
                for name in _REGISTRY
                if name != "adminUserEnabled"
            },
            "properties.policies": ("2019-05-01", ""),
            "properties.zoneRedundancy": ("2020-11-01-preview", ""),
            "properties.networkRuleBypassOptions": ("2020-11-01-preview", ""),
            "properties.anonymousPullEnabled": ("2021-06-01-preview", ""),
            "properties.policies.exportPolicy": ("2021-06-01-preview", ""),
            "properties.policies.azureADAuthenticationAsArmPolicy": ("2021-12-01-preview", ""),
            "properties.policies.softDeletePolicy": ("2021-12-01-preview", ""),
        },
        computed={
            "properties.loginServer": "{name}.azurecr.io",
            "properties.creationDate": "{now}",
            "sku.tier": "{sku}",
        },
        read_only=(
            "properties.provisioningState",
            "properties.loginServer",
            "properties.creationDate",
        ),
    ),
    ResourceType(
        "Microsoft.Insights/diagnosticSettings",
        api_version="2021-05-01-preview",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Security/securityContacts",
        api_version="2023-12-01-preview",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Resources/templateSpecs",
        api_version="2022-02-01",
        patch="tags",
        provisioning_state=False,
    ),
    ResourceType(
        "Microsoft.Security/pricings",
        api_version="2024-01-01",
        patch=None,
        created_status=200,
        provisioning_state=False,
        located=False,
    ),
    ResourceType(
        "Microsoft.Search/searchServices",
        api_version="2023-11-01",
        defaults={
            "properties": {
                "hostingMode": "default",
                "networkRuleSet": {"ipRules": []},
                "partitionCount": 1,
                "privateEndpointConnections": [],
                "publicNetworkAccess": "enabled",
                "replicaCount": 1,
                "status": "running",
                "statusDetails": "",
            }
        },
        versions={
            f"properties.{name}": ("2020-08-01", "")
            for name in ("networkRuleSet", "privateEndpointConnections", "publicNetworkAccess")
        },
    ),
    *(ResourceType(name, api_version=version) for name, version in _SYNCHRONOUS.items()),
    ResourceType(
        "Microsoft.ContainerInstance/containerGroups",
        api_version="2023-05-01",
        patch="tags",
        create=replace(_ASYNC_CREATE, state="Pending"),
        update=_ASYNC_WRITE,
        delete=_ASYNC_DELETE,
        rules=(containers.start_group,),
        actions={
            "stop": Action(status=204, effect=containers.stop_group),
            "start": Action(long=_ASYNC_DELETE, effect=containers.run_group),
        },
    ),
    ResourceType(
        "Microsoft.Cdn/profiles",
        api_version="2024-02-01",
        read_only=("properties.provisioningState", "properties.resourceState"),
        computed={"properties.resourceState": "Active"},
        create=_ASYNC_CREATE,
        update=_ASYNC_WRITE,
        patched=replace(_ASYNC_PATCH, style="both"),
        delete=_ASYNC_DELETE,
    ),
    ResourceType(
        "Microsoft.Cdn/profiles/endpoints",
        api_version="2024-02-01",
        read_only=("properties.provisioningState", "properties.resourceState"),
        computed={"properties.resourceState": "Running"},
        create=_ASYNC_CREATE,
        update=_ASYNC_WRITE,
        patched=replace(_ASYNC_PATCH, style="both"),
        delete=_ASYNC_DELETE,
    ),
    *(
        _own_ways(
            ResourceType(
                name,
                api_version=version,
                create=_ASYNC_CREATE,
                update=_ASYNC_WRITE,
                patched=_ASYNC_PATCH,
                delete=_ASYNC_DELETE,
            )
        )
        for name, version in _LONG.items()
    ),
)
