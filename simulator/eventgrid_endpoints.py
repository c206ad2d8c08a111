"""Where events go: webhooks, functions and storage queues, and how a webhook proves itself.

As Microsoft's pages on endpoint validation and on delivery have it. Only synchronous handshakes
are known: where nobody visits the `validationUrl` Azure gives up after ten minutes, this at once.
"""

import base64
import http.client
import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from simulator.documents import Document, dig
from simulator.events import Event, shaped
from simulator.wire import Request, Response, encode

WAIT = 30
"""Seconds that an endpoint has to answer."""
LONGEST_MESSAGE = 64 * 1024
"""Bytes of a storage queue's message, after base64."""
ORIGIN = "eventgrid.azure.net"
CLOUD = "CloudEventSchemaV1_0"
DESTINATIONS = ("WebHook", "AzureFunction", "StorageQueue")

_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_HELP = "For troublehooting, visit https://aka.ms/esvalidation"

Send = Callable[[Request], Response]
"""Asks an endpoint. Raises TimeoutError where it does not answer in time, OSError where it is
not there. One that moves a virtual clock has taken that long."""


@dataclass(frozen=True)
class Destination:
    """`type` is one of `DESTINATIONS`; empty for what the simulator does not deliver to.

    `url` is a webhook's with its query, `resource_id` the function's or the storage account's.
    """

    type: str
    url: str = ""
    resource_id: str = ""
    queue: str = ""


def described(properties: Mapping[str, Any]) -> Document:
    """The destination of an event subscription, with or without the topic's identity."""
    direct = dig(properties, "destination")
    found = direct or dig(properties, "deliveryWithResourceIdentity.destination")
    return found if isinstance(found, dict) else {}


def dead_letter_container(properties: Mapping[str, Any]) -> tuple[str, str] | None:
    """Storage account id and container for what cannot be delivered; None where there is none."""
    direct = dig(properties, "deadLetterDestination")
    found = direct or dig(properties, "deadLetterWithResourceIdentity.deadLetterDestination")
    if not found:
        return None
    inner = found.get("properties") or {}
    return str(inner.get("resourceId", "")), str(inner.get("blobContainerName", ""))


def destination(properties: Mapping[str, Any], url: str = "") -> Destination:
    """Where an event subscription delivers to; `url` is a webhook's, which no GET shows."""
    found = described(properties)
    kinds = {one.lower(): one for one in DESTINATIONS}
    inner = found.get("properties") or {}
    shown = inner.get("endpointUrl") or inner.get("endpointBaseUrl") or ""
    return Destination(
        kinds.get(str(found.get("endpointType", "")).lower(), ""),
        url or str(shown),
        str(inner.get("resourceId", "")),
        str(inner.get("queueName", "")),
    )


def function_url(resource_id: str, host: str) -> str:
    """Where the Functions host takes events for one function."""
    name = resource_id.rstrip("/").rsplit("/", 1)[-1]
    return f"https://{host}/runtime/webhooks/eventgrid?functionName={name}"


def base_url(url: str) -> str:
    """A webhook's address without its query, which may hold keys."""
    return url.split("?", 1)[0]


def message(event: Event, schema: str) -> str:
    """The text of a queue's message: base64 of one event, no array around it."""
    return base64.b64encode(encode(_shaped(event, schema))).decode()


def notification(url: str, name: str, event: Event, schema: str, attempts: int) -> Request:
    """One delivery to a webhook; `attempts` are those made before it."""
    cloud = schema == CLOUD
    headers = {
        "Content-Type": f"application/{'cloudevents+json' if cloud else 'json'}; charset=utf-8",
        "Origin": ORIGIN,
        "aeg-event-type": "Notification",
        "aeg-subscription-name": name.upper(),
        "aeg-delivery-count": str(attempts),
        "aeg-metadata-version": "1.0" if cloud else str(event["metadataVersion"]),
        "aeg-output-event-id": str(event["id"]),
    }
    if not cloud:
        headers["aeg-data-version"] = str(event["dataVersion"])
    body = _shaped(event, schema)
    return Request("POST", url, headers, encode(body if cloud else [body]))


def _shaped(event: Event, schema: str) -> Event:
    return shaped(event, "cloudevents" if schema == CLOUD else "eventgrid")


@dataclass(frozen=True)
class Handshake:
    """Asks a webhook whether it wants events of `topic`. `code` is a secret of this once."""

    url: str
    name: str
    topic: str
    code: str
    at: datetime

    def shake(self, send: Send, schema: str) -> str | None:
        """Why the endpoint is refused, in Azure's words; None where it agreed."""
        cloud = schema == CLOUD
        verb = "OPTIONS" if cloud else "POST"
        try:
            answer = send(self._options() if cloud else self._validation())
        except OSError:
            return self._failed(verb, "Unknown", cloud=cloud)
        if not (200 <= answer.status < 300) or (not cloud and answer.status == 202):
            return self._failed(verb, _word(answer.status), cloud=cloud)
        if _allows(answer) if cloud else _echoes(answer, self.code):
            return None
        return (
            f"The attempt to validate the provided endpoint {base_url(self.url)} failed. "
            "For more details, visit https://aka.ms/esvalidation."
        )

    def _failed(self, verb: str, word: str, *, cloud: bool) -> str:
        return (
            f"Webhook validation handshake failed for {base_url(self.url)}. Http {verb} request "
            f"failed with response code {word}. {_HELP}{'cloudevent' if cloud else ''}. "
            f"{activity(self.code, self.at)}"
        )

    def _options(self) -> Request:
        return Request("OPTIONS", self.url, {"WebHook-Request-Origin": ORIGIN})

    def _validation(self) -> Request:
        stamp = self.at.isoformat().replace("+00:00", "Z")
        name = self.name.lower()
        event = {
            "id": self.code,
            "topic": self.topic,
            "subject": "",
            "data": {
                "validationCode": self.code,
                "validationUrl": f"https://rp-global.eventgrid.azure.net:553/eventsubscriptions/"
                f"{name}/validate?id={self.code}&t={stamp}&apiVersion=2025-02-15",
            },
            "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
            "eventTime": stamp,
            "metadataVersion": "1",
            "dataVersion": "1",
        }
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "aeg-event-type": "SubscriptionValidation",
            "aeg-subscription-name": self.name.upper(),
            "aeg-delivery-count": "0",
        }
        return Request("POST", self.url, headers, encode([event]))


def activity(code: str, at: datetime) -> str:
    """The end of the provider's messages."""
    clock = f"{at.month}/{at.day}/{at.year} {at.hour % 12 or 12}:{at:%M:%S %p}"
    return f"Activity id:{code}, timestamp: {clock} (UTC)."


def _allows(answer: Response) -> bool:
    fields = {name.lower(): value for name, value in answer.headers.items()}
    return fields.get("webhook-allowed-origin", "").lower() in {"*", ORIGIN}


def _echoes(answer: Response, code: str) -> bool:
    try:
        body = json.loads(answer.body)
    except ValueError:
        return False
    return isinstance(body, dict) and body.get("validationResponse") == code


def _word(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.replace(" ", "")
    except ValueError:
        return str(status)


def over_loopback(request: Request) -> Response:
    """Really ask an endpoint on this machine. Raises OSError, for any other host at once."""
    parts = urlsplit(request.url)
    host = parts.hostname or ""
    if host not in _LOOPBACK:
        raise OSError(f"a simulated tenant reaches loopback alone, not {host}")
    target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
    try:
        with closing(_connection(parts.scheme, host, parts.port)) as connection:
            connection.request(request.method, target, request.body, dict(request.headers))
            answer = connection.getresponse()
            return Response(answer.status, dict(answer.getheaders()), answer.read())
    except (http.client.HTTPException, ValueError) as broken:
        raise ConnectionError(str(broken)) from broken


def _connection(scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
    if scheme != "https":
        return http.client.HTTPConnection(host, port, timeout=WAIT)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(host, port, timeout=WAIT, context=context)
