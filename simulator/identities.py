"""Tokens: who they belong to, what they are for, how long, and how Azure refuses bad ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from simulator.audiences import ARM_AUDIENCES, takes
from simulator.call import Identity
from simulator.jwt import encode
from simulator.wire import ARM, Refusal, Request

_BEARER = "Bearer "


@dataclass(frozen=True)
class Grant:
    """What stands behind a token."""

    identity: Identity
    expires: datetime
    tenant_id: str
    audience: str


class Tokens:
    """Issued tokens: in the form that clients read, and known here one by one."""

    def __init__(self, tenant_id: str, seed: int) -> None:
        """`tenant_id` is the tenant that tokens must be from."""
        self.life = timedelta(hours=1)
        self._tenant_id = tenant_id
        self._random = Random(f"tokens {seed}")  # noqa: S311 - repeatable, and guards nothing real
        self._key = self._random.randbytes(32)
        self._grants: dict[str, Grant] = {}

    def issue(
        self,
        identity: Identity,
        now: datetime,
        tenant_id: str | None = None,
        audience: str = ARM,
    ) -> str:
        """A new token, good for `life` from `now`; another tenant's where one is named."""
        grant = Grant(identity, now + self.life, tenant_id or self._tenant_id, audience)
        unique = UUID(int=self._random.getrandbits(128)).hex
        token = encode(_claims(grant, now, unique), self._key)
        self._grants[token] = grant
        return token

    def grant(self, token: str) -> Grant | None:
        return self._grants.get(token)

    def identify(self, request: Request, now: datetime, base: str, service: str = ARM) -> Identity:
        """Who sent this request to a service (an audience).

        Raises the refusals of missing, bad, foreign and expired tokens.
        """
        header = request.headers.get("authorization", "")
        if not header:
            message = "Authentication failed. The 'Authorization' header is missing."
            raise self._refusal("AuthenticationFailed", message, base)
        token = header.removeprefix(_BEARER)
        if token == header or not token:
            message = (
                "Authentication failed. The 'Authorization' header is provided in an invalid "
                "format."
            )
            raise self._refusal("AuthenticationFailedInvalidHeader", message, base)
        grant = self._grants.get(token)
        if grant is None:
            message = "The access token is invalid."
            raise self._refusal("InvalidAuthenticationToken", message, base)
        self._check(grant, now, base, service)
        return grant.identity

    def _check(self, grant: Grant, now: datetime, base: str, service: str) -> None:
        if grant.tenant_id != self._tenant_id:
            message = (
                f"The access token is from the wrong issuer 'https://sts.windows.net/"
                f"{grant.tenant_id}/'. It must match the tenant 'https://sts.windows.net/"
                f"{self._tenant_id}/' associated with this subscription."
            )
            raise self._refusal("InvalidAuthenticationTokenTenant", message, base)
        if not takes(service, grant.audience):
            raise self._wrong_audience(grant.audience, base, service)
        if grant.expires <= now:
            raise self.expired(grant.expires, now, base)

    def _wrong_audience(self, audience: str, base: str, service: str) -> Refusal:
        if service != ARM:
            message = "Access token validation failure. Invalid audience."
            return self._refusal("InvalidAuthenticationToken", message, base)
        allowed = ",".join(f"'{one}'" for one in ARM_AUDIENCES)
        message = (
            f"The access token has been obtained for wrong audience or resource '{audience}'. It "
            f"should exactly match with one of the allowed audiences {allowed}."
        )
        return self._refusal("InvalidAuthenticationTokenAudience", message, base)

    def expired(self, expires: datetime, now: datetime, base: str) -> Refusal:
        """The refusal of a token whose time is over."""
        return self._refusal(
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{_american(expires)}' is earlier than current UTC "
            f"time '{_american(now)}'.",
            base,
            "The access token has expired.",
        )

    def _refusal(
        self,
        code: str,
        message: str,
        base: str,
        why: str = "The access token is missing or invalid.",
    ) -> Refusal:
        challenge = (
            f'Bearer authorization_uri="{base}/{self._tenant_id}", '
            f'error="invalid_token", error_description="{why}"'
        )
        return Refusal(401, code, message, headers={"WWW-Authenticate": challenge})


def _claims(grant: Grant, now: datetime, unique: str) -> dict[str, Any]:
    """What Entra writes into a token of version 1.0, as far as clients read it."""
    who, since = grant.identity, int(now.timestamp())
    claims: dict[str, Any] = {
        "aud": grant.audience,
        "iss": f"https://sts.windows.net/{grant.tenant_id}/",
        "iat": since,
        "nbf": since,
        "exp": int(grant.expires.timestamp()),
        "idp": f"https://sts.windows.net/{grant.tenant_id}/",
        "oid": who.object_id,
        "sub": who.object_id,
        "tid": grant.tenant_id,
        "uti": unique,
        "ver": "1.0",
    }
    if who.app_id:
        claims["appid"] = who.app_id
    if who.kind == "User":
        return {**claims, "idtyp": "user", "name": who.name, "upn": who.upn, "unique_name": who.upn,
                "scp": "user_impersonation"}  # fmt: skip
    return {**claims, "idtyp": "app"}


def _american(moment: datetime) -> str:
    return f"{moment.month}/{moment.day}/{moment:%Y %I:%M:%S %p}"
