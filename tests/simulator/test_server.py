"""The tenant over TLS, reached by unmodified clients through environment variables."""

import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from azure.core.exceptions import ServiceResponseError
from azure.core.pipeline.policies import RetryPolicy
from azure.core.rest import HttpRequest, HttpResponse
from azure.identity import ManagedIdentityCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy

from simulator.clock import WallClock
from simulator.faults import Fault, What
from simulator.jwt import claims_of
from simulator.latency import Latency
from simulator.server import ARM_VARIABLE, Serving, serve
from simulator.tenant import Tenant
from tests.simulator.client import ACCOUNT, GROUP, NSG, VAULT

Arm = ARMPipelineClient[Any, Any]


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant(WallClock())
    made.load({"id": NSG, "location": "westeurope"})
    return made


@pytest.fixture
def serving(tenant: Tenant) -> Iterator[Serving]:
    with serve(tenant) as running:
        yield running


@pytest.fixture
def arm(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[Arm]:
    """azure-core with azure-identity, told nothing but the environment."""
    for name, value in serving.environment.items():
        monkeypatch.setenv(name, value)
    endpoint = serving.environment[ARM_VARIABLE]
    credential = ManagedIdentityCredential()
    policies = [
        RetryPolicy(retry_total=0),
        ARMChallengeAuthenticationPolicy(credential, "https://management.azure.com/.default"),
    ]
    client: Arm = ARMPipelineClient(endpoint, policies=policies)
    with client, credential:
        yield client


def _send(arm: Arm, method: str, path: str, body: Any = None, patience: float = 30) -> HttpResponse:
    url = arm.format_url(f"{path}?api-version=2024-01-01")
    request = HttpRequest(method, url, json=body)
    answer: HttpResponse = arm.send_request(request, read_timeout=patience)
    return answer


def test_a_managed_identity_reads_and_writes(tenant: Tenant, serving: Serving, arm: Arm) -> None:
    """The environment alone makes real clients talk to the tenant, over one TLS connection."""
    assert _send(arm, "GET", NSG).json()["id"] == NSG
    created = _send(arm, "PUT", NSG, {"location": "westeurope", "tags": {"a": "b"}})
    assert created.headers["Azure-AsyncOperation"].startswith(serving.url)
    tenant.settle()
    assert _send(arm, "GET", NSG).json()["tags"] == {"a": "b"}
    assert {entry.identity for entry in tenant.requests} == {serving.identity.name}
    assert serving.connections == 2, "one for the token, one for ARM"


def test_odd_names_arrive_as_they_are(arm: Arm) -> None:
    vault = f"{VAULT}%20%25"
    created = _send(arm, "PUT", vault, {"location": "westeurope", "properties": {}})
    assert created.json()["name"] == "kv1 %"
    assert _send(arm, "GET", vault).status_code == 200


@pytest.mark.parametrize(
    ("what", "happened"), [("cut-before", False), ("cut-after", True), ("timeout-after", True)]
)
def test_lost_answers_are_lost_on_the_wire(
    tenant: Tenant, arm: Arm, what: What, *, happened: bool
) -> None:
    _send(arm, "GET", GROUP)
    tenant.faults.add(Fault(what))
    with pytest.raises(ServiceResponseError):
        _send(arm, "PUT", VAULT, {"location": "westeurope", "properties": {}}, patience=0.2)
    assert (tenant.read(VAULT) is not None) is happened
    assert _send(arm, "GET", GROUP).status_code == 200


def test_answers_take_as_long_as_the_way_to_azure(serving: Serving, arm: Arm) -> None:
    """Reads and writes wait apart from each other; none that was not told to."""
    _send(arm, "GET", GROUP)
    serving.latency.reads = 3600
    changed = _send(arm, "PUT", VAULT, {"location": "westeurope", "properties": {}})
    assert changed.status_code == 200
    with pytest.raises(ServiceResponseError):
        _send(arm, "GET", GROUP, patience=0.2)
    serving.latency.reads, serving.latency.writes = 0, 3600
    assert _send(arm, "GET", GROUP).status_code == 200
    with pytest.raises(ServiceResponseError):
        _send(arm, "PUT", VAULT, {"location": "westeurope"}, patience=0.2)


@pytest.mark.parametrize(
    ("method", "path", "waits"),
    [
        ("GET", ACCOUNT, 1),
        ("HEAD", GROUP, 1),
        ("POST", "/providers/Microsoft.ResourceGraph/resources", 1),
        ("POST", "/11111111-1111-4111-8111-111111111111/oauth2/v2.0/token", 1),
        ("PATCH", ACCOUNT, 2),
        ("POST", f"{ACCOUNT}/regenerateKey", 2),
        ("DELETE", ACCOUNT, 2),
    ],
)
def test_what_only_asks_waits_as_a_read_does(method: str, path: str, waits: float) -> None:
    assert Latency(reads=1, writes=2).of(method, path) == waits


@pytest.mark.parametrize(
    ("headers", "query", "status"),
    [
        ({}, "?resource=x", 401),
        ({"X-IDENTITY-HEADER": "wrong"}, "?resource=x", 401),
        (None, "", 400),
    ],
)
def test_tokens_are_given_to_the_app_alone(
    serving: Serving, headers: dict[str, str] | None, query: str, status: int
) -> None:
    """Without the secret header there is no token, as App Service has it."""
    sent = {"X-IDENTITY-HEADER": serving.environment["IDENTITY_HEADER"]}
    answer = requests.get(
        f"{serving.url}/msi/token{query}",
        headers=sent if headers is None else headers,
        verify=str(serving.ca_bundle),
        timeout=10,
    )
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("resource", "audience"),
    [
        ("https://management.azure.com/", "https://management.azure.com/"),
        ("https://monitor.azure.com", "https://monitor.azure.com"),
        ("{url}", "https://management.azure.com"),
        ("https://nobody.example", None),
    ],
)
def test_a_token_is_for_what_was_asked(
    serving: Serving, resource: str, audience: str | None
) -> None:
    """The server's own address stands for ARM; a resource that nobody has is refused."""
    answer = requests.get(
        f"{serving.url}/msi/token",
        params={"resource": resource.format(url=serving.url)},
        headers={"X-IDENTITY-HEADER": serving.environment["IDENTITY_HEADER"]},
        verify=str(serving.ca_bundle),
        timeout=10,
    )
    assert answer.status_code == (200 if audience else 400)
    if audience:
        assert claims_of(answer.json()["access_token"])["aud"] == audience


@pytest.mark.parametrize("name", ["management.azure.com", "login.microsoftonline.com", "localhost"])
def test_the_certificate_carries_azures_names(serving: Serving, name: str) -> None:
    context = ssl.create_default_context(cafile=str(serving.ca_bundle))
    with (
        socket.create_connection(("127.0.0.1", serving.port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        assert wrapped.version() in {"TLSv1.2", "TLSv1.3"}


def test_many_clients_at_once(tenant: Tenant, arm: Arm) -> None:
    """Concurrent writers of different vaults all succeed, and each is logged once."""

    def write(number: int) -> int:
        body = {"location": "westeurope", "properties": {}}
        return _send(arm, "PUT", f"{VAULT}{number}", body).status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(write, range(40))) == {200}
    assert len({entry.path for entry in tenant.writes}) == 40
