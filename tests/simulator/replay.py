"""Replays the first write of a recorded flow against a fresh tenant.

Only what decides the outcome is arranged, and only from what the recording itself shows: the
groups, parents and references that the flow takes for granted, and the resource as the flow saw it
before it wrote, or after where it never looked before.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from simulator.address import ROOT, Address, parse
from simulator.clock import VirtualClock
from simulator.drafts import filled_in
from simulator.tenant import Request, Response, Tenant
from simulator.types import ResourceType, row_of
from tests.simulator.client import ROBOT
from tests.simulator.shapes import Shape, shape

Flow = dict[str, Any]
_CREATES_OR_MISSES = {201, 202, 404, 409}
_BEING_MADE = {"Creating", "Initializing", "RegisteringDns"}
_OK = {200, 201}
_ACCEPTED = 202


@dataclass(frozen=True)
class Look:
    """What of an answer a client's next step depends on, and the shape of its body.

    `landed` is the resource's shape when the operation has ended, where a write was accepted
    without showing the resource and the flow reads it later; else it is empty.
    """

    status: int
    polls_operation: bool
    polls_location: bool
    error: str
    shape: Shape
    landed: Shape = frozenset()

    @staticmethod
    def of(status: int, headers: Any, body: Any) -> "Look":
        names = {name.lower() for name in headers}
        asynchronous, location = "azure-asyncoperation" in names, "location" in names
        return Look(status, asynchronous, location, _error_code(body), shape(body))

    @property
    def outcome(self) -> "Look":
        """The same without shapes."""
        return replace(self, shape=frozenset(), landed=frozenset())


def _error_code(body: Any) -> str:
    """Most providers wrap the code in `error`; some say it at the top."""
    if not isinstance(body, dict):
        return ""
    error = body.get("error") or body
    return str(error.get("code", ""))


def read_flow(file: Path) -> Flow:
    flow: Flow = json.loads(file.read_text(encoding="utf-8"))
    return flow


def recorded_look(flow: Flow) -> Look:
    answer = _write(flow)["response"]
    look = Look.of(answer["status"], answer["headers"], answer.get("body"))
    later = _landed(flow)
    return look if later is None else replace(look, landed=shape(later))


def has_body(flow: Flow) -> bool:
    """Whether the recording kept what was sent, where something was."""
    sent = flow["operation"] in {"PUT", "PATCH"}
    return not sent or bool(_write(flow)["request"].get("body"))


def path_of(flow: Flow) -> str:
    """Where the flow wrote."""
    return _path(_write(flow))


def replay(flow: Flow) -> Look:
    """Send the flow's write to a tenant where it can happen. Returns how that looks."""
    exchange = _write(flow)
    url = urlsplit(exchange["request"]["url"])
    path = _path(exchange)
    clock = VirtualClock()
    tenant = Tenant(clock)
    _arrange(tenant, flow, parse(path))
    body = exchange["request"].get("body")
    token = tenant.token(ROBOT)
    if recorded_look(flow).error == "ExpiredAuthenticationToken":
        clock.advance(tenant.token_life)
    request = Request(
        exchange["request"]["method"],
        f"{quote(path)}?{url.query}",
        {**exchange["request"]["headers"], "authorization": f"Bearer {token}"},
        b"" if body is None else json.dumps(body).encode(),
    )
    response: Response = tenant.handle(request)
    look = Look.of(response.status, response.headers, response.json())
    if _landed(flow) is None:
        return look
    tenant.settle()
    return replace(look, landed=shape(tenant.read(parse(path).id)))


def _write(flow: Flow) -> Any:
    return next(
        exchange
        for exchange in flow["exchanges"]
        if exchange["request"]["method"] == flow["operation"]
        and exchange["response"]["status"] == flow["write_status"]
    )


def _path(exchange: Any) -> str:
    """The path as the service understood it: recorders doubled slashes and escaped some."""
    path = unquote(urlsplit(exchange["request"]["url"]).path)
    return "/" + path.lstrip("/")


def _arrange(tenant: Tenant, flow: Flow, address: Address) -> None:
    exchange = _write(flow)
    body = exchange["request"].get("body") or {}
    missing = recorded_look(flow).error
    if address.subscription:
        tenant.load({"id": address.subscription_id})
    if address.group and missing != "ResourceGroupNotFound":
        tenant.load({"id": address.group_id, "location": "eastus"})
    if missing in {"ResourceGroupNotFound", "ParentResourceNotFound"}:
        return
    _load_absent(tenant, address.parent)
    for reference in _references(body):
        if not reference.lower().startswith(address.key):
            _load_absent(tenant, reference)
    before = _before(flow, address)
    if before is not None:
        tenant.load({**before, "id": address.id})
    if missing == "RoleAssignmentExists":
        # Another assignment says the same: nothing else is refused so.
        tenant.load({**body, "id": f"{address.id.rsplit('/', 1)[0]}/{tenant.state.guid()}"})


def _before(flow: Flow, address: Address) -> Flow | None:
    """The resource as the write found it; None where it was not there.

    The flow's last sight of it before the write. Where it had none: what a deletion answered
    that it deleted, or the first read after a change. Where nobody ever looked, a bare one.
    """
    write = _write(flow)
    at = flow["exchanges"].index(write)
    sights = [_sight(exchange, address) for exchange in flow["exchanges"][:at]]
    seen = [sight for sight in sights if sight is not None]
    if seen and (seen[-1] or flow["operation"] == "PUT"):
        return seen[-1] or None
    if not address.name or not _was_there(flow["operation"], write["response"]):
        return None
    after = at if flow["operation"] == "DELETE" else at + 1
    seen_later = _first_sight(flow["exchanges"][after:], address)
    return seen_later or _bare(address, write["request"].get("body") or {}, flow["api_version"])


def _bare(address: Address, body: Flow, version: str) -> Flow:
    """A resource of which the recording shows nothing: as its type is with nothing chosen."""
    row = row_of(address.type) or ResourceType(address.type)
    located = {"location": body.get("location", "eastus")} if row.located else {}
    return {**filled_in(row, row.defaults, version), **located}


def _landed(flow: Flow) -> Flow | None:
    """The resource as read after a write that was accepted without showing it."""
    write = _write(flow)
    body = write["response"].get("body")
    if flow["operation"] == "DELETE" or write["response"]["status"] != _ACCEPTED:
        return None
    if isinstance(body, dict) and "id" in body:
        return None
    later = flow["exchanges"][flow["exchanges"].index(write) + 1 :]
    return _first_sight(later, parse(_path(write)))


def _first_sight(exchanges: list[Any], address: Address) -> Flow | None:
    return next(filter(None, (_sight(exchange, address) for exchange in exchanges)), None)


def _sight(exchange: Any, address: Address) -> Flow | None:
    """The document that an answer showed of the resource; empty for none, None for no word."""
    answered = exchange["response"]
    body = answered.get("body")
    if isinstance(body, dict) and str(body.get("id", "")).lower() == address.key:
        return body if answered["status"] in _OK else None
    gone = answered["status"] == 404 and parse(_path(exchange)).key == address.key
    return {} if gone else None


def _was_there(method: str, answer: Any) -> bool:
    """Whether an answer tells that the resource existed, where the flow never read it."""
    if method == "PUT":
        state = ((answer.get("body") or {}).get("properties") or {}).get("provisioningState")
        return answer["status"] not in _CREATES_OR_MISSES and state not in _BEING_MADE
    return answer["status"] != 404 and (method == "POST" or answer["status"] != 204)


def _load_absent(tenant: Tenant, resource_id: str) -> None:
    if resource_id.rstrip("/") not in {"", ROOT} and tenant.read(resource_id) is None:
        tenant.load({"id": resource_id, "location": "eastus"})


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _references(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name == "id" and isinstance(item, str) and item.startswith("/subscriptions/"):
                yield item
            else:
                yield from _references(item)
