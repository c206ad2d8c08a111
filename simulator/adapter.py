"""The tenant behind the real azure-core pipeline, in process.

`transport(tenant)` gives a pipeline with all its policies whose HTTP ends in `Tenant.handle`.
"""

import time
from collections.abc import Mapping
from email.utils import format_datetime
from typing import Any

import requests
from azure.core.credentials import AccessToken, AccessTokenInfo
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import BaseAdapter
from urllib3.exceptions import ProtocolError

from simulator.call import Identity
from simulator.faults import Lost
from simulator.tenant import Tenant
from simulator.wire import Headers, Request, Response

_REFRESH_MARGIN = 300


class TenantAdapter(BaseAdapter):
    """Answers every request of a `requests` session from a tenant."""

    def __init__(self, tenant: Tenant) -> None:
        """Answer from `tenant`."""
        super().__init__()
        self._tenant = tenant

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: ARG002, FBT001, FBT002
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,  # noqa: ARG002
        verify: bool | str = True,  # noqa: ARG002, FBT001, FBT002
        cert: Any = None,  # noqa: ARG002
        proxies: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> requests.Response:
        """Pass one request on.

        Raises ConnectionError for a cut connection and ReadTimeout for a missing answer, as a
        real adapter does; neither tells whether the tenant acted.
        """
        body = request.body or b""
        sent = Request(
            request.method or "GET",
            request.url or "",
            {str(name): _text(value) for name, value in request.headers.items()},
            body.encode() if isinstance(body, str) else bytes(body),
        )
        try:
            answer = self._tenant.handle(sent)
            # Over the wire the server says it.
            answer.headers.setdefault(
                "Date", format_datetime(self._tenant.clock.now(), usegmt=True)
            )
            return _received(answer, request)
        except Lost as lost:
            if lost.timed_out:
                raise requests.exceptions.ReadTimeout("Read timed out.", request=request) from lost
            broken = ProtocolError("Connection aborted.", ConnectionResetError("peer"))
            raise requests.exceptions.ConnectionError(broken, request=request) from lost

    def close(self) -> None:
        """Nothing is held open."""


def transport(tenant: Tenant) -> RequestsTransport:
    """A transport whose https requests all go to `tenant`, whatever the host."""
    return over(TenantAdapter(tenant))


def over(adapter: BaseAdapter) -> RequestsTransport:
    """A transport whose requests are all answered by `adapter`."""
    session = requests.Session()
    session.trust_env = False
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return RequestsTransport(session=session, session_owner=False)


class TenantCredential:
    """A credential for one identity of a tenant, as azure-core wants it.

    Its tokens live on the tenant's clock: they are renewed in time when that is advanced.
    """

    def __init__(self, tenant: Tenant, identity: Identity) -> None:
        """Give out tokens of `identity`."""
        self._tenant = tenant
        self._identity = identity
        self._tokens: dict[str, str] = {}

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        """A token with time left. It says that it expires soon, so that it is asked again."""
        return AccessToken(self._current(*scopes), int(time.time()) + _REFRESH_MARGIN // 2)

    def get_token_info(self, *scopes: str, options: Any = None) -> AccessTokenInfo:  # noqa: ARG002
        """The newer form of `get_token`."""
        return AccessTokenInfo(self._current(*scopes), int(time.time()) + _REFRESH_MARGIN // 2)

    def close(self) -> None:
        """Nothing is held open."""

    def _current(self, scope: str) -> str:
        audience = scope.removesuffix("/.default")
        grant = self._tenant.tokens.grant(self._tokens.get(audience, ""))
        now = self._tenant.clock.now()
        if grant is None or (grant.expires - now).total_seconds() < _REFRESH_MARGIN:
            self._tokens[audience] = self._tenant.token(self._identity, audience=audience)
        return self._tokens[audience]


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _received(answer: Response, request: requests.PreparedRequest) -> requests.Response:
    received = requests.Response()
    received.status_code = answer.status
    received.headers = requests.structures.CaseInsensitiveDict(answer.headers)
    received.url = request.url or ""
    received.request = request
    received.encoding = "utf-8"
    received.reason = _REASONS.get(answer.status, "")
    received.raw = _Raw(answer)
    return received


_REASONS = {200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 404: "Not Found"}


class _Raw:
    """The part of urllib3's response that `requests` reads."""

    def __init__(self, answer: Response) -> None:
        """Hold the answer's body, to be read once."""
        self._left = answer.body
        self.headers = Headers(answer.headers)
        self.status = answer.status
        self.version = 11
        self.decode_content = True

    def stream(self, _size: int, *, decode_content: bool = True) -> Any:  # noqa: ARG002
        left, self._left = self._left, b""
        if left:
            yield left

    def read(self, *_: Any, **__: Any) -> bytes:
        left, self._left = self._left, b""
        return left

    def release_conn(self) -> None:
        """No connection to give back."""

    def close(self) -> None:
        """Nothing is held open."""
