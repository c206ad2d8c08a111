"""A door to the tenant by Azure's own host names: an HTTP proxy that tunnels to nowhere else."""

import asyncio
from fnmatch import fnmatchcase
from socket import socket
from typing import Any

from simulator.connections import hurry
from simulator.tls import HOSTS

_END = b"\r\n\r\n"
_LONGEST = 8192
_PORT = "443"


class Proxy:
    """Leads CONNECT requests for the tenant's hosts to its server, and refuses all others.

    `turned_away` are the first lines of refused requests, oldest first.
    """

    def __init__(self, port: int) -> None:
        """`port` is where the tenant's TLS server listens on loopback."""
        self.turned_away: list[str] = []
        self.port = port
        self.open: set[Any] = set()

    def serves(self, authority: str) -> bool:
        """Whether `host:port` is one of Azure's that the tenant plays, or the tenant's own."""
        if authority == f"127.0.0.1:{self.port}":
            return True
        host, _, port = authority.lower().rpartition(":")
        return port == _PORT and any(_matches(host, name) for name in HOSTS)

    async def listen(self, listener: socket) -> asyncio.Server:
        """Take connections from `listener`, which the server then closes."""
        return await asyncio.get_running_loop().create_server(lambda: _Door(self), sock=listener)

    def cut(self) -> None:
        """Break all tunnels."""
        for transport in list(self.open):
            transport.abort()


class _End(asyncio.Protocol):
    """One end of a tunnel: what comes in here goes out at the other."""

    def __init__(self, proxy: Proxy, other: Any = None) -> None:
        self.proxy = proxy
        self.other = other
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.proxy.open.add(transport)
        hurry(transport)

    def data_received(self, data: bytes) -> None:
        hurry(self.transport)
        self.other.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.proxy.open.discard(self.transport)
        if self.other is not None:
            _ = self.other.close() if exc is None else self.other.abort()


class _Door(_End):
    """The client's end: until it has said where it wants to go, nothing leads on."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy)
        self._said = b""
        self._leading: asyncio.Task[None] | None = None

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            super().data_received(data)
            return
        self._said += data
        if self._leading is None and (_END in self._said or len(self._said) > _LONGEST):
            self._decide()

    def _decide(self) -> None:
        line = self._said.partition(b"\r\n")[0].decode("latin-1")
        method, _, rest = line.partition(" ")
        if method == "CONNECT" and self.proxy.serves(rest.partition(" ")[0]):
            self._said = self._said.partition(_END)[2]
            self._leading = asyncio.get_running_loop().create_task(self._lead())
        else:
            self.proxy.turned_away.append(line)
            why = b"The simulated tenant does not serve this host.\n"
            self._tell("403 Forbidden", why)
            self.transport.close()

    async def _lead(self) -> None:
        """Open the other end, and hand on what was said too early."""
        loop = asyncio.get_running_loop()
        try:
            self.other, _ = await loop.create_connection(
                lambda: _End(self.proxy, self.transport), "127.0.0.1", self.proxy.port
            )
        except OSError:
            self.transport.abort()
            return
        if self.transport.is_closing():
            self.other.abort()
            return
        self._tell("200 Connection established")
        self.other.write(self._said)

    def _tell(self, status: str, text: bytes = b"") -> None:
        length = f"Content-Length: {len(text)}\r\n" if text else ""
        self.transport.write(f"HTTP/1.1 {status}\r\n{length}\r\n".encode() + text)


def _matches(host: str, name: str) -> bool:
    """As certificates have it: a star stands for one label."""
    return fnmatchcase(host, name) and host.count(".") == name.count(".")
