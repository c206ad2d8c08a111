"""Each cloud's own addresses, and tokens for them alone, as the SDKs ask for them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AccessToken

from shared.azure.arm import Arm
from shared.azure.credentials import credential
from shared.clouds import CHINA, CLOUDS, PUBLIC, US_GOVERNMENT, AzureEnvironment
from shared.errors import PortcullisError, Unauthenticated
from shared.model import ResourceId, directory_object
from shared.settings import Settings
from simulator.adapter import TenantAdapter, over
from simulator.clock import VirtualClock
from simulator.tls import issue
from simulator.wire import Request, Response
from tests.made import ACCOUNT
from tests.standin import Said, StandIn, stand_in
from wiring import Gate, build

GROUP = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/rg/providers"
VAULT = f"{GROUP}/Microsoft.KeyVault/vaults/keys"
WORKSPACE = f"{GROUP}/Microsoft.OperationalInsights/workspaces/logs"
SETTING = {"workspaceId": WORKSPACE, "logs": [{"categoryGroup": "allLogs", "enabled": True}]}
US = "00000000-0000-0000-0000-0000000000a1"


class Azure:
    """Says where logs go, refuses all else, and remembers who was asked with a token for what."""

    def __init__(self) -> None:
        self.heard: set[tuple[str, str]] = set()
        self.clock = VirtualClock()

    def handle(self, request: Request) -> Response:
        parts = urlsplit(request.url)
        self.heard.add((f"https://{parts.netloc}", request.headers["Authorization"][7:]))
        body: dict[str, Any] = {"error": {"code": "AuthorizationFailed", "message": "no"}}
        if parts.path.endswith("/diagnosticSettings"):
            body = {"value": [{"id": f"{VAULT}/{parts.path}/x", "properties": SETTING}]}
        elif parts.path == WORKSPACE:
            body = {"id": WORKSPACE, "properties": {"customerId": "logs"}}
        text = json.dumps(body).encode()
        return Response(403 if "error" in body else 200, {}, text)


class Scopes:
    """Gives tokens that say what they are for."""

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        (scope,) = scopes
        return AccessToken(scope.removesuffix("/.default"), 2**40)


def asked(gate: Gate, azure: Azure) -> set[tuple[str, str]]:
    """Ask every service once."""
    directory, callers = gate.engine.cloud.directory, gate.engine.cloud.callers
    assert directory is not None
    assert callers is not None
    with suppress(PortcullisError):
        directory.get(ResourceId(directory_object(US)))
    callers(ResourceId(VAULT))
    (logs,) = [sink for sink in gate.sinks if sink.name == "log-analytics"]
    with suppress(PortcullisError):
        logs.keep("health", [{"EventId": "1", "Entry": "x", "OccurredAt": "2026-01-01T00:00:00Z"}])
    return azure.heard


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_services_are_asked_where_they_are_with_tokens_for_them(cloud: AzureEnvironment) -> None:
    ingestion = cloud.monitor.replace("https://", "https://ours-1.region-1.ingest.")
    settings = Settings.of(
        {
            "PORTCULLIS_CLOUD": cloud.name,
            "PORTCULLIS_DIRECTORY": cloud.graph,
            "PORTCULLIS_CALLERS": cloud.log_queries,
            "PORTCULLIS_LOGS_ENDPOINT": ingestion,
            "PORTCULLIS_LOGS_RULE": "dcr-1",
            "PORTCULLIS_IDENTITIES": US,
        },
        Path(),
    )
    azure: Any = Azure()
    given: Any = Scopes()
    with closing(build(settings, given, transport=over(TenantAdapter(azure)))) as gate:
        assert asked(gate, azure) == {
            (cloud.arm, cloud.arm),
            (cloud.graph, cloud.graph),
            (cloud.log_queries, cloud.log_queries_audience),
            (ingestion, cloud.monitor),
        }


def test_clouds_share_nothing() -> None:
    """A token, an address, a name of an account of one is never another's."""
    for one in ("arm", "authority", "storage_suffix", "monitor", "log_queries", "graph"):
        assert len({getattr(cloud, one) for cloud in CLOUDS}) == len(CLOUDS), one


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """Where everybody's requests come to; it lets none through."""
    with stand_in() as made:
        made.say(Said(502))
        for name, value in {
            "HTTPS_PROXY": made.url,
            "NO_PROXY": "",
            "AZURE_TOKEN_CREDENTIALS": "EnvironmentCredential",
            "AZURE_TENANT_ID": "00000000-0000-4000-8000-000000000001",
            "AZURE_CLIENT_ID": US,
            "AZURE_CLIENT_SECRET": "secret",
        }.items():
            monkeypatch.setenv(name, value)
        yield made


@pytest.mark.parametrize(
    ("environment", "authority"),
    [
        ({}, PUBLIC.authority),
        ({"PORTCULLIS_CLOUD": "azureusgovernment"}, US_GOVERNMENT.authority),
        ({"PORTCULLIS_CLOUD": "AzureChinaCloud"}, CHINA.authority),
        (
            {
                "PORTCULLIS_CLOUD": "AzureChinaCloud",
                "AZURE_AUTHORITY_HOST": f"https://{US_GOVERNMENT.authority}",
            },
            US_GOVERNMENT.authority,
        ),
    ],
)
def test_the_clouds_own_entra_gives_tokens(
    proxy: StandIn, environment: dict[str, str], authority: str
) -> None:
    """Asked by the SDK itself; nobody else is, and a host that is named wins."""
    endpoint = Settings.of(environment, Path()).arm_endpoint
    arm = Arm(credential(environment), {}, lambda: datetime.now(UTC), endpoint=endpoint)
    with closing(arm), pytest.raises(Unauthenticated):
        arm.get(ResourceId(ACCOUNT), "2023-05-01")
    assert {path for method, path in proxy.heard if method == "CONNECT"} == {f"{authority}:443"}


@pytest.mark.parametrize("cloud", CLOUDS, ids=lambda cloud: cloud.name)
def test_a_managed_identity_is_asked_for_tokens_for_the_clouds_arm(
    cloud: AzureEnvironment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = issue(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca_bundle))
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    with stand_in(pem=certificates.server) as endpoint:
        endpoint.say(Said(400, "{}"))
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{endpoint.url}/msi/token")
        environment = {"IDENTITY_ENDPOINT": endpoint.url, "PORTCULLIS_CLOUD": cloud.name}
        settings = Settings.of(environment, Path())
        with (
            closing(build(settings, credential(environment))) as gate,
            pytest.raises(Unauthenticated),
        ):
            gate.arm.get(ResourceId(ACCOUNT), "2023-05-01")
    wanted = {
        one for _, path in endpoint.heard for one in parse_qs(urlsplit(path).query)["resource"]
    }
    assert wanted == {cloud.arm}
