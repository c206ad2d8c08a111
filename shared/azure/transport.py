"""HTTP for azure-core's pipeline, on urllib3 alone.

The transport that azure-core brings stands on requests, which makes every request anew out of a
session: half of the CPU of a look went there. This one keeps connections to one origin, and
takes proxies and certificates from the environment once, as requests reads them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import certifi
import urllib3
from azure.core.exceptions import (
    HttpResponseError,
    ServiceRequestError,
    ServiceRequestTimeoutError,
    ServiceResponseError,
    ServiceResponseTimeoutError,
)
from azure.core.pipeline.transport import HttpTransport
from azure.core.rest import HttpRequest, HttpResponse
from requests import Session
from requests.utils import select_proxy
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

_CONNECTIONS = 16
"""Kept open at once: as many looks as one instance runs side by side."""
_COMPRESSED = "gzip, deflate"


class Transport(HttpTransport[HttpRequest, HttpResponse]):
    """Sends to `origin` (scheme, host and port) and to nowhere else; safe between threads.

    Follows no redirect and repeats nothing; a proxy is used for https. Waits `connect` seconds
    for a connection and `read` seconds for each part of an answer.
    """

    def __init__(self, origin: str, *, connect: float, read: float) -> None:
        told = Session().merge_environment_settings(
            origin, proxies={}, stream=None, verify=True, cert=None
        )
        named = told["verify"]
        vouching = named if isinstance(named, str) else certifi.where()
        self._manager = _manager(
            select_proxy(origin, told["proxies"]) if origin.startswith("https:") else None,
            maxsize=_CONNECTIONS,
            timeout=urllib3.Timeout(connect=connect, read=read),
            cert_reqs="CERT_REQUIRED",
            **{"ca_cert_dir" if Path(vouching).is_dir() else "ca_certs": vouching},
        )
        self._pool = self._manager.connection_from_url(origin)

    def send(self, request: HttpRequest, **_options: Any) -> HttpResponse:
        """The answer, whatever its status, read to its end.

        Raises:
            ServiceRequestError: it was not sent.
            ServiceResponseError: it may have been; no whole answer came.
        """
        parts = urlsplit(request.url)
        headers = dict(request.headers)
        headers.setdefault("Accept-Encoding", _COMPRESSED)
        try:
            answer = self._pool.urlopen(
                request.method,
                f"{parts.path}?{parts.query}" if parts.query else parts.path,
                body=request.content,
                headers=headers,
                retries=False,
                redirect=False,
            )
        except ConnectTimeoutError as error:
            raise ServiceRequestTimeoutError(error, error=error) from error
        except (NewConnectionError, ProxyError, SSLError) as error:
            raise ServiceRequestError(error, error=error) from error
        except ReadTimeoutError as error:
            raise ServiceResponseTimeoutError(error, error=error) from error
        except HTTPError as error:
            raise ServiceResponseError(error, error=error) from error
        return Received(request, answer)

    def open(self) -> None:
        """Nothing to do: a connection is made when the first request needs one."""

    def close(self) -> None:
        self._manager.clear()

    def __exit__(self, *_: object) -> None:
        self.close()


def _manager(proxy: str | None, **options: Any) -> urllib3.PoolManager:
    if not proxy:
        return urllib3.PoolManager(**options)
    named = urlsplit(proxy)
    who = f"{unquote(named.username)}:{unquote(named.password or '')}" if named.username else None
    return urllib3.ProxyManager(
        proxy, proxy_headers=urllib3.make_headers(proxy_basic_auth=who), **options
    )


class Received(HttpResponse):
    """An answer that was read to its end."""

    def __init__(self, request: HttpRequest, answer: urllib3.BaseHTTPResponse) -> None:
        self._request = request
        self._answer = answer
        self._encoding: str | None = None

    @property
    def request(self) -> HttpRequest:
        return self._request

    @property
    def status_code(self) -> int:
        return self._answer.status

    @property
    def headers(self) -> MutableMapping[str, str]:
        return self._answer.headers

    @property
    def reason(self) -> str:
        return self._answer.reason or ""

    @property
    def content_type(self) -> str | None:
        return self.headers.get("Content-Type")

    @property
    def is_closed(self) -> bool:
        return True

    @property
    def is_stream_consumed(self) -> bool:
        return True

    @property
    def encoding(self) -> str | None:
        return self._encoding

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        self._encoding = value

    @property
    def url(self) -> str:
        return self._request.url

    @property
    def content(self) -> bytes:
        return self._answer.data

    def text(self, encoding: str | None = None) -> str:
        return self.content.decode(encoding or self._encoding or "utf-8-sig", errors="replace")

    def json(self) -> Any:
        return json.loads(self.text())

    def raise_for_status(self) -> None:
        if self.status_code >= 400:
            raise HttpResponseError(response=self)

    def __enter__(self) -> HttpResponse:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is held open."""

    def close(self) -> None:
        """Nothing is held open."""

    def read(self) -> bytes:
        return self.content

    def iter_raw(self, **_: Any) -> Iterator[bytes]:
        yield self.content

    def iter_bytes(self, **_: Any) -> Iterator[bytes]:
        yield self.content
