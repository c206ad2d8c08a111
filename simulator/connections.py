"""Open connections of the servers on loopback."""

import asyncio
import socket
from contextlib import suppress
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


class Transports:
    """The server's connections: counted, hurried on, and broken when trouble is ordered."""

    def __init__(self) -> None:
        """Begin without any."""
        self.accepted = 0
        self._open: dict[int, Any] = {}

    def opened(self, transport: Any) -> None:
        self.accepted += 1
        self._open[transport.get_extra_info("peername")[1]] = transport

    def closed(self, transport: Any) -> None:
        self._open = {port: one for port, one in self._open.items() if one is not transport}

    def abort(self, client_port: int) -> None:
        """Cut the connection that comes from a client's port, with what was not sent."""
        transport = self._open.get(client_port)
        if transport is not None:
            transport.abort()

    async def abort_all(self) -> None:
        """Cut every connection, and let the loop notice before it ends."""
        while self._open:
            for transport in list(self._open.values()):
                transport.abort()
            await asyncio.sleep(0)

    def protocol(self) -> type[H11Protocol]:
        """An HTTP protocol for uvicorn that reports here."""
        transports = self

        class Reporting(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                transports.opened(transport)
                hurry(transport)
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.closed(self.transport)
                super().connection_lost(exc)

            def data_received(self, data: bytes) -> None:
                # The kernel falls back to delayed acknowledgements; ask anew each time.
                hurry(self.transport)
                super().data_received(data)

        return Reporting


def hurry(transport: Any) -> None:
    """Let small packets go out, and be acknowledged, at once: clients may wait for either."""
    connection = transport.get_extra_info("socket")
    if connection is None:
        return
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_QUICKACK"):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
