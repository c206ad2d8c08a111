"""A server on loopback that says what a test puts into its mouth, or asks the one behind it."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Said:
    """One answer as it goes over the wire; with `seconds` it comes that late.

    `length` is what Content-Length says, where that is not true.
    """

    status: int = 200
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0
    length: int | None = None


HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Welcome</body></html>"
Mouth = Callable[[str, str], Said | None]


@dataclass
class StandIn:
    """Where it listens; `says` maps (method, path with query) to an answer, None asks behind."""

    url: str
    says: Mouth = lambda _method, _path: None
    heard: list[tuple[str, str]] = field(default_factory=list)

    def say(self, said: Said | None) -> None:
        """Answer so to everything."""
        self.says = lambda _method, _path: said


@contextmanager
def stand_in(behind: str = "", pem: Path | None = None) -> Iterator[StandIn]:
    """Listen until the block ends; over TLS where `pem` holds a certificate and its key."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if pem is None else "https"
    made = StandIn(f"{scheme}://127.0.0.1:{server.server_address[1]}")
    server.stand_in, server.behind = made, behind  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def server_bind(self) -> None:
        """Without asking for the name of the machine, which may take long."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", self.server_address[1]

    def handle_error(self, *_: Any) -> None:
        """A client that hangs up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server: Any = self.server
        server.stand_in.heard.append((self.command, self.path))
        said = server.stand_in.says(self.command, self.path)
        if said is None:
            said = self._behind(server.behind, sent)
        time.sleep(said.seconds)
        body = said.body.encode("latin-1", "replace")
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if said.length is None else said.length))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def _behind(self, behind: str, sent: bytes) -> Said:
        dropped = {"content-length", "transfer-encoding", "connection", "keep-alive"}
        address = urlsplit(behind).netloc
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            connection.request(self.command, self.path, sent, dict(self.headers.items()))
            answer = connection.getresponse()
            body = answer.read().decode("latin-1")
        kept = {k: v for k, v in answer.getheaders() if k.lower() not in dropped}
        return Said(answer.status, body, kept)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._any
        raise AttributeError(name)

    def log_message(self, *_: Any) -> None:
        """Nothing: tests say what they need."""
