"""A browser as far as the console can tell: it keeps cookies, and follows no redirect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import httpx
from starlette.types import ASGIApp


class Visitor:
    """Asks `app` in this process; `client` is the address that it seems to come from."""

    def __init__(self, app: ASGIApp, base: str, client: str = "127.0.0.1") -> None:
        self.cookies = httpx.Cookies()
        self._base = base
        self._through = httpx.ASGITransport(app, client=(client, 50000))

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return anyio.run(self._asked, method, path, options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Any) -> httpx.Response:
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)

    async def _asked(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        content = options.get("content")
        if isinstance(content, Iterator):
            options = {**options, "content": _sent(content)}
        async with httpx.AsyncClient(
            transport=self._through, base_url=self._base, cookies=self.cookies
        ) as client:
            answer = await client.request(method, path, **options)
            self.cookies = client.cookies
            return answer


async def _sent(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
