"""A small company's estate, and the people who change it: for the demo and for `make up`."""

from __future__ import annotations

from typing import Any

from simulator.call import Identity
from simulator.tenant import Tenant

SUBSCRIPTION = "/subscriptions/0c0a70c0-0000-4000-8000-000000000001"
WEB = f"{SUBSCRIPTION}/resourceGroups/web-prod"
DATA = f"{SUBSCRIPTION}/resourceGroups/data-prod"
LEGACY = f"{SUBSCRIPTION}/resourceGroups/legacy"
OPERATIONS = f"{SUBSCRIPTION}/resourceGroups/operations"

GATE = Identity(
    name="portcullis",
    object_id="9a7e0000-0000-4000-8000-000000000001",
    app_id="9a7e0000-0000-4000-8000-000000000002",
    kind="ServicePrincipal",
)
HAND = Identity(
    name="portcullis-hand",
    object_id="9a7e0000-0000-4000-8000-000000000003",
    app_id="9a7e0000-0000-4000-8000-000000000004",
    kind="ServicePrincipal",
)
ALICE = Identity(
    name="Alice Almond",
    object_id="a11ce000-0000-4000-8000-000000000001",
    kind="User",
    upn="alice@contoso.example",
)
YOU = Identity(
    name="you",
    object_id="70000000-0000-4000-8000-000000000001",
    kind="User",
    upn="you@contoso.example",
)
TERMINAL = Identity(
    name="your-terminal",
    object_id="70000000-0000-4000-8000-000000000002",
    app_id="70000000-0000-4000-8000-000000000003",
    kind="ServicePrincipal",
)
PIPELINE = Identity(
    name="release-pipeline",
    object_id="b0b00000-0000-4000-8000-000000000001",
    app_id="b0b00000-0000-4000-8000-000000000002",
    kind="ServicePrincipal",
)
OWNER_ROLE = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"


def account(group: str, name: str) -> str:
    return f"{group}/providers/Microsoft.Storage/storageAccounts/{name}"


WEBSITE = account(WEB, "contosoweb")
ASSETS = account(WEB, "contosoassets")
BACKUPS = account(LEGACY, "contosobackups")
KEPT = account(OPERATIONS, "contosoportcullis")
CHANGES = f"{OPERATIONS}/providers/Microsoft.EventGrid/systemTopics/changes"
SHARES = [account(DATA, f"contososhare{n}") for n in range(1, 4)]
VAULT = f"{DATA}/providers/Microsoft.KeyVault/vaults/contoso-keys"
SERVER = f"{DATA}/providers/Microsoft.Sql/servers/contoso-orders"
NSG = f"{WEB}/providers/Microsoft.Network/networkSecurityGroups/web-front"
DISK = f"{DATA}/providers/Microsoft.Compute/disks/orders-copy"
ASSIGNMENTS = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleAssignments"


def _storage(resource_id: str) -> dict[str, Any]:
    return {
        "id": resource_id,
        "type": "Microsoft.Storage/storageAccounts",
        "location": "westeurope",
        "kind": "StorageV2",
        "sku": {"name": "Standard_LRS"},
        "properties": {
            "creationTime": "2025-03-01T08:00:00Z",
            "allowBlobPublicAccess": False,
            "supportsHttpsTrafficOnly": True,
            "minimumTlsVersion": "TLS1_2",
            "privateEndpointConnections": [],
            "publicNetworkAccess": "Enabled",
            "networkAcls": {
                "bypass": "AzureServices",
                "defaultAction": "Deny",
                "ipRules": [],
                "virtualNetworkRules": [],
            },
            "encryption": {
                "keySource": "Microsoft.Storage",
                "services": {name: {"enabled": True} for name in ("blob", "file")},
            },
            "provisioningState": "Succeeded",
        },
    }


def people(tenant: Tenant) -> None:
    """Who acts in it, as the directory knows them; whoever runs commands may read it."""
    for identity in (GATE, HAND, ALICE, YOU, PIPELINE):
        tenant.add_identity(identity)
    for program in (GATE, HAND):
        tenant.principals.add_managed_identity(program.object_id, program.name, str(program.app_id))
    for person in (ALICE, YOU):
        tenant.principals.add_user(person.object_id, person.name, upn=str(person.upn))
    for program in (PIPELINE, TERMINAL):
        tenant.principals.add_application(program.object_id, program.name, str(program.app_id))
    for reader in (GATE, HAND, YOU):
        tenant.directory.allow(
            reader, "User.Read.All", "GroupMember.Read.All", "Application.Read.All"
        )


def estate(tenant: Tenant) -> None:
    """Everything as it should be, but for a lock that somebody put on the old backups."""
    people(tenant)
    for resource_id in (WEBSITE, ASSETS, BACKUPS, *SHARES):
        tenant.load(_storage(resource_id))
    tenant.load(
        {
            "id": VAULT,
            "type": "Microsoft.KeyVault/vaults",
            "location": "westeurope",
            "properties": {
                "tenantId": tenant.tenant_id,
                "sku": {"family": "A", "name": "standard"},
                "vaultUri": "https://contoso-keys.vault.azure.net/",
                "accessPolicies": [],
                "enableRbacAuthorization": True,
                "enableSoftDelete": True,
                "enablePurgeProtection": True,
                "publicNetworkAccess": "Enabled",
                "networkAcls": {
                    "bypass": "AzureServices",
                    "defaultAction": "Deny",
                    "ipRules": [{"value": "203.0.113.7/32"}],
                    "virtualNetworkRules": [],
                },
            },
        }
    )
    tenant.load({"id": SERVER, "location": "westeurope", "properties": {"state": "Ready"}})
    tenant.load(
        {
            "id": NSG,
            "location": "westeurope",
            "properties": {"securityRules": [rule("https", 200, "443")]},
        }
    )
    tenant.load({"id": DISK, "location": "westeurope", "properties": {"diskState": "Unattached"}})
    tenant.load(
        {
            "id": f"{LEGACY}/providers/Microsoft.Authorization/locks/keep-backups",
            "properties": {"level": "ReadOnly", "notes": "legal hold until 2027"},
        }
    )


def subscribe(tenant: Tenant, queue: str, *, by: Identity = ALICE) -> None:
    """Event Grid as the product is deployed: what changes is told to a queue of its storage."""
    tenant.load(_storage(KEPT))
    subscribed = {"topicType": "Microsoft.Resources.Subscriptions", "source": SUBSCRIPTION}
    tenant.write(CHANGES, {"location": "global", "properties": subscribed}, by=by)
    to = {"endpointType": "StorageQueue", "properties": {"resourceId": KEPT, "queueName": queue}}
    listener = f"{CHANGES}/eventSubscriptions/portcullis"
    tenant.write(listener, {"properties": {"destination": to}}, by=by)


def rule(name: str, priority: int, port: str) -> dict[str, Any]:
    """An inbound rule that lets the internet in."""
    return {
        "name": name,
        "properties": {
            "access": "Allow",
            "direction": "Inbound",
            "protocol": "Tcp",
            "priority": priority,
            "sourceAddressPrefix": "*",
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
        },
    }


def owner(name: str, identity: Identity) -> dict[str, Any]:
    """The body of an Owner assignment at the subscription."""
    definitions = f"{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions"
    return {
        "id": f"{ASSIGNMENTS}/{name}",
        "properties": {
            "roleDefinitionId": f"{definitions}/{OWNER_ROLE}",
            "principalId": identity.object_id,
            "principalType": identity.kind,
        },
    }
