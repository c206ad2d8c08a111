"""An Azure tenant in memory: one object that answers ARM's HTTP surface.

Two sides. `handle` is what clients see, as strict as Azure where the simulator knows Azure, and
refusing with `SimulatorDoesNotKnow` where it does not. `load`, `read`, `write`, `remove` and
`settle` are the owner's side: what people do in the tenant, and what a test arranges. Both are
safe to use from several threads.
"""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import unquote

from simulator import rows
from simulator.access import Access
from simulator.address import ROOT, SUBSCRIPTION, Address, parse
from simulator.audiences import audience_of
from simulator.call import Call, Identity
from simulator.clock import Clock, VirtualClock
from simulator.directory import Directory, is_directory
from simulator.directory_query import Question, told
from simulator.documents import Document, clone
from simulator.entra import AUTHORITY, Entra
from simulator.eventgrid import EventGrid
from simulator.events import EventFeed, activity
from simulator.faults import Fault, Faults, Lost
from simulator.gates import Gates
from simulator.graph import Graph
from simulator.identities import Tokens
from simulator.ingestion import Logs, Topic, arrival
from simulator.links import Links
from simulator.listing import Listing
from simulator.log_queries import LogQueries, is_log_query
from simulator.operations import Operations
from simulator.policies import PolicyDenial
from simulator.principals import Principals
from simulator.providers import Providers
from simulator.refusals import check_version, subscription_not_found
from simulator.request_log import LoggedRequest, logged
from simulator.resources import Resources
from simulator.roles import built_in_roles
from simulator.seeding import Seeder
from simulator.state import State
from simulator.tagging import Tagging
from simulator.throttle import Throttle
from simulator.types import row_of
from simulator.wire import ARM, Refusal, Request, Response, Target, encode, locate, unknown

__all__ = [
    "Identity",
    "LoggedRequest",
    "PolicyDenial",
    "Request",
    "Response",
    "Tenant",
    "WriteRefused",
]

TENANT_ID = "11111111-1111-4111-8111-111111111111"
_SUCCESS = 300
_UNREPORTED = {401, 404, 405, 429, 501}
_MALFORMED = {
    "MissingApiVersionParameter",
    "InvalidApiVersionParameter",
    "InvalidRequestContent",
    "LocationRequired",
}
"""What the gateway turns away before any provider hears of it leaves no event."""


class WriteRefused(Exception):
    """The tenant refused what a person tried through `write` or `remove`."""


class Tenant:
    """A simulated tenant. `clock` defaults to a virtual one that stands still."""

    def __init__(
        self,
        clock: Clock | None = None,
        *,
        tenant_id: str = TENANT_ID,
        seed: int = 0,
        throttling: bool = False,
        rbac: bool = False,
    ) -> None:
        """Begin without resources; equal seeds and calls give equal tenants.

        With `rbac` only role assignments let anybody do anything; none is there at first.
        """
        rows.teach()
        self.clock: Clock = clock or VirtualClock()
        self.tenant_id = tenant_id
        self.requests: list[LoggedRequest] = []
        self.faults = Faults()
        self.state = State(tenant_id, seed)
        self._lock = threading.RLock()
        self.principals = Principals(tenant_id)
        self.directory = Directory(self.principals)
        self.access = Access(self.state, self.principals, self.clock.now) if rbac else None
        self.gates = Gates(self.state, self.access)
        self.operations = Operations(self.state)
        self.events = EventFeed(seed, self._catch_up)
        self.grid = EventGrid(self.state, self.clock.now, self._lock, self._catch_up, seed)
        self.events.followers.append(self.grid.publish)
        self.operations.checks.append(self.grid.check)
        self.tokens = Tokens(tenant_id, seed)
        self.entra = Entra(tenant_id, self.tokens, self.state.guid)
        self.throttle = Throttle(enabled=throttling)
        self.listing = Listing(self.state, self.gates, self.principals)
        self.resources = Resources(self.state, self.operations, self.gates, self._report)
        self.logs, self.topic = Logs(), Topic()
        self.log_queries = LogQueries(self.state, self.gates)
        self.graph = Graph(self.state, self.gates, seed)
        self.graph.quota_enforced = throttling
        self.graph.follow(self.clock.now)
        self._providers = Providers(self.state, self.gates, self.graph)
        self._links, self._seeder = Links(self.state), Seeder(self.state)
        for definition in built_in_roles():
            self.load(definition)

    # Arranging

    @property
    def policies(self) -> list[PolicyDenial]:
        """Deny policies in force; add to it."""
        return self.gates.policies

    @property
    def unregistered(self) -> set[str]:
        """Provider namespaces that the subscriptions are not registered for; add to it."""
        return self.gates.unregistered

    @property
    def writes(self) -> list[LoggedRequest]:
        """Requests that changed something or were accepted to; queries by POST are not."""
        return [request for request in self.requests if request.is_write]

    def add_identity(self, identity: Identity) -> str:
        """Let someone in. Returns a bearer token, good for `token_life` (an hour)."""
        return self.token(identity)

    def token(
        self, identity: Identity, *, tenant_id: str | None = None, audience: str = ARM
    ) -> str:
        """A fresh token for a service; with `tenant_id` one that another tenant issued."""
        with self._lock:
            return self.tokens.issue(identity, self.clock.now(), tenant_id, audience)

    @property
    def token_life(self) -> timedelta:
        """How long tokens issued from now on are good."""
        return self.tokens.life

    @token_life.setter
    def token_life(self, life: timedelta) -> None:
        self.tokens.life = life

    @property
    def operation_seconds(self) -> float | None:
        """How long every operation takes, and when clients are told to look again.

        None: as the type of each resource says.
        """
        return self.operations.seconds

    @operation_seconds.setter
    def operation_seconds(self, seconds: float | None) -> None:
        self.operations.seconds = seconds

    @property
    def fresh_principals(self) -> set[str]:
        """Object ids, lower case, that the directory has not replicated yet; change it."""
        return self.state.fresh_principals

    @property
    def made_parents(self) -> list[str]:
        """Ids of resources that `load` made only because a document needed a parent."""
        return self._seeder.made

    def refuse(self, identity: Identity, action: str, scope: str) -> None:
        """Deny `identity` the actions that match a glob, at and below a scope (`/`: all)."""
        self.gates.refuse(identity, action, scope)

    @property
    def propagation(self) -> timedelta:
        """How long assignments that clients make or delete take to count (`rbac` only)."""
        return self._controlled().propagation

    @propagation.setter
    def propagation(self, delay: timedelta) -> None:
        self._controlled().propagation = delay

    def _controlled(self) -> Access:
        if self.access is None:
            raise ValueError("this tenant was made without rbac")
        return self.access

    def fail_next_operation(self, pattern: str, code: str, message: str) -> None:
        """The next long-running operation whose type or id matches the glob ends as Failed."""
        self.operations.fail_next(pattern, code, message)

    # The owner's side

    def load(self, document: Document) -> str:
        """Seed a resource silently: no event, no operation, no checks but a usable id.

        Missing parents are made, a transient provisioning state settles to `Succeeded`, and a
        document loaded again replaces the first. Returns the id as stored. Raises ValueError
        for a document without a usable id.
        """
        with self._lock:
            loaded = self._seeder.load(document)
            if self.access is not None:
                self.access.settle(_key(loaded))
            return loaded

    def read(self, resource_id: str) -> Document | None:
        """The current document, a copy; None where there is none."""
        with self._lock:
            self._catch_up()
            found = self.state.find(_key(resource_id))
            return clone(found)  # type: ignore[no-any-return]

    def write(
        self,
        resource_id: str,
        change: Document | Callable[[Document], None],
        *,
        by: Identity,
        method: Literal["PUT", "PATCH"] = "PUT",
    ) -> None:
        """A person edits: through the same door as any client, and finished when this returns.

        A mapping is the request's body. A function gets the current document (or a bare one)
        to edit; PUT then sends the whole, PATCH the top-level members that it changed. Raises
        WriteRefused with Azure's answer.
        """
        body = change
        if callable(change):
            before = self.read(resource_id) or {}
            edited = clone(before)
            change(edited)
            body = edited if method == "PUT" else _changed(before, edited)
        self._as(by, method, resource_id, encode(body))

    def remove(self, resource_id: str, *, by: Identity) -> None:
        """A person deletes; finished when this returns. Raises WriteRefused."""
        self._as(by, "DELETE", resource_id, b"")

    def settle(self) -> None:
        """End every long-running operation now."""
        with self._lock:
            self.operations.settle(self.clock.now())

    # The clients' side

    def handle(self, request: Request) -> Response:
        """Answer one request. Raises Lost where a fault keeps the answer from the client."""
        with self._lock:
            self._catch_up()
            now = self.clock.now()
            target = locate(request.url)
            if target.base == AUTHORITY:
                return self.entra.answer(request, target, now)
            fault = self.faults.strike(request.method, target.path)
            if fault is not None and fault.what.endswith("-before"):
                raise Lost(timed_out=fault.what == "timeout-before")
            correlation = request.headers.get("x-ms-correlation-request-id") or self.state.guid()
            request_id = self.state.guid()
            response, identity = self._respond(request, target, fault, (correlation, request_id))
            self._sign(response, request, correlation, request_id)
            self.requests.append(logged(request, target, response, identity, now))
        if fault is not None and fault.what.endswith("-after"):
            raise Lost(timed_out=fault.what == "timeout-after")
        return response

    def _respond(
        self, request: Request, target: Target, fault: Fault | None, ids: tuple[str, str]
    ) -> tuple[Response, Identity | None]:
        identity: Identity | None = None
        call: Call | None = None
        now = self.clock.now()
        try:
            identity = self.tokens.identify(request, now, target.base, audience_of(target))
            if fault is not None:
                self._strike(fault, target, now)
            if is_directory(target):
                question = Question(request, target, identity, ids[1], now)
                return self.directory.answer(question), identity
            if (taken := self._monitor(request, target, identity, now)) is not None:
                return taken, identity
            call = Call(request, target, _address(target), identity, *ids, now)
            check_version(target)
            headers = self.throttle.admit(call)
            with self.state.acting(call, now):
                response = self._dispatch(call)
            response.headers.update(headers)
        except Refusal as refusal:
            if call is not None:
                self._report_failure(call, refusal)
            if is_directory(target):
                response = told(refusal, request, ids[1], now)
            else:
                response = refusal.response()
        return response, identity

    def _monitor(
        self, request: Request, target: Target, identity: Identity, now: datetime
    ) -> Response | None:
        """What logs and notices come to, and what logs are asked by; None for ARM's own."""
        if is_log_query(target):
            return self.log_queries.answer(request, target, identity, now)
        return arrival(request, target, self.logs, self.topic, now)

    def _dispatch(self, call: Call) -> Response:
        special = self._special(call)
        if special is not None:
            return special
        address = call.address
        if address.subscription and not self.state.exists(address.subscription_id.lower()):
            raise subscription_not_found(address.subscription)
        about_provider = self._providers.answer(call)
        if about_provider is not None:
            return about_provider
        self.gates.authorize(call)
        if call.is_write:
            call = replace(call, grant=self.gates.grant(call))
        if address.rest or not address.name:
            return self._on_collection(call)
        if (tags := Tagging(self.state, self.gates, self._report).answer(call)) is not None:
            return tags
        handlers = {
            "GET": self.resources.get,
            "HEAD": self.resources.head,
            "PUT": self.resources.put,
            "PATCH": self.resources.patch,
            "DELETE": self.resources.delete,
        }
        handler = handlers.get(call.method)
        if handler is None or (call.is_write and address.type == SUBSCRIPTION):
            raise unknown(f"{call.method} on {address.type} itself")
        return handler(call)

    def _on_collection(self, call: Call) -> Response:
        if call.method == "POST" and call.address.name:
            return self.resources.post(call)
        if call.method == "GET":
            odd = self.state.entries.get(call.target.path.lower())
            if odd is not None:
                found = replace(call, address=odd.address)
                self.gates.authorize(found)
                return self.resources.get(found)
            return self.listing.collection(call)
        raise unknown(f"{call.method} {call.target.path}")

    def _special(self, call: Call) -> Response | None:
        """Answers that are about no resource: polls of operations."""
        path = call.target.path
        operation = self.operations.by_id.get(path.rsplit("/", 1)[-1].lower())
        if operation is None or call.method != "GET":
            return None
        self.gates.require(call, call.action)
        monitor = call.target.query.get("monitor") == "true"
        return self.operations.poll(operation, path, monitor=monitor)

    def _strike(self, fault: Fault, target: Target, now: datetime) -> None:
        if fault.what == "token-expired":
            raise self.tokens.expired(now, now, target.base)
        if fault.what == "throttle":
            raise self.throttle.refusal(fault.headers)
        if fault.what == "status":
            raise Refusal(fault.status, fault.code, fault.message, headers=fault.headers)

    # What follows an answer

    def _report(self, call: Call, *, created: bool, succeeded: bool, at: datetime) -> None:
        if not call.address.subscription:
            return
        event = activity(
            call,
            self.events.guid(),
            self.tenant_id,
            at,
            created=created,
            outcome="Success" if succeeded else "Failure",
        )
        event["data"]["tenantId"] = self.state.tenant_of(call.address.subscription)
        self.events.emit(event)

    def _report_failure(self, call: Call, refusal: Refusal) -> None:
        unheard = refusal.status in _UNREPORTED or refusal.code in _MALFORMED
        if call.is_write and not unheard and call.address.name:
            fresh = call.method == "PUT" and not self.state.exists(call.address.key)
            allowed = replace(call, grant=self.gates.grant(call))
            self._report(allowed, created=fresh, succeeded=False, at=call.now)

    def _sign(
        self, response: Response, request: Request, correlation: str, request_id: str
    ) -> None:
        response.headers["x-ms-request-id"] = request_id
        response.headers["x-ms-correlation-request-id"] = correlation
        client = request.headers.get("x-ms-client-request-id")
        if client:
            response.headers["x-ms-client-request-id"] = client

    def _catch_up(self) -> None:
        with self._lock:
            self.operations.run_due(self.clock.now())

    def _as(self, identity: Identity, method: str, resource_id: str, body: bytes) -> None:
        row = row_of(parse(resource_id).type)
        version = row.api_version if row else "2024-01-01"
        headers = {"authorization": f"Bearer {self.token(identity)}"}
        url = f"{resource_id}?api-version={version}"
        response = self.handle(Request(method, url, headers, body))
        if response.status >= _SUCCESS:
            text = response.body.decode() or str(response.status)
            raise WriteRefused(f"{method} {resource_id}: {response.status} {text}")
        with self._lock:
            self.operations.settle(self.clock.now(), _key(resource_id))


def _changed(before: Document, after: Document) -> Document:
    return {name: value for name, value in after.items() if before.get(name) != value}


def _key(resource_id: str) -> str:
    return "/" + unquote(resource_id).strip("/").lower() if resource_id.strip("/") else ROOT


def _address(target: Target) -> Address:
    try:
        return parse(target.path)
    except ValueError as error:
        raise Refusal(404, "InvalidResourceId", str(error)) from error
