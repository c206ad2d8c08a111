"""What `make up` writes for `az`: enough to sign in, and nothing of the last tenant."""

import io
import shlex
from pathlib import Path

import pytest
import requests
from rich.console import Console

from simulator import contoso
from simulator.alone import AZ_LOGIN
from simulator.clock import WallClock
from simulator.entra import AUTHORITY
from simulator.server import serve
from simulator.tenant import Tenant
from simulator.up import HERE, lead_az
from simulator.wire import ARM


def _subscriptions(given: dict[str, str]) -> list[str]:
    """What a client sees that has nothing but the variables."""
    form = {
        "grant_type": "client_credentials",
        "client_id": given["AZURE_CLIENT_ID"],
        "client_secret": given["AZURE_CLIENT_SECRET"],
        "scope": "https://management.core.windows.net//.default",
    }
    with requests.Session() as client:
        client.trust_env = False
        client.proxies["https"], client.verify = given["HTTPS_PROXY"], given["SSL_CERT_FILE"]
        tokens = f"{AUTHORITY}/{given['AZURE_TENANT_ID']}/oauth2/v2.0/token"
        token = client.post(tokens, data=form, timeout=10).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        listed = client.get(f"{ARM}/subscriptions?api-version=2022-12-01", timeout=10).json()
    return [one["subscriptionId"] for one in listed["value"]]


@pytest.mark.parametrize("rbac", [False, True])
def test_the_lines_for_az_let_it_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rbac: bool
) -> None:
    """Also where roles are enforced; logins of an earlier tenant are gone."""
    monkeypatch.chdir(tmp_path)
    (HERE / "azure").mkdir(parents=True)
    (HERE / "azure" / "msal_token_cache.json").touch()
    tenant, said = Tenant(WallClock(), rbac=rbac), io.StringIO()
    contoso.estate(tenant)
    with serve(tenant, identity=contoso.YOU, folder=HERE / "tls") as yours:
        lead_az(Console(file=said, width=200), tenant, yours)
        lines = (HERE / "az.sh").read_text(encoding="utf-8").splitlines()
        given = dict(shlex.split(line)[1].split("=", 1) for line in lines)
        assert _subscriptions(given) == [given["AZURE_SUBSCRIPTION_ID"]]
    assert AZ_LOGIN in said.getvalue()
    assert not Path(given["AZURE_CONFIG_DIR"]).exists()
