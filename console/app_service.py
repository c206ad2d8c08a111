"""The entrance in Azure: behind App Service authentication with Microsoft Entra.

The platform signs people in, takes `X-MS-*` headers away from whoever sends them from outside,
and hands the tokens on in such headers. It is a second lock, not the only one: nobody gets in
while it is off, and every token is checked here as well, for the app may be reached by ways that
the platform does not guard. `X-MS-CLIENT-PRINCIPAL*` is a word without a signature and is not read.

Sources: Microsoft Learn, "Work with user identities in App Service authentication", "Environment
variables and app settings in Azure App Service", "Secure applications and APIs by validating
claims", "Access token claims reference".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

import jwt
from jwt.types import Options
from starlette.requests import Request
from starlette.responses import Response

from console.entrance import Entrance, Person, Role, Shut
from console.signing_keys import SigningKeys
from shared.settings import SignIn

LEEWAY: Final = 60
"""Seconds that our clock and Entra's may be apart."""
_STORED: Final = "x-ms-token-aad-id-token"
_BEARER: Final = "bearer "
_REFUSED: Final = "The token is not good here: sign in again."
_CHECKS: Final[Options] = {
    "require": ["aud", "exp", "iss", "nbf", "oid", "tid"],
    # Times are checked by our own clock.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
}


class AppService(Entrance):
    """People of one tenant, by tokens for one app, with roles that the app's owner assigns.

    Only tokens of version 2.0 count, so the app registration must say
    `requestedAccessTokenVersion: 2`.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        sign_in: SignIn | None,
        issuer: str,
        keys: SigningKeys,
        now: Callable[[], datetime],
    ) -> None:
        """`environment` is the process's own, `issuer` the URL that tokens must name."""
        self._guarded = environment.get("WEBSITE_AUTH_ENABLED", "").casefold() == "true"
        self._sign_in = sign_in
        self._issuer = issuer
        self._keys = keys
        self._now = now

    def arrive(self, request: Request) -> Response | None:
        """None: the platform signs people in before we hear of it."""
        del request
        return None

    def person(self, request: Request) -> Person:
        """Who a token says it is.

        Raises:
            Shut: 503 while this deployment cannot tell anybody from anybody else, 401 without a
                good token, 403 without a role.
        """
        sign_in = self._open()
        token, by_header = _presented(request)
        if not token:
            raise Shut(401, "Sign in first.", _login(request))
        try:
            claims = self._claims(token, sign_in)
        except Shut as shut:
            link = "" if by_header or shut.status != 401 else _login(request)
            raise Shut(shut.status, str(shut), link) from shut
        return _person(claims, by_header=by_header)

    def _open(self) -> SignIn:
        if not self._guarded:
            raise Shut(503, "The console is shut: App Service authentication is not on.")
        if self._sign_in is None:
            raise Shut(
                503,
                "The console is shut: set PORTCULLIS_CONSOLE_TENANT and PORTCULLIS_CONSOLE_CLIENT.",
            )
        return self._sign_in

    def _claims(self, token: str, sign_in: SignIn) -> dict[str, Any]:
        """What a good token says.

        Raises:
            Shut: it is none.
        """
        try:
            key = self._keys.key(_key_id(token))
            if key is None:
                raise Shut(401, _REFUSED)
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=["RS256"],
                audience=[sign_in.client, f"api://{sign_in.client}"],
                issuer=self._issuer,
                options=_CHECKS,
            )
        except jwt.exceptions.PyJWTError as error:
            raise Shut(401, _REFUSED) from error
        self._check_time(claims)
        if claims["tid"] != sign_in.tenant or not _is_text(claims["oid"]):
            raise Shut(401, _REFUSED)
        return claims

    def _check_time(self, claims: Mapping[str, Any]) -> None:
        since, until = claims["nbf"], claims["exp"]
        if not (_is_moment(since) and _is_moment(until)):
            raise Shut(401, _REFUSED)
        now = self._now().timestamp()
        if now >= until + LEEWAY:
            raise Shut(401, "The token has expired: sign in again.")
        if now < since - LEEWAY:
            raise Shut(401, "The token is not valid yet: is a clock wrong?")


def _presented(request: Request) -> tuple[str, bool]:
    """The token, and whether the request itself carried it; never both kinds in one request."""
    header = request.headers.get("authorization", "")
    if header:
        is_bearer = header[: len(_BEARER)].casefold() == _BEARER
        return (header[len(_BEARER) :].strip() if is_bearer else ""), True
    return request.headers.get(_STORED, ""), False


def _login(request: Request) -> str:
    """Where the platform signs somebody in who then comes back here, to no other site."""
    path = request.scope["path"] if request.method in {"GET", "HEAD"} else ""
    back = "/" + path.lstrip("/\\")
    return f"/.auth/login/aad?post_login_redirect_uri={quote(back, safe='')}"


def _key_id(token: str) -> str:
    """The id of the key that a token says it is signed with, by the one algorithm we take.

    Raises:
        Shut: it names none, or another algorithm.
    """
    header = jwt.get_unverified_header(token)
    if header.get("alg") != "RS256" or not _is_text(header.get("kid")):
        raise Shut(401, _REFUSED)
    return str(header["kid"])


def _person(claims: Mapping[str, Any], *, by_header: bool) -> Person:
    roles = frozenset(_roles(claims.get("roles")))
    if _is_app(claims):
        # A write is journalled under a person's name, and an app has none.
        roles &= {Role.READER}
    if not roles:
        raise Shut(403, "Signed in, but no role here: ask for Reader.")
    named = (claims.get(one) for one in ("preferred_username", "upn", "name", "azp", "oid"))
    name = next(str(one) for one in named if _is_text(one))
    return Person(name=name, id=claims["oid"], roles=roles, by_header=by_header)


def _roles(claimed: object) -> Iterable[Role]:
    known = set(Role)
    for one in claimed if isinstance(claimed, list) else ():
        if isinstance(one, str) and one in known:
            yield Role(one)


def _is_app(claims: Mapping[str, Any]) -> bool:
    """Whether no user stands behind a token.

    `idtyp` is an optional claim. Without it: access tokens name the client that asked, and what
    a user let it do in `scp`; and only of apps are subject and object one and the same.
    """
    asked_by = any(one in claims for one in ("azp", "azpacr", "appid"))
    by_itself = asked_by and not claims.get("scp")
    return claims.get("idtyp") == "app" or by_itself or claims.get("sub") == claims["oid"]


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_moment(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
