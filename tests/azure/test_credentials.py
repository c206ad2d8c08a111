"""Where tokens come from: whatever it does, the words name it, and no token is in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AccessToken

from shared.azure.arm import Arm
from shared.azure.credentials import Named, credential
from shared.errors import Refused, Unauthenticated
from shared.model import ResourceId
from simulator.adapter import TenantCredential
from simulator.clock import VirtualClock
from simulator.jwt import encode
from simulator.tenant import Tenant
from simulator.tls import issue
from tests.azure.wire import US
from tests.made import ACCOUNT
from tests.standin import HTML, Said, StandIn, stand_in

JSON = {"Content-Type": "application/json"}
SECRET = "eyJ0eXAi"  # noqa: S105  no token of anybody
NONSENSE = {
    "a page": Said(200, HTML),
    "a page that says 404": Said(404, HTML),
    "nothing": Said(200),
    "half a token": Said(200, f'{{"access_token": "{SECRET}', JSON),
    "a list": Said(200, "[]", JSON),
    "an object": Said(200, "{}", JSON),
    "no time": Said(200, f'{{"access_token": "{SECRET}", "expires_on": "never"}}', JSON),
    "a number": Said(200, '{"access_token": 7, "expires_on": "99999999999"}', JSON),
    "two lines": Said(
        200, f'{{"access_token": "{SECRET}\\na", "expires_on": "99999999999"}}', JSON
    ),
    "another header": Said(401, '{"statusCode": 401, "message": "wrong"}', JSON),
}


@pytest.fixture
def endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """An identity endpoint that says anything."""
    certificates = issue(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca_bundle))
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    with stand_in(pem=certificates.server) as made:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"{made.url}/msi/token")
        yield made


@pytest.mark.parametrize("kind", NONSENSE)
def test_nonsense_is_no_token(endpoint: StandIn, kind: str) -> None:
    """One line that names the identity endpoint; Azure itself is asked nothing."""
    endpoint.says = lambda _method, _path: NONSENSE[kind]
    told = {"IDENTITY_ENDPOINT": endpoint.url}
    # Whoever asked Azure would be told that nobody is there.
    arm = Arm(credential(told), {}, lambda: datetime.now(UTC), endpoint="https://127.0.0.1:1")
    with pytest.raises(Unauthenticated) as caught:
        arm.get(ResourceId(ACCOUNT), "2023-05-01")
    arm.close()
    line = str(caught.value)
    assert f"no token: the identity endpoint {urlsplit(endpoint.url).netloc} gave" in line
    assert "\n" not in line
    assert SECRET not in line


@pytest.mark.parametrize("error", [ConnectionError("refused\nat once"), KeyError("x"), OSError()])
def test_whatever_goes_wrong_is_one_fault(error: Exception) -> None:
    """Also what the package of the identity itself did not expect."""

    class Broken:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            raise error

        get_token_info = get_token

    given: Any = Named(Broken(), "the identity endpoint there")
    arm = Arm(given, {}, lambda: datetime.now(UTC), endpoint="https://127.0.0.1:1")
    with pytest.raises(Unauthenticated, match="no token: the identity endpoint there gave none"):
        arm.get(ResourceId(ACCOUNT), "2023-05-01")
    arm.close()


def knowing(given: Any) -> Arm:
    """One that is never sent a request."""
    return Arm(given, {}, lambda: datetime.now(UTC), endpoint="https://127.0.0.1:1")


def test_a_token_tells_our_own_tenant() -> None:
    """Asked for once, and nobody but the identity is asked."""
    tenant = Tenant(VirtualClock(), tenant_id="ABCDEF00-0000-4000-8000-000000000001")
    asked: list[tuple[str, ...]] = []

    class Counted(TenantCredential):
        def get_token(self, *scopes: str, **options: Any) -> AccessToken:
            asked.append(scopes)
            return super().get_token(*scopes, **options)

    arm = knowing(Counted(tenant, US))
    assert [arm.tenant() for _ in range(2)] == ["abcdef00-0000-4000-8000-000000000001"] * 2
    assert asked == [("https://127.0.0.1:1/.default",)]
    arm.close()


@pytest.mark.parametrize(
    "token",
    [
        "opaque",
        "a.b",
        "a.!.c",
        "a.\u00e4.c",
        encode({"oid": "x"}, b""),
        encode({"tid": 7}, b""),
        encode({"tid": ""}, b""),
        "a.W10.c",
        "",
    ],
)
def test_a_token_that_does_not_tell_is_a_refusal(token: str) -> None:
    """Never a tenant that nobody named."""

    class Given:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            return AccessToken(token, 2**40)

        get_token_info = get_token

    arm = knowing(Given())
    with pytest.raises(Refused, match="does not say which tenant"):
        arm.tenant()
    arm.close()


def test_no_token_is_no_tenant() -> None:
    """It may be had later."""

    class Broken:
        def get_token(self, *_: str, **__: Any) -> AccessToken:
            raise ConnectionError("refused\nat once")

        get_token_info = get_token

    arm = knowing(Named(Broken(), "the identity endpoint there"))
    with pytest.raises(Unauthenticated, match="our own tenant: no token: the identity") as caught:
        arm.tenant()
    assert "\n" not in str(caught.value)
    arm.close()
