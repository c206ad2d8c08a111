"""Replays the first write of a recorded flow against a fresh tenant.

Only what decides the outcome is arranged: the groups, parents and references that the flow takes
for granted, and the resource itself as the flow last read it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from simulator.address import ROOT, Address, parse
from simulator.tenant import Request, Response, Tenant
from tests.simulator.client import ROBOT

Flow = dict[str, Any]
_CREATES_OR_MISSES = {201, 202, 404}


@dataclass(frozen=True)
class Look:
    """What of an answer a client's next step depends on."""

    status: int
    polls_operation: bool
    polls_location: bool
    error: str

    @staticmethod
    def of(status: int, headers: Any, body: Any) -> "Look":
        names = {name.lower() for name in headers}
        error = (body.get("error") or {}) if isinstance(body, dict) else {}
        code = str(error.get("code", ""))
        return Look(status, "azure-asyncoperation" in names, "location" in names, code)


def read_flow(file: Path) -> Flow:
    flow: Flow = json.loads(file.read_text(encoding="utf-8"))
    return flow


def recorded_look(flow: Flow) -> Look:
    answer = _write(flow)["response"]
    return Look.of(answer["status"], answer["headers"], answer.get("body"))


def has_body(flow: Flow) -> bool:
    """Whether the recording kept what was sent, where something was."""
    return flow["operation"] in {"DELETE", "POST"} or bool(_write(flow)["request"].get("body"))


def replay(flow: Flow) -> tuple[Look, Address]:
    """Send the flow's write to a tenant where it can happen. Returns how that looks."""
    exchange = _write(flow)
    url = urlsplit(exchange["request"]["url"])
    path = _path(exchange)
    address = parse(path)
    tenant = Tenant()
    _arrange(tenant, flow, address)
    body = exchange["request"].get("body")
    request = Request(
        exchange["request"]["method"],
        f"{quote(path)}?{url.query}",
        {**exchange["request"]["headers"], "authorization": f"Bearer {tenant.token(ROBOT)}"},
        b"" if body is None else json.dumps(body).encode(),
    )
    response: Response = tenant.handle(request)
    return Look.of(response.status, response.headers, response.json()), address


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
    status = exchange["response"]["status"]
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
    before = _last_read(flow, address)
    if before is None and address.name and _was_there(flow["operation"], status):
        before = {"location": body.get("location", "eastus")}
    if before is not None:
        tenant.load({**before, "id": address.id})


def _was_there(method: str, status: int) -> bool:
    """Whether an answer tells that the resource existed, where the flow never read it."""
    if method == "PUT":
        return status not in _CREATES_OR_MISSES
    return status not in {204, 404}


def _load_absent(tenant: Tenant, resource_id: str) -> None:
    if resource_id.rstrip("/") not in {"", ROOT} and tenant.read(resource_id) is None:
        tenant.load({"id": resource_id, "location": "eastus"})


def _last_read(flow: Flow, address: Address) -> Flow | None:
    """The resource as the flow read it before it wrote; None where it read nothing, or a 404."""
    write = _write(flow)
    before = None
    for exchange in flow["exchanges"]:
        if exchange is write:
            break
        same = parse(_path(exchange)).key == address.key
        if same and exchange["request"]["method"] == "GET":
            answered = exchange["response"]
            before = answered["body"] if answered["status"] == 200 else None
    return before


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
