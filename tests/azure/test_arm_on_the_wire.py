"""The door to Azure over TLS, with an Azure that is down, slow, or breaks off."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.credentials import AccessToken

from shared.azure.arm import Arm
from shared.azure.transport import Transport
from shared.errors import Transient
from shared.model import ResourceId
from simulator.tls import issue
from tests.azure.wire import change
from tests.made import ACCOUNT
from tests.standin import Said, StandIn, stand_in

WHOLE = f'{{"id": "{ACCOUNT}", "properties": {{}}}}'
TROUBLE = {
    "no gzip": Said(200, WHOLE, {"Content-Encoding": "gzip"}),
    "less than promised": Said(200, WHOLE, length=5000),
    "no text": Said(200, "\xff\xfe\x00", {"Content-Type": "application/json; charset=utf-8"}),
    "an unknown charset": Said(200, "\x00", {"Content-Type": "application/json; charset=none"}),
    "too late": Said(200, WHOLE, seconds=2),
}


class Holder:
    def get_token(self, *_: str, **__: Any) -> AccessToken:
        return AccessToken("token", 99999999999)


def _now() -> datetime:
    return datetime.now(UTC)


Opened = Callable[[str], Arm]


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opened]:
    """A door to an endpoint, with half a second of patience."""
    issue(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    made: list[Arm] = []

    def to(endpoint: str) -> Arm:
        wire = Transport(endpoint, connect=0.5, read=0.5)
        made.append(Arm(Holder(), {}, _now, endpoint=endpoint, transport=wire))
        return made[-1]

    yield to
    for one in made:
        one.close()


@pytest.fixture
def azure(opened: Opened, tmp_path: Path) -> Iterator[StandIn]:
    with stand_in(pem=tmp_path / "server.pem") as made:
        yield made


def passing(call: Callable[[], Any], host: str) -> str:
    """What is said of a fault that passes; one line that names the ARM endpoint."""
    with pytest.raises(Transient) as caught:
        call()
    line = str(caught.value)
    assert "\n" not in line
    assert f"the ARM endpoint {host}" in line
    return line


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_broken_connection_is_no_document(azure: StandIn, opened: Opened, kind: str) -> None:
    """Reads fail for now, and a write is sent once, whatever became of it."""
    azure.says = lambda _method, _path: TROUBLE[kind]
    arm, host = opened(azure.url), urlsplit(azure.url).netloc
    passing(lambda: arm.get(ResourceId(ACCOUNT), "2023-05-01"), host)
    passing(lambda: list(arm.list(f"{ACCOUNT}/children", "2023-05-01")), host)
    azure.heard.clear()
    try:
        assert arm.write(change(), "id").resource is None
    except Transient as fault:
        assert f"the ARM endpoint {host}" in str(fault)  # noqa: PT017
    assert [method for method, _ in azure.heard] == ["PATCH"]


def test_nobody_there(opened: Opened) -> None:
    """A port where nobody listens is said to be the ARM endpoint."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unheard.getsockname()[1]}"
        arm = opened(f"https://{host}")
        said = passing(lambda: arm.get(ResourceId(ACCOUNT), "2023-05-01"), host)
        assert "was not reached" in said
        passing(lambda: arm.write(change(), "id"), host)
