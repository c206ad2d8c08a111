"""What the tenant remembers of each request."""

from dataclasses import dataclass
from datetime import datetime

from simulator.call import Identity
from simulator.wire import Request, Response, Target

_WRITING = {"PUT", "PATCH", "DELETE", "POST"}
_REFUSED = 300
_ELSEWHERE = (
    "/providers/microsoft.resourcegraph/",
    "/datacollectionrules/",
    "/api/events",
    "/v1.0/",
    "/v1/workspaces/",
)
"""Paths below which a POST changes no resource."""
_ASKING = ("/checknameavailability", "/oauth2/v2.0/token")
"""POSTs that only ask."""


@dataclass(frozen=True)
class LoggedRequest:
    """One request as the tenant answered it; `status` also where a fault lost the answer.

    `path` is without query, `identity` is the sender's name, empty for nobody known.
    """

    method: str
    path: str
    api_version: str
    identity: str
    status: int
    client_request_id: str
    correlation_id: str
    at: datetime

    @property
    def is_write(self) -> bool:
        """Whether it changed a resource or was accepted to; queries and records by POST do not."""
        return self.status < _REFUSED and asks_for_change(self.method, self.path)


def asks_for_change(method: str, path: str) -> bool:
    """Whether a request, if it is granted, changes a resource."""
    lowered = path.lower()
    return (
        method in _WRITING and not lowered.startswith(_ELSEWHERE) and not lowered.endswith(_ASKING)
    )


def logged(
    request: Request, target: Target, response: Response, identity: Identity | None, at: datetime
) -> LoggedRequest:
    """The entry for an answered and signed request."""
    return LoggedRequest(
        request.method,
        target.path,
        target.api_version,
        identity.name if identity else "",
        response.status,
        request.headers.get("x-ms-client-request-id", ""),
        response.headers["x-ms-correlation-request-id"],
        at,
    )
