"""The keys that tokens are checked with, remembered as long as they can be relied on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from console.entrance import Shut
from shared.errors import ArmError

LIFE = timedelta(hours=24)
"""Entra's keys may change at any time; clients look at least once a day."""
PAUSE = timedelta(minutes=5)
"""Between two looks for a key that is not known: tokens with invented ones cost nothing."""
IMPATIENCE = timedelta(seconds=10)
"""Between two looks while there are no keys at all."""

Fetch = Callable[[], Iterable[Mapping[str, Any]]]
"""Gets the keys as JSON Web Keys. Raises `ArmError`."""


class SigningKeys:
    """A tenant's RSA keys by their id; `fetch` is first called when one is needed."""

    def __init__(self, fetch: Fetch, now: Callable[[], datetime], issuer: str) -> None:
        """`issuer` is whose tokens are checked: a key that is for another's is left out."""
        self._fetch = fetch
        self._now = now
        self._issuer = issuer
        self._lock = threading.Lock()
        self._keys: dict[str, RSAPublicKey] = {}
        self._had: datetime | None = None
        self._asked: datetime | None = None

    def key(self, name: str) -> RSAPublicKey | None:
        """The key of that id; None where the tenant has none.

        Keys that are old are still good while no newer ones can be had.

        Raises:
            Shut: no keys could be had yet.
        """
        with self._lock:
            if self._is_due(name):
                self._asked = self._now()
                with suppress(ArmError):
                    self._keys = dict(self._usable(self._fetch()))
                    self._had = self._asked
            if not self._keys:
                raise Shut(503, "The keys that tokens are checked with cannot be had: try again.")
            return self._keys.get(name)

    def _is_due(self, name: str) -> bool:
        if self._asked is None:
            return True
        since = self._now() - self._asked
        if not self._keys:
            return since >= IMPATIENCE
        old = self._had is None or self._now() - self._had >= LIFE
        return since >= PAUSE and (old or name not in self._keys)

    def _usable(self, found: Iterable[Mapping[str, Any]]) -> Iterable[tuple[str, RSAPublicKey]]:
        for one in found:
            # Keys name `{tenantid}` in the issuer that they are for, where it is any tenant's.
            meant = str(one.get("issuer") or self._issuer)
            tenant = self._issuer.rstrip("/").split("/")[-2]
            if meant.replace("{tenantid}", tenant) != self._issuer or one.get("use") == "enc":
                continue
            with suppress(PyJWTError):
                key = PyJWK(dict(one), algorithm="RS256").key
                if isinstance(key, RSAPublicKey) and isinstance(one.get("kid"), str):
                    yield one["kid"], key
