"""One azure-core pipeline to one service, JSON in and out, for what no SDK of Azure covers well.

Nothing is repeated but reads whose connection failed; every failure rises as what the caller
should do about it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from azure.core import PipelineClient
from azure.core.exceptions import AzureError, ClientAuthenticationError, ServiceResponseError
from azure.core.pipeline.policies import HeadersPolicy, RetryPolicy, UserAgentPolicy

from shared.azure.faults import fault_of
from shared.azure.transport import Transport
from shared.errors import Transient, Unauthenticated

if TYPE_CHECKING:
    from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy
    from azure.core.pipeline.transport import HttpTransport
    from azure.core.rest import HttpRequest, HttpResponse


class Pipeline:
    """Requests to `endpoint`, called `name` in messages. `transport` stands in for the network."""

    def __init__(
        self,
        endpoint: str,
        name: str,
        authentication: HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any],
        transport: HttpTransport[Any, Any] | None = None,
    ) -> None:
        self.endpoint = endpoint.rstrip("/")
        self.name = f"{name} {urlsplit(self.endpoint).netloc}"
        self._door = door(self.endpoint)
        self._client: PipelineClient[HttpRequest, HttpResponse] = PipelineClient(
            self.endpoint,
            policies=[
                HeadersPolicy({"Accept": "application/json"}),
                UserAgentPolicy("portcullis"),
                RetryPolicy(),
                authentication,
            ],
            transport=transport or Transport(self.endpoint, connect=10, read=60),
        )

    def close(self) -> None:
        self._client.close()

    def run(self, request: HttpRequest, retries: int) -> HttpResponse:
        """The answer, whatever its status.

        Raises:
            Transient: none came; `Unauthenticated` where no token could be had.
        """
        what = said(request)
        try:
            return self._client.send_request(
                request,
                retry_total=retries,
                retry_connect=retries,
                retry_read=retries,
                retry_status=0,
                retry_backoff_factor=0.2,
            )
        except ClientAuthenticationError as error:
            raise Unauthenticated(f"{what}: no token: {_one_line(error)}", 60) from error
        except ServiceResponseError as error:
            lost = f"the answer of {self.name} was lost: {_one_line(error)}"
            raise Transient(f"{what}: {lost}") from error
        except AzureError as error:
            missed = f"{self.name} was not reached: {_one_line(error)}"
            raise Transient(f"{what}: {missed}") from error

    def leads_here(self, link: str) -> bool:
        """Whether a link is to this very service: the token goes nowhere else."""
        return door(link) == self._door

    def fault(self, response: HttpResponse) -> Exception:
        """What an answer that is no success means."""
        status, body = response.status_code, json_of(response)
        if status < 400 or (_is_final(status) and response.content and not isinstance(body, dict)):
            return self.nonsense(response, f"{status}, but not in its words")
        return fault_of(status, response.headers, body, said(response.request))

    def nonsense(self, response: HttpResponse, what: str) -> Transient:
        """Not what the service says: nothing is concluded from it."""
        between = "does something in between answer?"
        asked = said(response.request)
        return Transient(f"{asked}: {self.name} answered with {what}: {between}")

    def document(self, response: HttpResponse) -> dict[str, Any]:
        """The object that a 200 must hold: anything else is a broken answer, not an empty one."""
        body = json_of(response)
        if not isinstance(body, dict):
            raise self.nonsense(response, "what is not a JSON object")
        return body


def said(request: HttpRequest) -> str:
    return f"{request.method} {urlsplit(request.url).path}"


def door(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port: where a token that goes to `url` would arrive."""
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else None)
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port


def json_of(response: HttpResponse) -> Any:
    """The body as JSON; None where there is none."""
    try:
        return json.loads(response.content) if response.content else None
    except (ValueError, RecursionError):
        return None


def _is_final(status: int) -> bool:
    """Whether coming again could not help, if it is the service that says so."""
    return status < 500 and status not in (401, 408, 429)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
