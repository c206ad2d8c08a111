"""Activity events as Event Grid's subscription topics carry them, and the ways they arrive.

The shapes follow the published samples of `Microsoft.Resources.Resource*` events: no resource
body, `resourcegroups` in the subject of writes, `httpRequest` absent on create. Scopes outside of
subscriptions have no topic, so nothing is emitted for them.
"""

import base64
import json
import random
import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Literal

from simulator.address import Address
from simulator.call import PORTAL, Call, Grant, Identity, operation_type

Event = dict[str, Any]
Outcome = Literal["Success", "Failure"]
Form = Literal["eventgrid", "cloudevents", "strings"]

_CLAIM = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims"
_DIRECTORY_CLAIM = "http://schemas.microsoft.com/identity/claims"
_KINDS = {"PUT": "Write", "PATCH": "Write", "DELETE": "Delete", "POST": "Action"}
_CLIENT_ADDRESS = "203.0.113.10"


class EventFeed:
    """Everything emitted, in the order it happened; taken once.

    `followers` are told of each event when it is emitted, whether it is ever taken or not.
    """

    def __init__(self, seed: int, catch_up: Callable[[], None]) -> None:
        """`catch_up` is called before each take, so that ended operations have emitted."""
        self._random = random.Random(f"events {seed}")  # noqa: S311 - repeatable, not secret
        self._pending: list[Event] = []
        self._catch_up = catch_up
        self._lock = threading.Lock()
        self.followers: list[Callable[[Event], None]] = []

    def emit(self, event: Event) -> None:
        with self._lock:
            self._pending.append(event)
        for follower in self.followers:
            follower(event)

    def guid(self) -> str:
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def take(self) -> list[Event]:
        """Events not taken yet, in the Event Grid schema, one object per event."""
        self._catch_up()
        with self._lock:
            taken, self._pending = self._pending, []
        return taken

    def take_messages(
        self,
        *,
        form: Form = "eventgrid",
        encoding: Literal["base64", "plain"] = "base64",
        array: bool = False,
        duplicate: float = 0.0,
        drop: float = 0.0,
        shuffle: bool = False,
    ) -> list[str]:
        """What a storage queue would hold for the events not taken yet.

        `form` is the delivery schema; `strings` is the old one whose authorization, claims and
        httpRequest are JSON in strings. `duplicate` and `drop` are probabilities per event,
        `shuffle` loses the order; all three repeat for the same seed. `array` wraps each event
        in a list of one.
        """
        taken = [shaped(event, form) for event in self.take()]
        arriving = [event for event in taken if self._random.random() >= drop]
        arriving += [event for event in arriving if self._random.random() < duplicate]
        if shuffle:
            self._random.shuffle(arriving)
        texts = [json.dumps([event] if array else event) for event in arriving]
        if encoding == "plain":
            return texts
        return [base64.b64encode(text.encode()).decode() for text in texts]


def activity(
    call: Call, event_id: str, tenant_id: str, at: datetime, *, created: bool, outcome: Outcome
) -> Event:
    """The event of one finished write, delete or action, in the Event Grid schema."""
    address = call.address
    kind = _KINDS[call.method]
    subject = _spelling(address, kind)
    data: dict[str, Any] = {
        "authorization": {"scope": address.id, "action": call.action, **_evidence(call.grant)},
        "claims": _claims(call.identity, tenant_id, call.now),
        "correlationId": call.correlation_id,
    }
    if not created:
        data["httpRequest"] = {
            "clientRequestId": call.client_request_id,
            "clientIpAddress": _CLIENT_ADDRESS,
            "method": call.method,
            "url": call.target.base + call.target.path + _query(call),
        }
    data |= {
        "resourceProvider": operation_type(address).split("/", 1)[0],
        "resourceUri": subject,
        "operationName": call.action,
        "status": "Succeeded" if outcome == "Success" else "Failed",
        "subscriptionId": address.subscription,
        "tenantId": tenant_id,
    }
    return {
        "subject": subject,
        "eventType": f"Microsoft.Resources.Resource{kind}{outcome}",
        "eventTime": at.isoformat().replace("+00:00", "Z"),
        "id": event_id,
        "data": data,
        "dataVersion": "2",
        "metadataVersion": "1",
        "topic": f"/subscriptions/{address.subscription}",
    }


def _query(call: Call) -> str:
    version = call.target.api_version
    return f"?api-version={version}" if version else ""


def _spelling(address: Address, kind: str) -> str:
    """Azure's own inconsistency: writes say `resourcegroups`, deletes and actions do not."""
    if kind == "Write":
        return address.id.replace("/resourceGroups/", "/resourcegroups/", 1)
    return address.id


def _evidence(grant: Grant | None) -> dict[str, dict[str, str]]:
    """The assignment that allowed the call; nothing where none did."""
    if grant is None:
        return {}
    # Guids in evidence come without dashes.
    return {
        "evidence": {
            "role": grant.role,
            "roleAssignmentScope": grant.scope,
            "roleAssignmentId": grant.assignment_id.replace("-", ""),
            "roleDefinitionId": grant.definition_id.replace("-", ""),
            "principalId": grant.principal_id.replace("-", ""),
            "principalType": grant.principal_type,
        }
    }


def _claims(identity: Identity, tenant_id: str, now: datetime) -> dict[str, str]:
    issued = int(now.timestamp())
    claims = {
        "aud": "https://management.azure.com/",
        "iss": f"https://sts.windows.net/{tenant_id}/",
        "iat": str(issued),
        "nbf": str(issued),
        "exp": str(issued + 3600),
        "appid": identity.app_id or PORTAL,
        "appidacr": "2",
        "ipaddr": _CLIENT_ADDRESS,
        f"{_DIRECTORY_CLAIM}/objectidentifier": identity.object_id,
        f"{_CLAIM}/nameidentifier": identity.object_id,
        f"{_DIRECTORY_CLAIM}/tenantid": tenant_id,
        "uti": uuid.uuid5(uuid.NAMESPACE_URL, f"{identity.object_id}{issued}").hex[:22],
        "ver": "1.0",
    }
    if identity.kind == "User":
        name = identity.upn or identity.name
        claims |= {
            "name": identity.name,
            f"{_DIRECTORY_CLAIM}/scope": "user_impersonation",
            f"{_CLAIM}/name": name,
            f"{_CLAIM}/upn": name,
        }
    return claims


def shaped(event: Event, form: Form) -> Event:
    """An event of the Event Grid schema as another schema has it."""
    return _SHAPES[form](event)


def _cloud_event(event: Event) -> Event:
    return {
        "id": event["id"],
        "source": event["topic"],
        "subject": event["subject"],
        "type": event["eventType"],
        "time": event["eventTime"],
        "data": event["data"],
        "specversion": "1.0",
    }


def _string_event(event: Event) -> Event:
    objects = ("authorization", "claims", "httpRequest")
    data = {
        name: json.dumps(value) if name in objects else value
        for name, value in event["data"].items()
    }
    return {**event, "data": data, "dataVersion": ""}


_SHAPES: Mapping[str, Callable[[Event], Event]] = {
    "eventgrid": lambda event: event,
    "cloudevents": _cloud_event,
    "strings": _string_event,
}
