"""A client of the tenant through the real azure-core pipeline, and the names tests use."""

from typing import Any

from azure.core.pipeline.policies import RequestIdPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from simulator.adapter import TenantCredential, transport
from simulator.tenant import Identity, Tenant

HOST = "https://management.azure.com"
SUB = "/subscriptions/22222222-2222-4222-8222-222222222222"
GROUP = f"{SUB}/resourceGroups/Prod-RG"
NSG = f"{GROUP}/providers/Microsoft.Network/networkSecurityGroups/web"
NIC = f"{GROUP}/providers/Microsoft.Network/networkInterfaces/vm1-nic"
PIP = f"{GROUP}/providers/Microsoft.Network/publicIPAddresses/vm1-ip"
ACCOUNT = f"{GROUP}/providers/Microsoft.Storage/storageAccounts/contoso"
VAULT = f"{GROUP}/providers/Microsoft.KeyVault/vaults/kv1"
SERVER = f"{GROUP}/providers/Microsoft.Sql/servers/sql1"
COSMOS = f"{GROUP}/providers/Microsoft.DocumentDB/databaseAccounts/cosmos1"
ASSIGNMENTS = "providers/Microsoft.Authorization/roleAssignments"
LOCKS = "providers/Microsoft.Authorization/locks"

ALICE = Identity(
    "alice", "aaaaaaaa-0000-4000-8000-000000000001", kind="User", upn="alice@contoso.example"
)
ROBOT = Identity(
    "robot",
    "bbbbbbbb-0000-4000-8000-000000000002",
    app_id="cccccccc-0000-4000-8000-000000000003",
    kind="ServicePrincipal",
)


class Client:
    """Sends requests as one identity; `last` is the latest answer."""

    def __init__(self, tenant: Tenant, identity: Identity = ROBOT) -> None:
        credential = TenantCredential(tenant, identity)
        self._arm: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            HOST,
            policies=[
                RequestIdPolicy(),
                ARMChallengeAuthenticationPolicy(credential, f"{HOST}/.default"),
            ],
            transport=transport(tenant),
        )

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """Send one request; an api-version is added where the path has no query."""
        url = path if path.startswith("https://") else HOST + path
        if "?" not in url:
            url += "?api-version=2024-01-01"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HttpRequest(method, url, json=body, headers=named)
        answer: HttpResponse = self._arm.send_request(request)
        return answer

    def get(self, path: str, **headers: str) -> HttpResponse:
        return self.send("GET", path, **headers)

    def put(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.send("PUT", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> HttpResponse:
        return self.send("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> HttpResponse:
        return self.send("DELETE", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.send("POST", path, body, **headers)


def code(answer: HttpResponse) -> str:
    """The error code of a refusal."""
    return str(answer.json()["error"]["code"])


def rule(priority: int = 100, source: str = "*", port: str = "22", **more: Any) -> dict[str, Any]:
    """The body of a security rule."""
    return {
        "properties": {
            "priority": priority,
            "direction": "Inbound",
            "access": "Allow",
            "protocol": "Tcp",
            "sourceAddressPrefix": source,
            "sourcePortRange": "*",
            "destinationAddressPrefix": "*",
            "destinationPortRange": port,
            **more,
        }
    }


def interface(*, public: bool) -> dict[str, Any]:
    """The document of a network interface, with or without its public address."""
    configuration: dict[str, Any] = {"name": "ipconfig1", "properties": {"primary": True}}
    if public:
        configuration["properties"]["publicIPAddress"] = {"id": PIP}
    return {
        "id": NIC,
        "location": "westeurope",
        "properties": {"ipConfigurations": [configuration]},
    }
