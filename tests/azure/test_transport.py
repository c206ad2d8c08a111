"""The transport over real sockets: answers whole or not at all, and sent or not sent told apart."""

from __future__ import annotations

import gzip
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.rest import HttpRequest

from shared.azure.transport import Transport
from simulator.server import serve
from simulator.tenant import Tenant

SAID = b'{"a": "\xc3\xa9"}'


class Peer:
    """A server that says the given bytes to each request, one after the other, and keeps them."""

    def __init__(self, *said: bytes) -> None:
        self._said = list(said)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.origin = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.heard: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while self._said:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with one:
                self._talk(one)

    def _talk(self, one: socket.socket) -> None:
        while self._said:
            if not (heard := _request(one)):
                return
            self.heard.append(heard)
            said = self._said.pop(0)
            if said == b"":
                one.recv(1)
                return
            one.sendall(said)
            if b"Connection: close" in said:
                return

    def close(self) -> None:
        self._listener.close()


def _request(one: socket.socket) -> bytes:
    """One request with its body; empty where the client hung up."""
    heard, length = b"", 0
    while not heard or len(heard.partition(b"\r\n\r\n")[2]) < length:
        more = one.recv(65536)
        if not more:
            return b""
        heard += more
        found = re.search(rb"Content-Length: (\d+)", heard)
        length = int(found[1]) if found else 0
    return heard


def answer(body: bytes, *headers: str, status: str = "200 OK", length: int | None = None) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


@pytest.fixture
def transports() -> Iterator[list[Transport]]:
    made: list[Transport] = []
    yield made
    for one in made:
        one.close()


def to(peer: Peer | str, transports: list[Transport], read: float = 5) -> Transport:
    origin = peer if isinstance(peer, str) else peer.origin
    transports.append(Transport(origin, connect=2, read=read))
    return transports[-1]


def test_an_answer_is_read_whole_and_the_connection_kept(transports: list[Transport]) -> None:
    """Status, headers without case, body, text and JSON; the next request opens nothing new."""
    gone = answer(b"", "x-ms-request-id: 7", status="404 Not Found")
    peer = Peer(answer(SAID, "Content-Type: application/json; charset=utf-8"), gone)
    sender = to(peer, transports)
    url = f"{peer.origin}/subscriptions/a%20b/x?api-version=1&$filter=q"
    with sender.send(HttpRequest("GET", url, headers={"If-Match": "e"})) as first:
        assert first.status_code == 200
        assert first.content == first.read() == b"".join(first.iter_bytes()) == SAID
        assert (first.text(), first.json()) == (SAID.decode(), {"a": "é"})
        assert first.headers["content-TYPE"] == first.content_type
    second = sender.send(HttpRequest("PATCH", url, json={"b": 1}))
    assert (second.status_code, second.reason, second.content) == (404, "Not Found", b"")
    with pytest.raises(HttpResponseError, match="Not Found"):
        second.raise_for_status()
    assert peer.connections == 1
    assert peer.heard[0].startswith(b"GET /subscriptions/a%20b/x?api-version=1&$filter=q HTTP/1.1")
    assert b"If-Match: e" in peer.heard[0]
    assert peer.heard[1].endswith(b'{"b": 1}')
    peer.close()


def test_a_compressed_answer_is_read(transports: list[Transport]) -> None:
    peer = Peer(answer(gzip.compress(SAID), "Content-Encoding: gzip"))
    assert to(peer, transports).send(HttpRequest("GET", f"{peer.origin}/x")).json() == {"a": "é"}
    assert b"Accept-Encoding: gzip" in peer.heard[0]
    peer.close()


def test_a_redirect_is_an_answer(transports: list[Transport]) -> None:
    """A token goes nowhere but where it was sent."""
    peer = Peer(answer(b"", "Location: http://127.0.0.1:9/x", status="307 Temporary Redirect"))
    assert to(peer, transports).send(HttpRequest("GET", f"{peer.origin}/x")).status_code == 307
    peer.close()


@pytest.mark.parametrize(
    "said",
    [
        answer(SAID, "Connection: close", length=len(SAID) + 5),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nab",
        answer(b"no gzip", "Content-Encoding: gzip"),
        b"nonsense\r\n\r\nConnection: close",
        b"Connection: close",
    ],
    ids=["cut short", "cut in a chunk", "not what it says", "no HTTP", "nothing"],
)
def test_half_an_answer_is_none(transports: list[Transport], said: bytes) -> None:
    """What was sent may have happened: the error says that its answer was lost."""
    peer = Peer(said)
    with pytest.raises(ServiceResponseError):
        to(peer, transports).send(HttpRequest("PUT", f"{peer.origin}/x", json={}))
    assert len(peer.heard) == 1
    peer.close()


def test_an_answer_that_does_not_come(transports: list[Transport]) -> None:
    """Is waited for no longer than said, and nothing is sent twice."""
    peer = Peer(b"")
    with pytest.raises(ServiceResponseTimeoutError):
        to(peer, transports, read=0.05).send(HttpRequest("PUT", f"{peer.origin}/x", json={}))
    assert len(peer.heard) == 1
    peer.close()


def test_nobody_there(transports: list[Transport]) -> None:
    """A refused connection was not sent."""
    with socket.create_server(("127.0.0.1", 0)) as gone:
        origin = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with pytest.raises(ServiceRequestError):
        to(origin, transports).send(HttpRequest("GET", f"{origin}/x"))


def test_a_stranger_s_certificate_is_refused(
    transports: list[Transport], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A server that the bundle does not vouch for gets no request; nor where there is none."""
    tenant = Tenant()
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    with serve(tenant) as serving:
        for bundle in ("", str(tmp_path / "absent.pem")):
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
            with pytest.raises(ServiceRequestError):
                to(serving.url, transports).send(HttpRequest("GET", f"{serving.url}/x"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(serving.ca_bundle))
        told = to(serving.url, transports).send(HttpRequest("GET", f"{serving.url}/subscriptions"))
        assert told.status_code == 401


def test_authorities_may_lie_in_a_folder(
    transports: list[Transport], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As OpenSSL keeps them: a file each, named by the hash of its subject."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to name the files with")
    with serve(Tenant()) as serving:
        named = subprocess.run(  # noqa: S603  a tool of the system
            [openssl, "x509", "-hash", "-noout", "-in", str(serving.ca_bundle)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        (tmp_path / f"{named}.0").write_bytes(serving.ca_bundle.read_bytes())
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path))
        told = to(serving.url, transports).send(HttpRequest("GET", f"{serving.url}/subscriptions"))
        assert told.status_code == 401


def test_a_proxy_of_the_environment_is_used(
    transports: list[Transport], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its name and password; and not for hosts that the environment spares."""
    proxy, tenant = Peer(answer(b"", status="407 Proxy Authentication Required")), Tenant()
    monkeypatch.setenv("https_proxy", proxy.origin.replace("http://", "http://me:se%20cret@"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with serve(tenant) as serving:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(serving.ca_bundle))
        told = to(serving.url, transports).send(HttpRequest("GET", f"{serving.url}/subscriptions"))
        assert told.status_code == 401
        far = "https://management.example"
        with pytest.raises(ServiceRequestError):
            to(far, transports).send(HttpRequest("GET", f"{far}/x"))
    (heard,) = proxy.heard
    assert heard.startswith(b"CONNECT management.example:443 HTTP/1.")
    assert b"proxy-authorization: Basic bWU6c2UgY3JldA==" in heard
    proxy.close()
