"""The keys that tokens are checked with: asked for seldom, relied on while they can be."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from console.entrance import Shut
from console.signing_keys import IMPATIENCE, LIFE, PAUSE, SigningKeys
from shared.azure.signing_keys import signing_keys
from shared.clouds import PUBLIC
from shared.errors import ArmError, Transient
from simulator.adapter import transport
from simulator.app_tokens import SigningKey
from simulator.clock import VirtualClock
from simulator.tenant import TENANT_ID, Tenant

ISSUER = f"https://{PUBLIC.issuer}/{TENANT_ID}/v2.0"
FIRST, SECOND = SigningKey(), SigningKey()


class Server:
    """Publishes keys, or is away; counts who asks."""

    def __init__(self, *keys: Mapping[str, Any]) -> None:
        self.keys = list(keys)
        self.is_away = False
        self.asked = 0

    def __call__(self) -> list[Mapping[str, Any]]:
        self.asked += 1
        if self.is_away:
            raise Transient("away")
        return self.keys


def name(key: SigningKey) -> str:
    return key.document["kid"]


def test_keys_are_asked_for_when_needed_and_once_a_day(clock: VirtualClock) -> None:
    server = Server(FIRST.document)
    keys = SigningKeys(server, clock.now, ISSUER)
    assert server.asked == 0
    for _ in range(3):
        found = keys.key(name(FIRST))
        assert found is not None
        assert found.public_numbers() == FIRST.private.public_key().public_numbers()
    clock.advance(LIFE - timedelta(seconds=1))
    keys.key(name(FIRST))
    assert server.asked == 1
    clock.advance(timedelta(seconds=1))
    server.keys = [SECOND.document]
    assert keys.key(name(FIRST)) is None, "a key that was taken back is no longer good"
    assert server.asked == 2


def test_an_unknown_key_is_looked_for_every_five_minutes(clock: VirtualClock) -> None:
    """Who invents key ids costs us nothing, and a new key is found all the same."""
    server = Server(FIRST.document)
    keys = SigningKeys(server, clock.now, ISSUER)
    keys.key(name(FIRST))
    server.keys = [FIRST.document, SECOND.document]
    for invented in range(20):
        assert keys.key(f"invented {invented}") is None
    assert server.asked == 1
    clock.advance(PAUSE)
    assert keys.key(name(SECOND)) is not None
    for invented in range(20):
        assert keys.key(f"invented {invented}") is None
    assert server.asked == 2


def test_known_keys_go_on_while_the_server_is_away(clock: VirtualClock) -> None:
    """For as long as it takes; it is asked every five minutes."""
    server = Server(FIRST.document)
    keys = SigningKeys(server, clock.now, ISSUER)
    keys.key(name(FIRST))
    server.is_away = True
    clock.advance(LIFE)
    for _ in range(3):
        assert keys.key(name(FIRST)) is not None
    assert server.asked == 2
    clock.advance(PAUSE)
    assert keys.key(name(FIRST)) is not None
    assert server.asked == 3


def test_without_any_keys_it_is_shut(clock: VirtualClock) -> None:
    """503, and the server is not overrun; once it answers, it opens."""
    server = Server(FIRST.document)
    server.is_away = True
    keys = SigningKeys(server, clock.now, ISSUER)
    for _ in range(3):
        with pytest.raises(Shut) as raised:
            keys.key(name(FIRST))
        assert raised.value.status == 503
    assert server.asked == 1
    server.is_away = False
    clock.advance(IMPATIENCE)
    assert keys.key(name(FIRST)) is not None


@pytest.mark.parametrize(
    "changed",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"n": "?"},
        {"kid": None},
        {"issuer": "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0"},
    ],
)
def test_what_is_no_key_of_ours_is_left_out(clock: VirtualClock, changed: dict[str, Any]) -> None:
    """Secrets, keys for encryption, broken ones, and those for another issuer's tokens."""
    server = Server({**FIRST.document, **changed}, SECOND.document)
    keys = SigningKeys(server, clock.now, ISSUER)
    assert keys.key(name(FIRST)) is None
    assert keys.key(name(SECOND)) is not None


@pytest.mark.parametrize("issuer", [ISSUER, f"https://{PUBLIC.issuer}/{{tenantid}}/v2.0"])
def test_a_key_says_whose_tokens_it_signs(clock: VirtualClock, issuer: str) -> None:
    server = Server({**FIRST.document, "issuer": issuer})
    assert SigningKeys(server, clock.now, ISSUER).key(name(FIRST)) is not None


def test_entra_publishes_them(tenant: Tenant) -> None:
    """By the tenant's own address; of another tenant there are none."""
    found = signing_keys(PUBLIC.authority, TENANT_ID, transport(tenant))
    assert [one["kid"] for one in found] == [key.document["kid"] for key in tenant.entra.keys]
    with pytest.raises(ArmError):
        signing_keys(PUBLIC.authority, "99999999-9999-4999-8999-999999999999", transport(tenant))
