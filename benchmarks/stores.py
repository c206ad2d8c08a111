"""Data stores of every type that has a public switch, well kept but for that switch.

Every third holds a firewall that would let everybody in, if it counted: behind a switch that is
off it does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PUBLIC_EVERY = 10
"""One in so many is public at the switch."""
_SUBSCRIPTIONS, _OPEN_EVERY = 10, 3
_ACLS = {"networkAcls": {"defaultAction": "Allow", "bypass": "None"}}
_RANGES = ("firewallRules", {"startIpAddress": "0.0.0.0", "endIpAddress": "255.255.255.255"})  # noqa: S104
_RULE_SET = ("networkRuleSets", {"defaultAction": "Allow"})
_SAFE: Mapping[str, dict[str, Any]] = {
    "Microsoft.Storage/storageAccounts": {
        "allowBlobPublicAccess": False,
        "supportsHttpsTrafficOnly": True,
        "minimumTlsVersion": "TLS1_2",
    },
    "Microsoft.KeyVault/vaults": {"enablePurgeProtection": True, "enableSoftDelete": True},
    "Microsoft.Kusto/clusters": {"trustedExternalTenants": []},
    "Microsoft.Databricks/workspaces": {"parameters": {"enableNoPublicIp": {"value": True}}},
}
"""What else makes a store of this type well kept."""
_FIREWALLS: Mapping[str, dict[str, Any] | tuple[str, dict[str, Any]]] = {
    "Microsoft.Storage/storageAccounts": _ACLS,
    "Microsoft.KeyVault/vaults": _ACLS,
    "Microsoft.KeyVault/managedHSMs": _ACLS,
    "Microsoft.CognitiveServices/accounts": _ACLS,
    "Microsoft.DocumentDB/databaseAccounts": {"ipRules": [{"ipAddressOrRange": "0.0.0.0/0"}]},
    "Microsoft.Kusto/clusters": {"allowedIpRangeList": ["0.0.0.0/0"]},
    "Microsoft.Search/searchServices": {"networkRuleSet": {"ipRules": [{"value": "0.0.0.0/0"}]}},
    "Microsoft.Sql/servers": _RANGES,
    "Microsoft.DBforPostgreSQL/flexibleServers": _RANGES,
    "Microsoft.DBforPostgreSQL/serverGroupsv2": _RANGES,
    "Microsoft.DBforMySQL/flexibleServers": _RANGES,
    "Microsoft.DocumentDB/mongoClusters": _RANGES,
    "Microsoft.Synapse/workspaces": _RANGES,
    "Microsoft.Cache/redis": (
        "firewallRules",
        {"startIP": "0.0.0.0", "endIP": "255.255.255.255"},  # noqa: S104
    ),
    "Microsoft.EventHub/namespaces": _RULE_SET,
    "Microsoft.ServiceBus/namespaces": _RULE_SET,
}
"""Open firewalls: properties of the store, or a child of a collection of its own."""
_SWITCH_ALONE = (
    "Microsoft.AppConfiguration/configurationStores",
    "Microsoft.Cache/redisEnterprise",
    "Microsoft.DataFactory/factories",
    "Microsoft.Databricks/workspaces",
    "Microsoft.ElasticSan/elasticSans",
    "Microsoft.HealthcareApis/workspaces/fhirservices",
    "Microsoft.MachineLearningServices/workspaces",
    "Microsoft.Purview/accounts",
    "Microsoft.RecoveryServices/vaults",
)
TYPES = (*_FIREWALLS, *_SWITCH_ALONE)


def is_public(number: int) -> bool:
    """Whether this store's switch is on."""
    return number // len(TYPES) % PUBLIC_EVERY == 0


def store(number: int) -> list[dict[str, Any]]:
    """One store, and what lies in it: the types in turn, spread over a few subscriptions."""
    kind = TYPES[number % len(TYPES)]
    resource_id = _id(kind, number)
    properties = {"provisioningState": "Succeeded", **_SAFE.get(kind, {})}
    properties |= _switch(kind, on=is_public(number))
    inside: list[dict[str, Any]] = []
    if number // len(TYPES) % _OPEN_EVERY == 0:
        match _FIREWALLS.get(kind, {}):
            case (collection, rule):
                inside.append(_child(resource_id, f"{kind}/{collection}", rule))
            case firewall:
                properties |= firewall
    document = {
        "id": resource_id,
        "name": resource_id.rsplit("/", 1)[-1],
        "type": kind,
        "location": "westeurope",
        "tags": {"owner": "team", "environment": "production"},
        "properties": properties,
    }
    return [document, *inside]


def _id(kind: str, number: int) -> str:
    place = f"/subscriptions/55555555-5555-4555-8555-{number % _SUBSCRIPTIONS:012d}/resourceGroups/"
    namespace, *types = kind.split("/")
    names = "/".join(f"{one}/bench{number:05d}" for one in types)
    return f"{place}team-{number % 700:03d}/providers/{namespace}/{names}"


def _child(parent: str, kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    collection = kind.rsplit("/", 1)[-1]
    name = "default" if collection == "networkRuleSets" else "everybody"
    resource_id = f"{parent}/{collection}/{name}"
    return {"id": resource_id, "name": name, "type": kind, "properties": properties}


def _switch(kind: str, *, on: bool) -> dict[str, Any]:
    word = "Enabled" if on else "Disabled"
    if kind.endswith("/flexibleServers"):
        return {"network": {"publicNetworkAccess": word}}
    if kind.endswith("/serverGroupsv2"):
        return {"coordinatorEnablePublicIpAccess": on, "nodeEnablePublicIpAccess": False}
    return {"publicNetworkAccess": word}
