"""HTTP as the tenant sees it: requests, responses, and Azure's ways of refusing."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ARM = "https://management.azure.com"


class Headers(Mapping[str, str]):
    """Header fields that are read without regard to case; iteration gives lower-case names."""

    def __init__(self, fields: Mapping[str, str] | None = None) -> None:
        """Copy `fields`; of two names that differ only by case the later one wins."""
        self._fields = {name.lower(): value for name, value in (fields or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._fields[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


@dataclass(frozen=True)
class Request:
    """One HTTP request; `url` is absolute or begins with the path, and includes the query."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def __post_init__(self) -> None:
        """Make the headers readable without regard to case."""
        if not isinstance(self.headers, Headers):
            object.__setattr__(self, "headers", Headers(self.headers))


@dataclass
class Response:
    """One HTTP answer. `body` is empty where Azure sends none."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Parse the body; `None` for an empty one."""
        return json.loads(self.body) if self.body else None


@dataclass(frozen=True)
class Target:
    """Where a request goes: host with scheme, path without trailing slash, query by lower name."""

    base: str
    path: str
    query: Mapping[str, str]

    @property
    def api_version(self) -> str:
        """The api-version of the query; empty where the request has none."""
        return self.query.get("api-version", "")


def locate(url: str) -> Target:
    """Split a URL. Doubled slashes, which real clients send, count as one."""
    parts = urlsplit(url)
    path = unquote(parts.path)
    if "//" in path:
        path = "/" + "/".join(segment for segment in path.split("/") if segment)
    base = f"{parts.scheme}://{parts.netloc}" if parts.netloc else ARM
    query = {name.lower(): value for name, value in parse_qsl(parts.query, keep_blank_values=True)}
    return Target(base, path.rstrip("/"), query)


class Refusal(Exception):
    """Azure says no. Carries the whole answer; the tenant turns it into a response.

    `envelope` is the body where it is not the usual `{"error": {"code", "message"}}`.
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`extra` joins code and message inside `error` (details, target, additionalInfo)."""
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})
        self.envelope: dict[str, Any] | None = None

    def response(self) -> Response:
        """The HTTP answer that tells the client."""
        error = {"code": self.code, "message": self.message, **self.extra}
        return answer(self.status, self.envelope or {"error": error}, self.headers)


def unknown(what: str) -> Refusal:
    """The simulator's own refusal: Azure may well know this, the simulator must be taught it."""
    return Refusal(501, "SimulatorDoesNotKnow", f"The simulated tenant does not know {what}.")


def seal(text: str) -> str:
    """Make a paging token of a text; clients must not look inside."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def unseal(token: str) -> str:
    """Read a paging token. Raises ValueError for one that the tenant did not give."""
    return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()


_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def encode(document: Any) -> bytes:
    """JSON as ARM sends it, compact."""
    return _ENCODER.encode(document).encode()


def answer(status: int, document: Any = None, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer; without a document, an empty one."""
    fields = dict(headers or {})
    if document is None:
        return Response(status, fields, b"")
    fields["Content-Type"] = "application/json; charset=utf-8"
    return Response(status, fields, encode(document))
