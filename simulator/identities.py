"""Tokens: who they belong to, how long they are good, and how Azure refuses bad ones."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from simulator.call import Identity
from simulator.wire import Refusal, Request

_BEARER = "Bearer "


@dataclass(frozen=True)
class Grant:
    """What stands behind a token."""

    identity: Identity
    expires: datetime
    tenant_id: str


class Tokens:
    """Issued tokens. They are opaque strings; clients must not look inside."""

    def __init__(self, tenant_id: str, seed: int) -> None:
        """`tenant_id` is the tenant that tokens must be from."""
        self.life = timedelta(hours=1)
        self._tenant_id = tenant_id
        self._random = Random(f"tokens {seed}")  # noqa: S311 - repeatable, and guards nothing real
        self._grants: dict[str, Grant] = {}

    def issue(self, identity: Identity, now: datetime, tenant_id: str | None = None) -> str:
        """A new token, good for `life` from `now`; another tenant's where one is named."""
        token = f"simulated.{self._random.getrandbits(160):040x}"
        self._grants[token] = Grant(identity, now + self.life, tenant_id or self._tenant_id)
        return token

    def grant(self, token: str) -> Grant | None:
        return self._grants.get(token)

    def identify(self, request: Request, now: datetime, base: str) -> Identity:
        """Who sent this request. Raises the refusals of missing, bad and expired tokens."""
        header = request.headers.get("authorization", "")
        grant = self._grants.get(header.removeprefix(_BEARER)) if header else None
        challenge = self._challenge(base)
        if not header.startswith(_BEARER):
            message = "Authentication failed. The 'Authorization' header is missing."
            raise Refusal(401, "AuthenticationFailed", message, headers=challenge)
        if grant is None:
            message = "Authentication failed."
            raise Refusal(401, "AuthenticationFailed", message, headers=challenge)
        if grant.tenant_id != self._tenant_id:
            raise Refusal(
                401,
                "InvalidAuthenticationTokenTenant",
                f"The access token is from the wrong issuer 'https://sts.windows.net/"
                f"{grant.tenant_id}/'. It must match the tenant 'https://sts.windows.net/"
                f"{self._tenant_id}/' associated with this subscription.",
                headers=challenge,
            )
        if grant.expires <= now:
            raise self.expired(grant.expires, now, base)
        return grant.identity

    def expired(self, expires: datetime, now: datetime, base: str) -> Refusal:
        """The refusal of a token whose time is over."""
        return Refusal(
            401,
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{_american(expires)}' is earlier than current UTC "
            f"time '{_american(now)}'.",
            headers=self._challenge(base, "The access token has expired."),
        )

    def _challenge(
        self, base: str, why: str = "The access token is missing or invalid."
    ) -> dict[str, str]:
        authority = f"{base}/{self._tenant_id}"
        return {
            "WWW-Authenticate": f'Bearer authorization_uri="{authority}", '
            f'error="invalid_token", error_description="{why}"'
        }


def _american(moment: datetime) -> str:
    return f"{moment.month}/{moment.day}/{moment:%Y %I:%M:%S %p}"
