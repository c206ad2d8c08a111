"""The tenant by Azure's own host names, for clients that know nothing else."""

import json
import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ClientSecretCredential

from simulator.clock import WallClock
from simulator.faults import Fault
from simulator.federation import Issuer
from simulator.server import Serving, serve
from simulator.tenant import Tenant
from tests.simulator.client import ALICE, GROUP, NSG, ROBOT

READ = f"{GROUP}?api-version=2024-01-01"
ARM = "https://management.azure.com"
CLUSTER = Issuer("https://cluster.example/")

CLIENT = f"""
import json
from azure.identity import DefaultAzureCredential
from azure.mgmt.core import ARMPipelineClient
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.core.rest import HttpRequest

credential = DefaultAzureCredential()
policy = ARMChallengeAuthenticationPolicy(credential, "{ARM}/.default")
arm = ARMPipelineClient("{ARM}", policies=[policy])
print(json.dumps(arm.send_request(HttpRequest("GET", "{ARM}{READ}")).json()))
"""


@pytest.fixture
def tenant() -> Tenant:
    made = Tenant(WallClock())
    made.load({"id": NSG, "location": "westeurope"})
    return made


@pytest.fixture
def serving(tenant: Tenant) -> Iterator[Serving]:
    with serve(tenant, identity=ROBOT) as running:
        yield running


@pytest.fixture
def client(serving: Serving, monkeypatch: pytest.MonkeyPatch) -> Iterator[requests.Session]:
    for name, value in serving.proxied.items():
        monkeypatch.setenv(name, value)
    with requests.Session() as made:
        yield made


def _dial(serving: Serving, first_line: str) -> tuple[socket.socket, bytes]:
    """A connection to the proxy after one request, and what it answered."""
    proxy = urlsplit(serving.proxied["HTTPS_PROXY"])
    line = socket.create_connection((proxy.hostname, proxy.port), timeout=10)
    line.sendall(f"{first_line}\r\n\r\n".encode())
    return line, line.recv(4096)


@pytest.mark.parametrize("proof", ["secret", "assertion"])
def test_the_environment_alone_leads_a_real_client_here(
    tenant: Tenant, serving: Serving, tmp_path: Path, proof: str
) -> None:
    """`DefaultAzureCredential` and ARM's public endpoint, in a process of their own."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    environment = {**kept, **serving.proxied}
    if proof == "assertion":
        del environment["AZURE_CLIENT_SECRET"]
        environment["AZURE_FEDERATED_TOKEN_FILE"] = str(tmp_path / "token")
        tenant.entra.federate(ROBOT, CLUSTER, "hand")
        assertion = CLUSTER.assertion("hand", tenant.clock.now())
        (tmp_path / "token").write_text(assertion, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", CLIENT],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["id"] == GROUP
    assert [entry.identity for entry in tenant.requests] == [ROBOT.name]
    assert serving.turned_away == []


@pytest.mark.usefixtures("client")
def test_a_wrong_secret_is_refused_over_tls(serving: Serving) -> None:
    known = serving.proxied
    credential = ClientSecretCredential(known["AZURE_TENANT_ID"], known["AZURE_CLIENT_ID"], "no")
    with credential, pytest.raises(ClientAuthenticationError, match="AADSTS7000215"):
        credential.get_token(f"{ARM}/.default")


def test_the_tenant_sees_the_host_that_was_meant(tenant: Tenant, client: requests.Session) -> None:
    """Links in answers lead back to where the client asked; the host decides who answers."""
    token = {"Authorization": f"Bearer {tenant.token(ROBOT)}"}
    created = client.put(
        f"{ARM}{NSG}?api-version=2024-01-01", json={"location": "westeurope"}, headers=token
    )
    assert created.headers["Azure-AsyncOperation"].startswith(f"{ARM}/subscriptions/")
    challenge = client.get(f"{ARM}{READ}").headers["WWW-Authenticate"]
    assert f'authorization_uri="{ARM}/{tenant.tenant_id}"' in challenge


@pytest.mark.parametrize(
    "host",
    [
        "management.azure.com",
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "logs-1.westeurope-1.ingest.monitor.azure.com",
        "topic-1.westeurope-1.eventgrid.azure.net",
    ],
)
def test_hosts_that_are_served_have_a_certificate(serving: Serving, host: str) -> None:
    line, said = _dial(serving, f"CONNECT {host}:443 HTTP/1.1")
    context = ssl.create_default_context(cafile=str(serving.ca_bundle))
    with line, context.wrap_socket(line, server_hostname=host) as wrapped:
        assert said.startswith(b"HTTP/1.1 200 ")
        assert wrapped.version() in {"TLSv1.2", "TLSv1.3"}


@pytest.mark.parametrize(
    "line",
    [
        "CONNECT example.com:443 HTTP/1.1",
        "CONNECT management.azure.com:22 HTTP/1.1",
        "CONNECT management.azure.com.example.com:443 HTTP/1.1",
        "CONNECT a.b.westeurope-1.eventgrid.azure.net:443 HTTP/1.1",
        "CONNECT 127.0.0.1:443 HTTP/1.1",
        "GET http://management.azure.com/subscriptions HTTP/1.1",
        "x" * 9000,
    ],
)
def test_the_proxy_leads_nowhere_else(serving: Serving, line: str) -> None:
    connection, said = _dial(serving, line)
    with connection:
        assert said.startswith(b"HTTP/1.1 403 ")
    assert serving.turned_away == [line]
    assert serving.connections == 0


def test_the_tenants_own_address_is_reached_too(
    tenant: Tenant, serving: Serving, client: requests.Session
) -> None:
    """Whoever has set both forms of the variables still gets there."""
    token = {"Authorization": f"Bearer {tenant.token(ROBOT)}"}
    assert client.get(f"{serving.url}{READ}", headers=token).status_code == 200


@pytest.mark.parametrize("what", ["cut-before", "cut-after"])
def test_a_cut_connection_is_cut_through_the_proxy(
    tenant: Tenant, client: requests.Session, what: str
) -> None:
    token = {"Authorization": f"Bearer {tenant.token(ROBOT)}"}
    assert client.get(f"{ARM}{READ}", headers=token).status_code == 200
    tenant.faults.add(Fault(what))  # type: ignore[arg-type]
    with pytest.raises(requests.ConnectionError):
        client.get(f"{ARM}{READ}", headers=token)
    assert client.get(f"{ARM}{READ}", headers=token).status_code == 200


def test_a_user_has_no_secret(tenant: Tenant) -> None:
    with serve(tenant, identity=ALICE) as running:
        assert not [name for name in running.proxied if name.startswith("AZURE_")]
