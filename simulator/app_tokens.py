"""What Entra signs for apps of the tenant that people and other apps sign in to.

Tokens of version 2.0, signed with RSA so that the apps can check them by the published keys; tokens
for Azure itself are another matter (`identities`). Claims as Microsoft's pages on ID tokens and
access tokens have them, as far as apps read them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key

from simulator.call import Identity
from simulator.jwt import encode_rsa, public_key

_BITS = 2048
_LIFE = 3600
"""Seconds; what Entra varies a little."""


@dataclass
class SigningKey:
    """A key pair; made when something is first signed or published, as that takes a while."""

    @cached_property
    def private(self) -> RSAPrivateKey:
        return generate_private_key(public_exponent=65537, key_size=_BITS)

    @cached_property
    def document(self) -> dict[str, str]:
        """The public key as Entra publishes it; `kid` is its id."""
        return public_key(self.private)

    def sign(self, claims: dict[str, Any]) -> str:
        return encode_rsa(claims, self.private, self.document["kid"])


@dataclass
class Application:
    """An app registration with app roles. `assigned` are those that object ids hold."""

    client_id: str
    tenant_id: str
    keys: list[SigningKey] = field(default_factory=list)
    assigned: dict[str, set[str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return f"https://login.microsoftonline.com/{self.tenant_id}/v2.0"

    def assign(self, who: Identity, *roles: str) -> None:
        """Let someone hold app roles, beside those held before."""
        self.assigned.setdefault(who.object_id, set()).update(roles)

    def id_token(self, user: Identity, now: datetime) -> str:
        """What a browser brings back from signing in."""
        return self.keys[0].sign(self.claims(user, now))

    def access_token(self, who: Identity, now: datetime, client: str | None = None) -> str:
        """What a client gets to call the app: for a user, or where an app asks, for itself."""
        claims = self.claims(who, now)
        if who.kind == "User":
            more = {"azp": client or who.object_id, "azpacr": "0", "scp": "user_impersonation"}
        else:
            more = {"azp": who.app_id or "", "azpacr": "1", "sub": who.object_id}
        return self.keys[0].sign({**claims, **more})

    def claims(self, who: Identity, now: datetime) -> dict[str, Any]:
        """What every token for this app says of someone."""
        since = int(now.timestamp())
        pairwise = hashlib.sha256(f"{who.object_id} {self.client_id}".encode()).hexdigest()
        said: dict[str, Any] = {
            "aud": self.client_id,
            "iss": self.issuer,
            "iat": since,
            "nbf": since,
            "exp": since + _LIFE,
            "oid": who.object_id,
            "sub": pairwise,
            "tid": self.tenant_id,
            "ver": "2.0",
        }
        if who.kind == "User":
            said |= {"name": who.name, "preferred_username": who.upn}
        if roles := self.assigned.get(who.object_id):
            said["roles"] = sorted(roles)
        return said


def published(keys: Iterable[SigningKey]) -> dict[str, Any]:
    """The document at `/discovery/v2.0/keys`."""
    return {"keys": [key.document for key in keys]}
