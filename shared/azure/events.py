"""Events of Azure Resource Manager in every form they arrive in.

Event Grid schema and CloudEvents, the old form whose `data` members are strings, one object or
an array, plain JSON or base64 of it. Nothing here is evidence: an event only says where to look.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.hints import Actor
from shared.model import ResourceId, instant
from shared.usage import Use

LARGEST = 1_000_000
_LONGEST_ID = 8_000
_CLAIMS = "http://schemas.microsoft.com/identity/claims/"
_IS_GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_SOAP = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/"


@dataclass(frozen=True, slots=True)
class Event:
    """One change that ARM told of: what, whether it succeeded, who, by the event's own words."""

    resource_id: ResourceId
    kind: str
    succeeded: bool
    actor: Actor
    use: Use | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that arrived and is no event; `text` is its beginning."""

    reason: str
    text: str


def read(payload: str | bytes) -> tuple[list[Event], list[Unreadable]]:
    """Every event of a message, and what of it cannot be read. Never raises."""
    text = payload.decode("utf-8", errors="replace") if isinstance(payload, bytes) else payload
    if len(text) > LARGEST:
        return [], [
            Unreadable(f"{len(text)} characters is more than an event may have", text[:2000])
        ]
    body = _decoded(text)
    if body is None:
        return [], [Unreadable("neither JSON nor base64 of JSON", text[:2000])]
    events: list[Event] = []
    unreadable: list[Unreadable] = []
    for one in body if isinstance(body, list) else [body]:
        found = _event(one)
        if isinstance(found, Event):
            events.append(found)
        else:
            unreadable.append(Unreadable(found, json.dumps(one)[:2000]))
    return events, unreadable


def _decoded(text: str) -> Any:
    """The JSON object or array in `text`; None where there is none."""
    for candidate in (text, _from_base64(text)):
        try:
            body = json.loads(candidate) if candidate else None
        except (ValueError, RecursionError):
            continue
        if isinstance(body, (dict, list)):
            return body
    return None


def _from_base64(text: str) -> str:
    try:
        return base64.b64decode(text.strip(), validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return ""


def _event(one: Any) -> Event | str:
    """The event, or why it is none."""
    if not isinstance(one, Mapping):
        return f"an event is an object, this is {type(one).__name__}"
    data = _object(one.get("data"))
    where = (
        one.get("subject")
        or data.get("resourceUri")
        or _object(data.get("authorization")).get("scope")
    )
    if not isinstance(where, str) or not where.strip("/ ") or len(where) > _LONGEST_ID:
        return "it names no resource"
    kind = str(one.get("eventType") or one.get("type") or "")
    operation = str(data.get("operationName") or "")
    about = ResourceId(_sound(where))
    succeeded = not kind.casefold().endswith(("failure", "cancel"))
    when = one.get("eventTime") or one.get("time")
    return Event(
        resource_id=about,
        kind=_kind(kind, operation),
        succeeded=succeeded,
        actor=_actor(one, data, operation),
        use=use_in(data, about, when) if succeeded else None,
    )


def use_in(data: Mapping[str, Any], about: ResourceId, when: Any) -> Use | None:
    """The use of a role assignment that `authorization.evidence` tells of; None without one."""
    authorization = _object(data.get("authorization"))
    evidence = _object(authorization.get("evidence"))
    scope = _text(evidence.get("roleAssignmentScope"))
    assignment = _guid(_text(evidence.get("roleAssignmentId")))
    action = _text(authorization.get("action")) or _text(data.get("operationName"))
    at = instant(when)
    if not scope.startswith("/") or not _IS_GUID.fullmatch(assignment) or "/" not in action:
        return None
    if at is None or not about.subscription:
        return None
    inside = "" if scope == "/" else scope.rstrip("/")
    named = ResourceId(f"{inside}/providers/Microsoft.Authorization/roleAssignments/{assignment}")
    where = about.resource_group or ResourceId(f"/subscriptions/{about.subscription}")
    return Use(named, where, action, at)


def uses_in(entry: Any) -> Iterator[Use]:
    """The uses that an exported activity log entry, or a document of several, tells of.

    Read are the forms of `az monitor activity-log list`, of the REST API (`value`) and of exports
    by a diagnostic setting (`records`, with `identity.authorization`).
    """
    if isinstance(entry, list):
        for one in entry:
            yield from uses_in(one)
        return
    if not isinstance(entry, Mapping):
        return
    for name in ("records", "value"):
        if isinstance(entry.get(name), list):
            yield from uses_in(entry[name])
            return
    where = entry.get("resourceId") or entry.get("resourceUri")
    if not isinstance(where, str) or not where.startswith("/") or _failed(entry):
        return
    data = {**entry, **_object(entry.get("identity"))}
    when = entry.get("eventTimestamp") or entry.get("time")
    use = use_in(data, ResourceId(_sound(where)), when)
    if use is not None:
        yield use


def _failed(entry: Mapping[str, Any]) -> bool:
    """Whether an entry says that it did not happen; a start says nothing yet."""
    status = entry.get("status") or entry.get("resultType") or ""
    word = status.get("value") if isinstance(status, Mapping) else status
    return str(word).casefold() in {"failed", "failure", "started", "start", "accept"}


def _kind(event_type: str, operation: str) -> str:
    said = f"{event_type} {operation}".casefold()
    if "resourceaction" in said or operation.casefold().endswith("/action"):
        return "action"
    return "delete" if "resourcedelete" in said else "write"


def _actor(one: Mapping[str, Any], data: Mapping[str, Any], operation: str) -> Actor:
    claims, request = _object(data.get("claims")), _object(data.get("httpRequest"))
    evidence = _object(_object(data.get("authorization")).get("evidence"))
    name = claims.get(f"{_SOAP}upn") or claims.get(f"{_SOAP}name") or claims.get("name")
    object_id = claims.get(f"{_CLAIMS}objectidentifier") or evidence.get("principalId")
    return Actor(
        name=_text(name),
        object_id=_guid(_text(object_id)),
        app_id=_text(claims.get("appid")),
        operation=_text(operation),
        correlation_id=_text(data.get("correlationId")),
        client_request_id=_text(request.get("clientRequestId")),
        at=_text(one.get("eventTime") or one.get("time")),
    )


def _object(value: Any) -> Mapping[str, Any]:
    """An object that is one, or is written as a string; empty for anything else."""
    if isinstance(value, Mapping):
        return value
    if isinstance(value, str) and value.startswith("{"):
        try:
            parsed = json.loads(value)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, Mapping) else {}
    return {}


def _text(value: Any) -> str:
    return _sound(value[:300]) if isinstance(value, str) else ""


def _sound(text: str) -> str:
    """Without halves of surrogate pairs, which JSON may spell but no encoding can hold."""
    return text.encode(errors="replace").decode()


def _guid(text: str) -> str:
    """With its dashes: `authorization.evidence` leaves them out."""
    if re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))
    return text
