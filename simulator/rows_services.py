"""Messaging, vaults, AI, analytics and monitoring: platform stores that are no databases."""

from dataclasses import replace

from simulator.documents import dig, drop, put
from simulator.types import Long, ResourceType
from simulator.writes import Write

_SWITCH = "properties.publicNetworkAccess"
_WRITE = Long(style="azure-asyncoperation", status=200, seconds=20, retry_after=10)
_CREATE = replace(_WRITE, status=201, state="Creating")
_DELETE = Long(style="both", status=202, seconds=20, retry_after=10, body="none")
_UNTOLD = Long(style="none", status=200, seconds=20)
"""A namespace's PUT names nothing to poll: its state shows when it is done."""

_OPEN_RULE_SET = {
    "publicNetworkAccess": "Enabled",
    "defaultAction": "Allow",
    "virtualNetworkRules": [],
    "ipRules": [],
    "trustedServiceAccessEnabled": False,
}
"""What every namespace has before anybody sets it."""


def drop_unknown(write: Write) -> None:
    """What the model of Service Bus's PATCH lacks is dropped, and not told."""
    if write.method != "PATCH":
        return
    for path in (_SWITCH, "properties.minimumTlsVersion"):
        before = dig(write.before, path)
        if before is None:
            drop(write.after, path)
        else:
            put(write.after, path, before)


def _namespace(provider: str, version: str) -> tuple[ResourceType, ResourceType]:
    """A namespace and its rule set."""
    return (
        ResourceType(
            f"{provider}/namespaces",
            api_version=version,
            create=replace(_UNTOLD, status=201, state="Creating"),
            update=_UNTOLD,
            delete=Long(style="location", status=202, seconds=20, retry_after=10, body="none"),
        ),
        ResourceType(
            f"{provider}/namespaces/networkRuleSets",
            api_version=version,
            patch=None,
            created_status=200,
            provisioning_state=False,
            located=False,
            implicit={"default": _OPEN_RULE_SET},
        ),
    )


_SERVICE_BUS, _SERVICE_BUS_RULES = _namespace("Microsoft.ServiceBus", "2024-01-01")
_PERIMETERS = "Microsoft.Network/networkSecurityPerimeters"

ROWS = (
    *_namespace("Microsoft.EventHub", "2024-01-01"),
    replace(_SERVICE_BUS, rules=(drop_unknown,)),
    _SERVICE_BUS_RULES,
    ResourceType(
        "Microsoft.KeyVault/managedHSMs",
        api_version="2023-07-01",
        whole=frozenset({"properties.networkAcls"}),
        read_only=("properties.provisioningState", "properties.hsmUri"),
        computed={"properties.hsmUri": "https://{name}.managedhsm.azure.net/"},
        create=Long(style="location", status=202, seconds=60, retry_after=10, state="Provisioning"),
        update=Long(style="location", status=202, seconds=20, retry_after=10),
        patched=Long(style="location", status=202, seconds=20, retry_after=10),
        delete=Long(style="location", status=202, seconds=20, retry_after=10, body="none"),
    ),
    ResourceType("Microsoft.CognitiveServices/accounts", api_version="2024-10-01"),
    ResourceType("Microsoft.MachineLearningServices/workspaces", api_version="2024-10-01"),
    ResourceType("Microsoft.OperationalInsights/workspaces", api_version="2023-09-01"),
    ResourceType(
        "Microsoft.AppConfiguration/configurationStores",
        api_version="2024-05-01",
        read_only=("properties.provisioningState", "properties.endpoint"),
        computed={"properties.endpoint": "https://{name}.azconfig.io"},
        create=_CREATE,
        update=_WRITE,
        patched=_WRITE,
        delete=_DELETE,
        empty_last_page=True,
    ),
    ResourceType(
        "Microsoft.Databricks/workspaces",
        api_version="2024-05-01",
        patch="tags",
        create=_CREATE,
        update=_WRITE,
        delete=_DELETE,
    ),
    ResourceType(
        "Microsoft.RecoveryServices/vaults",
        api_version="2024-04-01",
        patched=replace(_WRITE, status=202),
    ),
    ResourceType(
        "Microsoft.Insights/components",
        api_version="2020-02-02",
        patch="tags",
        created_status=200,
        read_only=(
            "properties.provisioningState",
            "properties.AppId",
            "properties.InstrumentationKey",
            "properties.ConnectionString",
            "properties.PrivateLinkScopedResources",
        ),
        computed={
            "properties.AppId": "{guid}",
            "properties.InstrumentationKey": "{guid}",
        },
    ),
    ResourceType(
        _PERIMETERS,
        api_version="2025-05-01",
        patch="tags",
        read_only=("properties.provisioningState", "properties.perimeterGuid"),
        computed={"properties.perimeterGuid": "{guid}"},
    ),
    *(
        ResourceType(
            f"{_PERIMETERS}/{kind}",
            api_version="2025-05-01",
            patch=None,
            read_only=("properties.provisioningState", "properties.hasProvisioningIssues"),
            located=False,
        )
        for kind in ("profiles", "profiles/accessRules", "resourceAssociations")
    ),
)
