"""The entrance in Azure: whose token opens it, and every way in which a token does not."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.requests import Request

from console.app_service import LEEWAY, AppService
from console.entrance import Person, Role, Shut
from console.signing_keys import SigningKeys
from shared.azure.signing_keys import signing_keys
from shared.clouds import CHINA, PUBLIC, US_GOVERNMENT
from shared.settings import SignIn
from simulator.adapter import transport
from simulator.app_tokens import Application, SigningKey
from simulator.clock import VirtualClock
from simulator.tenant import TENANT_ID, Tenant
from tests.console.conftest import CLIENT, DAEMON, PETRA, Sign

ANOTHER = "99999999-9999-4999-8999-999999999999"
ON = {"WEBSITE_AUTH_ENABLED": "True"}
ISSUER = f"https://{PUBLIC.issuer}/{TENANT_ID}/v2.0"
ALL = frozenset(Role)
STORED = "X-MS-TOKEN-AAD-ID-TOKEN"


def request(**headers: str) -> Request:
    """A request with these headers; underscores are dashes."""
    named = [(k.replace("_", "-").lower().encode(), v.encode()) for k, v in headers.items()]
    return Request(
        {"type": "http", "method": "GET", "path": "/plans", "query_string": b"", "headers": named}
    )


def stored(token: str) -> Request:
    return request(**{STORED: token})


def bearer(token: str) -> Request:
    return request(Authorization=f"Bearer {token}")


@pytest.fixture
def keys(tenant: Tenant) -> SigningKeys:
    return SigningKeys(
        lambda: signing_keys(PUBLIC.authority, tenant.tenant_id, transport(tenant)),
        tenant.clock.now,
        ISSUER,
    )


@pytest.fixture
def entrance(keys: SigningKeys, clock: VirtualClock) -> AppService:
    sign_in = SignIn(tenant=TENANT_ID, client=CLIENT)
    return AppService(ON, sign_in, ISSUER, keys, clock.now)


def shut(entrance: AppService, asked: Request) -> Shut:
    with pytest.raises(Shut) as raised:
        entrance.person(asked)
    return raised.value


def test_the_platforms_token_opens(entrance: AppService, sign: Sign) -> None:
    """The ID token of the token store says who it is, and with which roles."""
    person = entrance.person(stored(sign()))
    assert person == Person(name="petra@contoso.example", id=PETRA.object_id, roles=ALL)
    assert entrance.arrive(stored(sign())) is None


def test_a_clients_token_opens(
    entrance: AppService, registration: Application, clock: VirtualClock
) -> None:
    """An access token for a user, by header: no other site can send that."""
    token = registration.access_token(PETRA, clock.now())
    assert entrance.person(bearer(token)) == Person(
        name="petra@contoso.example", id=PETRA.object_id, roles=ALL, by_header=True
    )
    assert entrance.person(request(Authorization=f"bearer  {token}")).roles == ALL


def test_the_audience_may_be_the_uri(entrance: AppService, sign: Sign) -> None:
    assert entrance.person(stored(sign(aud=f"api://{CLIENT}"))).roles == ALL


@pytest.mark.parametrize("idtyp", [None, "app"])
def test_an_app_may_only_look(
    entrance: AppService, registration: Application, clock: VirtualClock, idtyp: str | None
) -> None:
    """Whatever roles it holds: what is written must name a person. The claim may be missing."""
    registration.assign(DAEMON, "Reader", "Operator")
    claims = registration.claims(DAEMON, clock.now())
    asked_by = {"azp": DAEMON.app_id, "azpacr": "1"} | ({"idtyp": idtyp} if idtyp else {})
    token = registration.keys[0].sign({**claims, **asked_by})
    found = entrance.person(bearer(token))
    assert found.name == DAEMON.app_id
    assert found.roles == {Role.READER}
    own = registration.access_token(DAEMON, clock.now())
    assert entrance.person(bearer(own)).roles == {Role.READER}
    assert entrance.person(stored(own)).roles == {Role.READER}


@pytest.mark.parametrize(
    ("said", "roles"),
    [
        ({"idtyp": "app"}, {Role.READER}),
        ({"idtyp": "user"}, ALL),
        ({"azp": CLIENT}, {Role.READER}),
        ({"azpacr": "1"}, {Role.READER}),
        ({"appid": CLIENT}, {Role.READER}),
        ({"azp": CLIENT, "scp": ""}, {Role.READER}),
        ({"azp": CLIENT, "scp": "user_impersonation"}, ALL),
        ({"sub": PETRA.object_id}, {Role.READER}),
        ({"azp": CLIENT, "scp": "x", "idtyp": "app"}, {Role.READER}),
    ],
)
def test_each_mark_of_an_app_is_enough(
    entrance: AppService, sign: Sign, said: dict[str, str], roles: frozenset[Role]
) -> None:
    assert entrance.person(bearer(sign(**said))).roles == roles


def test_an_app_without_reader_may_nothing(
    entrance: AppService, registration: Application, clock: VirtualClock
) -> None:
    registration.assign(DAEMON, "Operator")
    assert shut(entrance, bearer(registration.access_token(DAEMON, clock.now()))).status == 403


@pytest.mark.parametrize("roles", [None, [], ["Owner"], ["reader"], "Reader", {"Reader": 1}, [7]])
def test_without_a_role_nobody_sees_anything(
    entrance: AppService, sign: Sign, roles: object
) -> None:
    """Signed in is not let in; the names of roles are exact."""
    found = shut(entrance, stored(sign(roles=roles)))
    assert (found.status, str(found)) == (
        403,
        "Signed in, but no role here: ask for Reader.",
    )


def test_unknown_roles_count_for_nothing(entrance: AppService, sign: Sign) -> None:
    assert entrance.person(stored(sign(roles=["Approver", "Admin"]))).roles == {Role.APPROVER}


CHANGED: dict[str, dict[str, Any]] = {
    "another tenant": {"tid": ANOTHER},
    "another tenant's issuer": {"iss": f"https://{PUBLIC.issuer}/{ANOTHER}/v2.0"},
    "version 1.0": {"iss": f"https://sts.windows.net/{TENANT_ID}/", "ver": "1.0"},
    "an issuer with a tail": {"iss": f"{ISSUER}/"},
    "no issuer": {"iss": None},
    "another audience": {"aud": ANOTHER},
    "Azure as audience": {"aud": "https://management.azure.com"},
    "no audience": {"aud": None},
    "nobody": {"oid": None},
    "an empty object id": {"oid": ""},
    "no tenant": {"tid": None},
    "no end": {"exp": None},
    "no beginning": {"nbf": None},
    "an end that is no time": {"exp": "never"},
    "an end that is true": {"exp": True},
}


@pytest.mark.parametrize("changed", CHANGED.values(), ids=CHANGED)
def test_claims_of_others_do_not_open(
    entrance: AppService, sign: Sign, changed: dict[str, Any]
) -> None:
    """Signed by the right key, and still not for us."""
    found = shut(entrance, stored(sign(**changed)))
    assert (found.status, str(found)) == (401, "The token is not good here: sign in again.")
    assert shut(entrance, bearer(sign(**changed))).status == 401


def test_a_token_is_good_from_its_beginning_to_its_end(
    entrance: AppService, sign: Sign, clock: VirtualClock
) -> None:
    """Within a minute that clocks may differ."""
    now = int(clock.now().timestamp())
    assert entrance.person(stored(sign(nbf=now + LEEWAY, exp=now + 3600)))
    assert "not valid yet" in str(shut(entrance, stored(sign(nbf=now + LEEWAY + 1))))
    assert entrance.person(stored(sign(exp=now - LEEWAY + 1)))
    ended = shut(entrance, stored(sign(exp=now - LEEWAY)))
    assert (ended.status, str(ended)) == (401, "The token has expired: sign in again.")
    assert ended.sign_in == "/.auth/login/aad?post_login_redirect_uri=%2Fplans"
    assert shut(entrance, bearer(sign(exp=now - LEEWAY))).sign_in == ""


@pytest.mark.parametrize(
    ("path", "back"),
    [("/plans/ü", "%2Fplans%2F%C3%BC"), ("//evil.example", "%2Fevil.example"),
     ("/\\evil.example", "%2Fevil.example"), ("", "%2F")],
)  # fmt: skip
def test_signing_in_leads_back_here(entrance: AppService, path: str, back: str) -> None:
    """Never to another site, however a path is written."""
    asked = Request({**request().scope, "path": path})
    assert shut(entrance, asked).sign_in == f"/.auth/login/aad?post_login_redirect_uri={back}"


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def headed(token: str, **header: Any) -> str:
    """The token under another header, its signature as it was."""
    first, _, rest = token.partition(".")
    given = json.loads(base64.urlsafe_b64decode(first + "=="))
    kept = {name: value for name, value in {**given, **header}.items() if value is not None}
    return f"{part(kept)}.{rest}"


def unsigned(token: str) -> str:
    return headed(token, alg="none").rpartition(".")[0] + "."


def shortened(token: str) -> str:
    return token.rpartition(".")[0] + "."


FORGED: dict[str, Callable[[str], str]] = {
    "alg none": unsigned,
    "alg None in capitals": lambda token: headed(token, alg="NONE"),
    "no signature": shortened,
    "another algorithm": lambda token: headed(token, alg="RS512"),
    "no algorithm": lambda token: headed(token, alg=None),
    "no kid": lambda token: headed(token, kid=None),
    "an empty kid": lambda token: headed(token, kid=""),
    "a kid that is a number": lambda token: headed(token, kid=7),
    "an unknown kid": lambda token: headed(token, kid="../../keys"),
    "a header changed": lambda token: headed(token, typ="at+jwt"),
    "two parts": lambda token: token.rpartition(".")[0],
    "no token": lambda _: "x",
    "letters of no alphabet": lambda _: "ä.ö.ü",
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=FORGED)
def test_forged_tokens_do_not_open(
    entrance: AppService, sign: Sign, forge: Callable[[str], str]
) -> None:
    assert shut(entrance, bearer(forge(sign()))).status == 401


def test_the_public_key_is_no_secret_to_sign_with(
    entrance: AppService, registration: Application, clock: VirtualClock
) -> None:
    """HS256 under the published key, in each form that it may be taken for."""
    key = registration.keys[0]
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = registration.claims(PETRA, clock.now())
    for secret in (pem, json.dumps(key.document).encode(), key.document["n"].encode()):
        header = part({"typ": "JWT", "alg": "HS256", "kid": key.document["kid"]})
        signed = f"{header}.{part(claims)}"
        mac = jwt.get_algorithm_by_name("HS256").sign(signed.encode(), secret)
        token = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
        assert shut(entrance, bearer(token)).status == 401


def test_another_key_under_a_known_id_does_not_open(
    entrance: AppService, registration: Application, clock: VirtualClock
) -> None:
    token = SigningKey().sign(registration.claims(PETRA, clock.now()))
    assert shut(entrance, bearer(headed(token, kid=registration.keys[0].document["kid"])))


def test_what_the_platform_says_without_signature_is_not_believed(entrance: AppService) -> None:
    """`X-MS-CLIENT-PRINCIPAL` alone opens nothing, whatever it holds."""
    said = part({"auth_typ": "aad", "claims": [{"typ": "roles", "val": "Operator"}]})
    asked = request(
        X_MS_CLIENT_PRINCIPAL=said,
        X_MS_CLIENT_PRINCIPAL_ID=PETRA.object_id,
        X_MS_CLIENT_PRINCIPAL_NAME="petra@contoso.example",
        X_MS_CLIENT_PRINCIPAL_IDP="aad",
    )
    found = shut(entrance, asked)
    assert (found.status, str(found)) == (401, "Sign in first.")


def test_a_bad_header_is_not_made_up_for_by_a_good_session(
    entrance: AppService, sign: Sign
) -> None:
    """Who sends both means the header; another scheme than Bearer is no token."""
    for header in ("Bearer x", "Basic eDp4", "Bearer", "Bearer "):
        asked = request(**{STORED: sign(), "Authorization": header})
        assert shut(entrance, asked).status == 401


@pytest.mark.parametrize("environment", [{}, {"WEBSITE_AUTH_ENABLED": "False"}])
def test_nobody_gets_in_while_the_platforms_sign_in_is_off(
    keys: SigningKeys, clock: VirtualClock, sign: Sign, environment: dict[str, str]
) -> None:
    """A good token neither: that the platform guards the rest of the app is not proven."""
    sign_in = SignIn(tenant=TENANT_ID, client=CLIENT)
    entrance = AppService(environment, sign_in, ISSUER, keys, clock.now)
    found = shut(entrance, bearer(sign()))
    assert (found.status, str(found)) == (
        503,
        "The console is shut: App Service authentication is not on.",
    )


def test_nobody_gets_in_where_it_is_not_said_who_may(
    keys: SigningKeys, clock: VirtualClock, sign: Sign
) -> None:
    found = shut(AppService(ON, None, ISSUER, keys, clock.now), bearer(sign()))
    assert found.status == 503
    assert "set PORTCULLIS_CONSOLE_TENANT and PORTCULLIS_CONSOLE_CLIENT" in str(found)


@pytest.mark.parametrize(
    ("cloud", "host"),
    [
        (PUBLIC, "login.microsoftonline.com"),
        (US_GOVERNMENT, "login.microsoftonline.us"),
        (CHINA, "login.partner.microsoftonline.cn"),
    ],
)
def test_every_cloud_has_its_issuer(
    keys: SigningKeys, clock: VirtualClock, sign: Sign, cloud: Any, host: str
) -> None:
    issuer = f"https://{cloud.issuer}/{TENANT_ID}/v2.0"
    sign_in = SignIn(tenant=TENANT_ID, client=CLIENT)
    entrance = AppService(ON, sign_in, issuer, keys, clock.now)
    assert entrance.person(stored(sign(iss=f"https://{host}/{TENANT_ID}/v2.0")))


def test_a_new_key_of_entra_opens_at_once(
    entrance: AppService, tenant: Tenant, sign: Sign, clock: VirtualClock
) -> None:
    """A day and a roll-over later, tokens of both keys are good."""
    old = sign(exp=int(clock.now().timestamp()) + 3 * 86400)
    assert entrance.person(stored(old))
    clock.advance(timedelta(minutes=6))
    tenant.entra.rotate()
    assert entrance.person(stored(sign()))
    assert entrance.person(stored(old))
