"""One request as the parts of the tenant see it: who asks for what, where, and when."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from simulator.address import GROUP, SUBSCRIPTION, Address
from simulator.wire import Request, Target

PORTAL = "00000000-0000-0000-0000-0000000000aa"
"""Stands for the portal's application id in the claims of people."""

_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}


@dataclass(frozen=True)
class Identity:
    """Someone who can hold a token. `upn` is for users, `app_id` for service principals."""

    name: str
    object_id: str
    app_id: str | None = None
    kind: Literal["User", "ServicePrincipal"] = "User"
    upn: str | None = None


@dataclass(frozen=True)
class Grant:
    """The role assignment that allowed a call, as events name it. `scope` is an id."""

    role: str
    scope: str
    assignment_id: str
    definition_id: str
    principal_id: str
    principal_type: str


@dataclass(frozen=True)
class Call:
    """A request whose sender is known and whose path is understood."""

    request: Request
    target: Target
    address: Address
    identity: Identity
    correlation_id: str
    request_id: str
    now: datetime
    grant: Grant | None = None

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def client_request_id(self) -> str:
        return self.request.headers.get("x-ms-client-request-id", "")

    @property
    def is_write(self) -> bool:
        return self.method in {"PUT", "PATCH", "DELETE", "POST"}

    @property
    def action(self) -> str:
        """The operation that access control and the activity log name, in the caller's casing."""
        if self.method == "POST":
            return f"{operation_type(self.address)}/{self.address.rest}/action"
        if self.method == "GET" and self.address.rest:
            # Below subscriptions ARM has collections and operations without a provider.
            collection = self.address.rest.partition("/")[0]
            return f"{operation_type(self.address)}/{collection}/read"
        return f"{operation_type(self.address)}/{_VERBS[self.method]}"


def operation_type(address: Address) -> str:
    """The type as operation names spell it: resource groups are below subscriptions there."""
    if address.type == GROUP:
        return f"{SUBSCRIPTION}/resourceGroups"
    return address.type
