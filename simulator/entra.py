"""Entra ID: where clients sign in. Discovery, and tokens for app registrations.

Refusals are in Entra's own form. Grants other than client credentials, and sign-in pages, are
not known here and are refused as the simulator's own.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from secrets import compare_digest
from typing import Any
from urllib.parse import parse_qsl

from simulator.app_tokens import Application, SigningKey, published
from simulator.audiences import is_known
from simulator.call import Identity
from simulator.federation import EXCHANGE, Issuer
from simulator.identities import Tokens
from simulator.jwt import claims_of
from simulator.wire import Refusal, Request, Response, Target, answer, unknown

AUTHORITY = "https://login.microsoftonline.com"
_BY_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_SCOPE = "/.default"
_OPENID = "/v2.0/.well-known/openid-configuration"
_NOT_FEDERATED = (
    "Please check your federated identity credential Subject, Audience and Issuer "
    "against the presented assertion."
)


@dataclass
class Registration:
    """An app registration: whose it is, and what proves it."""

    identity: Identity
    secrets: list[str] = field(default_factory=list)
    federated: list[tuple[Issuer, str]] = field(default_factory=list)


class _SignInRefused(Exception):
    """Entra says no."""

    def __init__(self, number: int, text: str, error: str = "invalid_client") -> None:
        """`number` is that of AADSTS; `error` the word of OAuth, which decides the status."""
        super().__init__(text)
        self.number = number
        self.text = text
        self.error = error


class Entra:
    """Signs app registrations in.

    `registrations` are by app id, in lower case; `answered` is how many requests came so far.
    `keys` sign the tokens for `applications`, which are by client id; the first key is the one in
    use.
    """

    def __init__(self, tenant_id: str, tokens: Tokens, guid: Callable[[], str]) -> None:
        """Tokens are issued by `tokens`, for the one tenant that there is."""
        self.registrations: dict[str, Registration] = {}
        self.answered = 0
        self.keys = [SigningKey()]
        self.applications: dict[str, Application] = {}
        self._tenant_id = tenant_id
        self._tokens = tokens
        self._guid = guid

    def register(self, identity: Identity, secret: str) -> None:
        """Let an app sign in with a secret, beside any earlier one.

        Raises ValueError for who has no app id.
        """
        self._registration(identity).secrets.append(secret)

    def federate(self, identity: Identity, issuer: Issuer, subject: str) -> None:
        """Let an app sign in by an issuer's assertion about a subject.

        Raises ValueError for who has no app id.
        """
        self._registration(identity).federated.append((issuer, subject))

    def expose(self, client_id: str) -> Application:
        """An app that people and other apps can sign in to."""
        made = Application(client_id.lower(), self._tenant_id, self.keys)
        return self.applications.setdefault(made.client_id, made)

    def rotate(self) -> None:
        """Sign with a new key from now on; the old ones stay published."""
        self.keys.insert(0, SigningKey())

    def answer(self, request: Request, target: Target, now: datetime) -> Response:
        """Answer one request to the authority's host."""
        self.answered += 1
        try:
            return self._answer(request, target, now)
        except _SignInRefused as refused:
            return self._refusal(refused, request, now)
        except Refusal as own:
            return own.response()

    def _registration(self, identity: Identity) -> Registration:
        if not identity.app_id:
            raise ValueError(f"{identity.name} has no app id")
        key = identity.app_id.lower()
        return self.registrations.setdefault(key, Registration(identity))

    def _answer(self, request: Request, target: Target, now: datetime) -> Response:
        if request.method == "GET" and target.path == "/common/discovery/instance":
            return answer(200, _instance(self._tenant_id))
        tenant, _, rest = target.path.removeprefix("/").partition("/")
        asked = (request.method, f"/{rest}")
        if asked == ("GET", _OPENID):
            self._check_tenant(tenant, "invalid_tenant")
            return answer(200, _openid(self._tenant_id))
        if asked == ("GET", "/discovery/v2.0/keys"):
            self._check_tenant(tenant, "invalid_tenant")
            return answer(200, published(self.keys))
        if asked == ("POST", "/oauth2/v2.0/token"):
            self._check_tenant(tenant, "invalid_request")
            form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
            return answer(200, self._token(form, now), {"Cache-Control": "no-store, no-cache"})
        raise unknown(f"{request.method} {target.base}{target.path}")

    def _check_tenant(self, tenant: str, error: str) -> None:
        if tenant.lower() == self._tenant_id.lower():
            return
        raise _SignInRefused(
            90002,
            f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and "
            "are signing into the correct cloud. Check with your subscription administrator, this "
            "may happen if there are no active subscriptions for the tenant.",
            error,
        )

    def _token(self, form: Mapping[str, str], now: datetime) -> dict[str, Any]:
        for name in ("grant_type", "client_id", "scope"):
            if name not in form:
                text = f"The request body must contain the following parameter: '{name}'."
                raise _SignInRefused(900144, text, "invalid_request")
        if form["grant_type"] != "client_credentials":
            raise unknown(f"the grant {form['grant_type']!r}")
        registration = self._known(form["client_id"])
        self._prove(registration, form, now)
        app = self.applications.get(_client_id(form["scope"]))
        if app is not None:
            token = app.access_token(registration.identity, now)
        else:
            audience = _audience(form["scope"])
            token = self._tokens.issue(registration.identity, now, audience=audience)
        life = int(self._tokens.life.total_seconds()) - 1
        return {
            "token_type": "Bearer",
            "expires_in": life,
            "ext_expires_in": life,
            "access_token": token,
        }

    def _known(self, client_id: str) -> Registration:
        found = self.registrations.get(client_id.lower())
        if found is not None:
            return found
        raise _SignInRefused(
            700016,
            f"Application with identifier '{client_id}' was not found in the directory "
            f"'{self._tenant_id}'. This can happen if the application has not been installed by "
            "the administrator of the tenant or consented to by any user in the tenant. You may "
            "have sent your authentication request to the wrong tenant.",
            "unauthorized_client",
        )

    def _prove(self, found: Registration, form: Mapping[str, str], now: datetime) -> None:
        if form.get("client_assertion_type") == _BY_ASSERTION:
            _check_assertion(found, form.get("client_assertion", ""), now)
        elif "client_secret" not in form:
            text = (
                "The request body must contain the following parameter: 'client_assertion' or "
                "'client_secret'."
            )
            raise _SignInRefused(7000218, text)
        elif not any(_same(one, form["client_secret"]) for one in found.secrets):
            raise _SignInRefused(
                7000215,
                "Invalid client secret provided. Ensure the secret being sent in the request is "
                "the client secret value, not the client secret ID, for a secret added to app "
                f"'{found.identity.app_id}'.",
            )

    def _refusal(self, refused: _SignInRefused, request: Request, now: datetime) -> Response:
        trace = self._guid()
        correlation = request.headers.get("client-request-id") or self._guid()
        at = f"{now.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
        body = {
            "error": refused.error,
            "error_description": f"AADSTS{refused.number}: {refused.text} Trace ID: {trace} "
            f"Correlation ID: {correlation} Timestamp: {at}",
            "error_codes": [refused.number],
            "timestamp": at,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": f"{AUTHORITY}/error?code={refused.number}",
        }
        return answer(401 if refused.error == "invalid_client" else 400, body)


def _same(secret: str, presented: str) -> bool:
    return compare_digest(secret.encode(), presented.encode())


def _check_assertion(found: Registration, assertion: str, now: datetime) -> None:
    """What Entra asks of an assertion: well made, in time, and by whom the app trusts."""
    try:
        claims = claims_of(assertion)
        since, until = (datetime.fromtimestamp(claims[name], UTC) for name in ("nbf", "exp"))
    except (ValueError, KeyError, TypeError) as error:
        raise _SignInRefused(50027, "JWT token is invalid or malformed.", "invalid_request") from (
            error
        )
    if not since <= now < until:
        raise _SignInRefused(
            700024,
            "Client assertion is not within its valid time range. Current time: "
            f"{_precise(now)}, assertion valid from {_precise(since)}, expiry time of assertion "
            f"{_precise(until)}.",
        )
    issuers = [one for one in found.federated if one[0].url == claims.get("iss")]
    if not issuers:
        raise _no_match(700211, "issuer", claims.get("iss"))
    subjects = [issuer for issuer, subject in issuers if subject == claims.get("sub")]
    if not subjects:
        raise _no_match(700213, "subject", claims.get("sub"))
    if claims.get("aud") != EXCHANGE:
        raise _no_match(700212, "audience", claims.get("aud"))
    if not any(issuer.signed(assertion) for issuer in subjects):
        raise _SignInRefused(700027, "Client assertion failed signature validation.")


def _no_match(number: int, what: str, presented: object) -> _SignInRefused:
    return _SignInRefused(
        number,
        f"No matching federated identity record found for presented assertion {what} "
        f"'{presented}'. {_NOT_FEDERATED}",
    )


def _client_id(scope: str) -> str:
    """The client id in a scope such as `api://<client id>/.default`."""
    return scope.removesuffix(_SCOPE).removeprefix("api://").lower()


def _audience(scope: str) -> str:
    """The resource that a scope such as `https://management.azure.com/.default` names."""
    resource = re.sub(r"/\.default$", "", scope)
    if resource == scope:
        raise _SignInRefused(
            1002012,
            f"The provided value for scope {scope} is not valid. Client credential flows must "
            f"have a scope value with {_SCOPE} suffixed to the resource identifier (application "
            "ID URI).",
            "invalid_scope",
        )
    if not is_known(resource):
        raise _SignInRefused(
            500011,
            f"The resource principal named {resource} was not found in the tenant named "
            "Simulated. This can happen if the application has not been installed by the "
            "administrator of the tenant or consented to by any user in the tenant.",
            "invalid_resource",
        )
    return resource


def _precise(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}0Z"


def _instance(tenant: str) -> dict[str, Any]:
    host = AUTHORITY.removeprefix("https://")
    aliases = [host, "login.windows.net", "login.microsoft.com", "sts.windows.net"]
    return {
        "tenant_discovery_endpoint": f"{AUTHORITY}/{tenant}{_OPENID}",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": host, "preferred_cache": "login.windows.net", "aliases": aliases}
        ],
    }


def _openid(tenant: str) -> dict[str, Any]:
    base = f"{AUTHORITY}/{tenant}"
    return {
        "issuer": f"{base}/v2.0",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "token_endpoint_auth_methods_supported": [
            "client_secret_post",
            "private_key_jwt",
            "client_secret_basic",
        ],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
    }
