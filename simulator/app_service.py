"""App Service authentication ("Easy Auth"): the platform in front of an app, as it is configured.

An ASGI application around the app, told what `Microsoft.Web/sites/config` holds as
`authsettingsV2`. As Microsoft's pages "Authentication and authorization in App Service", "Work with
user identities" and "Work with OAuth tokens" have it. Where they are silent it is said here:

- which requests are taken for a browser's, and redirected rather than refused with 401: GET that
  takes HTML. Microsoft says only that native apps get 401.
- what an excluded path covers: itself, in any casing, and with `/*` at its end all that is below.
  Microsoft's word for the latter is one answer in azure-docs issue 86514.

Other providers than Entra, other stores of tokens and the pages of signing in are not known here.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.call import Identity
from simulator.documents import dig
from simulator.entra import Entra
from simulator.jwt import claims_of, is_signed_by_rsa

COOKIE = "AppServiceAuthSession"
SESSION = timedelta(hours=8)
"""How long a session lasts where the settings do not say."""
_OURS = ("x-ms-client-principal", "x-ms-token-")
_BEARER = "Bearer "
_ACTIONS = {"RedirectToLoginPage", "AllowAnonymous", "Return401", "Return403"}


@dataclass(frozen=True)
class Session:
    """Somebody who is signed in; the ID token stays what it was then."""

    id_token: str
    until: datetime


class Authentication:
    """`app` behind the platform; `settings` are the properties of `authsettingsV2`."""

    def __init__(
        self,
        app: ASGIApp,
        settings: Mapping[str, Any],
        entra: Entra,
        now: Callable[[], datetime],
    ) -> None:
        """Raises ValueError for an action that Azure does not know."""
        self.app = app
        self.settings = settings
        self._entra = entra
        self._now = now
        self._sessions: dict[str, Session] = {}
        if self._said("globalValidation.unauthenticatedClientAction", "Return401") not in _ACTIONS:
            raise ValueError("unauthenticatedClientAction is none of Azure's")

    @property
    def environment(self) -> dict[str, str]:
        """What the platform tells the app of it."""
        return {"WEBSITE_AUTH_ENABLED": str(bool(self._said("platform.enabled", default=False)))}

    def sign_in(self, user: Identity) -> dict[str, str]:
        """The cookies of someone who has been to `/.auth/login/aad` and back."""
        token = self._entra.applications[self._client].id_token(user, self._now())
        name = secrets.token_urlsafe(16)
        self._sessions[name] = Session(token, self._now() + self._life)
        return {COOKIE: name}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self._said("platform.enabled", default=False):
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        known = self._known(request)
        if request.url.path.startswith("/.auth/"):
            await self._auth(request, known)(scope, receive, send)
        elif not known and self._is_required(request.url.path):
            await self._refusal(request)(scope, receive, send)
        else:
            await self.app({**scope, "headers": self._headers(scope, known)}, receive, send)

    def _said(self, path: str, default: Any = None) -> Any:
        return dig(self.settings, path, default)

    @property
    def _entra_settings(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self._said("identityProviders.azureActiveDirectory", {})
        return found

    @property
    def _client(self) -> str:
        return str(dig(self._entra_settings, "registration.clientId", ""))

    @property
    def _life(self) -> timedelta:
        if self._said("login.cookieExpiration.convention") != "FixedTime":
            return SESSION
        told = str(self._said("login.cookieExpiration.timeToExpiration"))
        hours, minutes, seconds = map(int, told.split(":"))
        return timedelta(hours=hours, minutes=minutes, seconds=seconds)

    def _known(self, request: Request) -> dict[str, str]:
        """The headers that tell the app who it is; none for nobody."""
        session = self._sessions.get(request.cookies.get(COOKIE, ""))
        if session is not None and self._now() < session.until:
            told = _principal(claims_of(session.id_token))
            if self._said("login.tokenStore.enabled", default=False):
                told["X-MS-TOKEN-AAD-ID-TOKEN"] = session.id_token
            return told
        token = request.headers.get("authorization", "").removeprefix(_BEARER)
        return _principal(claims_of(token)) if self._is_good(token) else {}

    def _is_good(self, token: str) -> bool:
        """Whether the platform takes a token that a client sends: by whom, for whom, till when."""
        if not any(is_signed_by_rsa(token, key.private.public_key()) for key in self._entra.keys):
            return False
        claims, wanted = claims_of(token), self._entra_settings
        audiences = {self._client, *dig(wanted, "validation.allowedAudiences", [])}
        issuer = dig(wanted, "registration.openIdIssuer")
        in_time = claims["nbf"] <= self._now().timestamp() < claims["exp"]
        return claims["iss"] == issuer and claims["aud"] in audiences and in_time

    def _is_required(self, path: str) -> bool:
        action = self._said("globalValidation.unauthenticatedClientAction")
        required = self._said("globalValidation.requireAuthentication", default=False)
        if not required or action == "AllowAnonymous":
            return False
        excluded = self._said("globalValidation.excludedPaths", [])
        return not any(_covers(one, path) for one in excluded)

    def _refusal(self, request: Request) -> Response:
        action = self._said("globalValidation.unauthenticatedClientAction", "Return401")
        is_browser = request.method == "GET" and "text/html" in request.headers.get("accept", "")
        if action == "RedirectToLoginPage" and is_browser:
            back = quote(request.url.path, safe="")
            return RedirectResponse(
                f"/.auth/login/aad?post_login_redirect_uri={back}", status_code=302
            )
        return Response(status_code=403 if action == "Return403" else 401)

    def _auth(self, request: Request, known: Mapping[str, str]) -> Response:
        """The platform's own paths, as far as anybody here asks."""
        if request.url.path == "/.auth/login/aad":
            issuer = str(dig(self._entra_settings, "registration.openIdIssuer"))
            where = issuer.removesuffix("/v2.0")
            asked = f"client_id={self._client}&response_type=id_token&scope=openid%20profile"
            return RedirectResponse(f"{where}/oauth2/v2.0/authorize?{asked}", status_code=302)
        if request.url.path == "/.auth/me" and known:
            token = known.get("X-MS-TOKEN-AAD-ID-TOKEN")
            name = known["X-MS-CLIENT-PRINCIPAL-NAME"]
            return JSONResponse([{"id_token": token, "provider_name": "aad", "user_id": name}])
        return Response(status_code=401 if request.url.path == "/.auth/me" else 404)

    def _headers(self, scope: Scope, known: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """What was sent without what only the platform may say, and what it says."""
        sent = MutableHeaders(raw=list(Headers(scope=scope).raw))
        for name in {one for one in sent if one.startswith(_OURS)}:
            del sent[name]
        sent.update(known)
        return sent.raw


def _covers(excluded: str, path: str) -> bool:
    excluded, path = excluded.casefold(), path.casefold()
    if excluded.endswith("/*"):
        return path.startswith(excluded.removesuffix("*"))
    return path == excluded


def _principal(claims: Mapping[str, Any]) -> dict[str, str]:
    """What every app is told of who asks, with a token store or without."""
    said = [
        {"typ": name, "val": str(one)}
        for name, value in claims.items()
        for one in (value if isinstance(value, list) else [value])
    ]
    body = {"auth_typ": "aad", "claims": said, "name_typ": "name", "role_typ": "roles"}
    return {
        "X-MS-CLIENT-PRINCIPAL": base64.b64encode(json.dumps(body).encode()).decode(),
        "X-MS-CLIENT-PRINCIPAL-ID": str(claims["oid"]),
        "X-MS-CLIENT-PRINCIPAL-NAME": str(claims.get("preferred_username", claims["oid"])),
        "X-MS-CLIENT-PRINCIPAL-IDP": "aad",
    }
