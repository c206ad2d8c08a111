"""Roles: the built-in definitions that every tenant has, and documents for arranging access."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from simulator.address import ROOT

DEFINITIONS = "Microsoft.Authorization/roleDefinitions"
ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"

OWNER = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"
CONTRIBUTOR = "b24988ac-6180-42a0-ab88-20f7382dd24c"
READER = "acdd72a7-3385-48ef-bd42-f606fba81ae7"
USER_ACCESS_ADMINISTRATOR = "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9"
RBAC_ADMINISTRATOR = "f58310d9-a9f6-439a-9e8d-f62e7b41a168"
STORAGE_ACCOUNT_CONTRIBUTOR = "17d1049b-9a84-46fb-8f53-869881c3d3ab"
NETWORK_CONTRIBUTOR = "4d97b98b-1d4f-4787-a291-c67834d212e7"
SQL_SECURITY_MANAGER = "056cd41c-7e88-42e1-933e-88ba6a50c9c3"
KEY_VAULT_CONTRIBUTOR = "f25e0fa2-a7c8-4377-a976-54943a77a395"

_SERVICE_ROLE = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
)
_JOIN_BY_ENDPOINT = "Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action"

Actions = tuple[str, ...]
_BUILT_IN: Mapping[str, tuple[str, Actions, Actions]] = {
    OWNER: ("Owner", ("*",), ()),
    CONTRIBUTOR: (
        "Contributor",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ),
    ),
    READER: ("Reader", ("*/read",), ()),
    USER_ACCESS_ADMINISTRATOR: (
        "User Access Administrator",
        ("*/read", "Microsoft.Authorization/*", "Microsoft.Support/*"),
        (),
    ),
    RBAC_ADMINISTRATOR: (
        "Role Based Access Control Administrator",
        (
            "Microsoft.Authorization/roleAssignments/write",
            "Microsoft.Authorization/roleAssignments/delete",
            "*/read",
            "Microsoft.Support/*",
        ),
        (),
    ),
    STORAGE_ACCOUNT_CONTRIBUTOR: (
        "Storage Account Contributor",
        (
            *_SERVICE_ROLE,
            "Microsoft.Insights/diagnosticSettings/*",
            "Microsoft.Storage/storageAccounts/*",
            _JOIN_BY_ENDPOINT,
        ),
        (),
    ),
    NETWORK_CONTRIBUTOR: (
        "Network Contributor",
        (*_SERVICE_ROLE, "Microsoft.Network/*"),
        (),
    ),
    SQL_SECURITY_MANAGER: (
        "SQL Security Manager",
        (
            *_SERVICE_ROLE,
            "Microsoft.Sql/servers/read",
            "Microsoft.Sql/servers/firewallRules/*",
            "Microsoft.Sql/servers/auditingSettings/*",
            "Microsoft.Sql/servers/securityAlertPolicies/*",
            _JOIN_BY_ENDPOINT,
        ),
        (),
    ),
    KEY_VAULT_CONTRIBUTOR: (
        "Key Vault Contributor",
        (*_SERVICE_ROLE, "Microsoft.KeyVault/*"),
        (
            "Microsoft.KeyVault/locations/deletedVaults/purge/action",
            "Microsoft.KeyVault/hsmPools/*",
            "Microsoft.KeyVault/managedHsms/*",
        ),
    ),
}
"""By the guid they have in every tenant; the service roles have what touches the types here."""


_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_CONTAINERS = "Microsoft.Storage/storageAccounts/blobServices/containers"
_DELEGATION = "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action"
_VAULTS = (
    "Microsoft.Authorization/*/read",
    "Microsoft.Insights/alertRules/*",
    "Microsoft.Resources/deployments/*",
    "Microsoft.Resources/subscriptions/resourceGroups/read",
    "Microsoft.Support/*",
    "Microsoft.KeyVault/checkNameAvailability/read",
    "Microsoft.KeyVault/deletedVaults/read",
    "Microsoft.KeyVault/locations/*/read",
    "Microsoft.KeyVault/vaults/*/read",
    "Microsoft.KeyVault/operations/read",
)
_OVER_DATA: Mapping[str, tuple[str, Actions, Actions]] = {
    "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1": (
        "Storage Blob Data Reader",
        (f"{_CONTAINERS}/read", _DELEGATION),
        (f"{_BLOBS}/read",),
    ),
    "ba92f5b4-2d11-453d-a403-e96b0029c9fe": (
        "Storage Blob Data Contributor",
        (f"{_CONTAINERS}/delete", f"{_CONTAINERS}/read", f"{_CONTAINERS}/write", _DELEGATION),
        tuple(
            f"{_BLOBS}/{verb}" for verb in ("delete", "read", "write", "move/action", "add/action")
        ),
    ),
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": (
        "Storage Blob Data Owner",
        (f"{_CONTAINERS}/*", _DELEGATION),
        (f"{_BLOBS}/*",),
    ),
    "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a": (
        "Storage Queue Data Message Sender",
        (),
        ("Microsoft.Storage/storageAccounts/queueServices/queues/messages/add/action",),
    ),
    "00482a5a-887f-4fb3-b363-3b7fe8e74483": (
        "Key Vault Administrator",
        _VAULTS,
        ("Microsoft.KeyVault/vaults/*",),
    ),
    "b86a8fe4-44ce-4948-aee5-eccb2c155cd7": (
        "Key Vault Secrets Officer",
        _VAULTS,
        ("Microsoft.KeyVault/vaults/secrets/*",),
    ),
}
"""Roles whose data actions are what counts; no data plane is here to enforce them."""


def built_in_roles() -> Iterator[dict[str, Any]]:
    """Role definition documents at the tenant's root."""
    found = {guid: (name, block(*rest)) for guid, (name, *rest) in _BUILT_IN.items()}
    for guid, (name, actions, data_actions) in _OVER_DATA.items():
        found[guid] = (name, block(actions, data_actions=data_actions))
    for guid, (name, permission) in found.items():
        yield {
            "id": f"/providers/{DEFINITIONS}/{guid}",
            "name": guid,
            "type": DEFINITIONS,
            "properties": {
                "roleName": name,
                "type": "BuiltInRole",
                "description": "",
                "assignableScopes": [ROOT],
                "permissions": [permission],
            },
        }


def block(
    actions: Sequence[str], not_actions: Sequence[str] = (), *, data_actions: Sequence[str] = ()
) -> dict[str, Any]:
    """One permission block of a definition."""
    return {
        "actions": list(actions),
        "notActions": list(not_actions),
        "dataActions": list(data_actions),
        "notDataActions": [],
    }


def custom_role(name: str, scope: str, *blocks: dict[str, Any]) -> dict[str, Any]:
    """A custom role that can be assigned at and below `scope`, to be loaded.

    Equal names give equal ids, so that a role loaded again replaces the first.
    """
    guid = str(uuid.uuid5(uuid.NAMESPACE_OID, name))
    return {
        "id": f"{scope.rstrip('/')}/providers/{DEFINITIONS}/{guid}",
        "name": guid,
        "type": DEFINITIONS,
        "properties": {
            "roleName": name,
            "type": "CustomRole",
            "description": "",
            "assignableScopes": [scope],
            "permissions": list(blocks),
        },
    }


def assignment(principal_id: str, role: str, scope: str, **more: Any) -> dict[str, Any]:
    """An assignment of a role (its guid or id), to be loaded or sent.

    Equal principals, roles and scopes give equal ids; `more` are further properties.
    """
    guid = role.rsplit("/", 1)[-1]
    name = str(uuid.uuid5(uuid.NAMESPACE_OID, f"{principal_id} {guid} {scope}".lower()))
    return {
        "id": f"{scope.rstrip('/')}/providers/{ASSIGNMENTS}/{name}",
        "name": name,
        "type": ASSIGNMENTS,
        "properties": {
            "principalId": principal_id,
            "roleDefinitionId": f"/providers/{DEFINITIONS}/{guid}",
            "scope": scope,
            **more,
        },
    }
