"""Proof that a form that comes back is one that we gave, to this person, and comes but once.

A token is signed with a secret in the state's store, so that any instance takes what another
gave. Requests that carry their own proof (`Person.by_header`) need none: no other site can make a
browser send them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

from console.entrance import Person, Shut
from shared.errors import Exists, StoreUnavailable
from shared.store import Store

LIFE: Final = timedelta(hours=1)
_KEPT: Final = timedelta(hours=1)
"""How much longer than it is good a spent token is known: clocks of instances differ."""
_TABLE: Final = "forms"
_SECRET: Final = ("secret", "secret")
_SPENT: Final = "spent"


class Forms:
    """Tokens for forms, in state that all instances share."""

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._secret = b""

    def token(self, person: Person) -> str:
        """A new token for forms that this person sends within the hour; good for one of them.

        Raises:
            StoreUnavailable: no form can be given now.
        """
        issued, nonce = int(self._now().timestamp()), secrets.token_hex(16)
        signature = _signature(self._secret or self._shared(), person, issued, nonce)
        return f"{issued}.{nonce}.{signature}"

    def spend(self, person: Person, token: str) -> None:
        """Take a token that came back with a form, for good.

        Raises:
            Shut: 403 where it is not ours, another's or too old, 409 where it came before.
            StoreUnavailable: it cannot be told.
        """
        if person.by_header:
            return
        until, nonce = self._checked(person, token)
        try:
            self._store.insert(_TABLE, _SPENT, f"{_key(until)}-{nonce}", {})
        except Exists as error:
            raise Shut(409, "This was sent before: look what came of it.") from error
        with suppress(StoreUnavailable):
            self._forget()

    def _checked(self, person: Person, token: str) -> tuple[datetime, str]:
        """Until when a token is good, and its nonce."""
        issued, _, rest = token.partition(".")
        nonce, _, signature = rest.partition(".")
        if not (issued.isdecimal() and len(issued) < 12):
            raise _not_ours()
        named = (person, int(issued), nonce)
        # Where state was begun anew, so was the secret.
        signed = _is_signed(signature, _signature(self._secret or self._shared(), *named))
        if not signed and not _is_signed(signature, _signature(self._shared(), *named)):
            raise _not_ours()
        until = datetime.fromtimestamp(int(issued), UTC) + LIFE
        if self._now() >= until:
            raise Shut(403, "This form is older than an hour: load the page again.")
        return until, nonce

    def _shared(self) -> bytes:
        """The secret of all instances; whoever comes first makes it."""
        with suppress(Exists):
            if self._store.get(_TABLE, *_SECRET) is None:
                self._store.insert(_TABLE, *_SECRET, {"secret": secrets.token_hex(32)})
        row = self._store.get(_TABLE, *_SECRET)
        if row is None:
            raise StoreUnavailable("the secret that forms are signed with was removed just now")
        self._secret = bytes.fromhex(row.value["secret"])
        return self._secret

    def _forget(self) -> None:
        """Remove what no clock takes any more."""
        for row in self._store.scan(_TABLE, _SPENT, upto=_key(self._now() - _KEPT)):
            self._store.delete(_TABLE, _SPENT, row.key)


def _key(moment: datetime) -> str:
    """Sorts as time goes."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def _signature(secret: bytes, person: Person, issued: int, nonce: str) -> str:
    signed = json.dumps([person.id, issued, nonce]).encode()
    return hmac.digest(secret, signed, hashlib.sha256).hex()


def _is_signed(presented: str, signature: str) -> bool:
    return hmac.compare_digest(presented.encode(), signature.encode())


def _not_ours() -> Shut:
    return Shut(403, "This form is not one that you were given here: load the page again.")
