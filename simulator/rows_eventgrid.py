"""System topics and event subscriptions: what Azure accepts when one is written.

What is checked against the world (does the endpoint agree, is the storage account there) is
checked while the operation runs, by `simulator.eventgrid`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from simulator.address import SUBSCRIPTION, parse
from simulator.documents import Document, clone, dig, merge
from simulator.eventgrid_endpoints import CLOUD, DESTINATIONS, base_url, described
from simulator.eventgrid_filters import completed, invalid
from simulator.types import Long, ResourceType
from simulator.wire import Refusal, unknown
from simulator.writes import Write

TOPICS = "Microsoft.EventGrid/systemTopics"
ON_TOPICS = f"{TOPICS}/eventSubscriptions"
ON_SCOPES = "Microsoft.EventGrid/eventSubscriptions"

_TOPIC_TYPE = "Microsoft.Resources.Subscriptions"
_SCHEMAS = ("EventGridSchema", CLOUD)
_POLICY = {"maxDeliveryAttempts": (30, 30), "eventTimeToLiveInMinutes": (1440, 1440)}
"""By setting of the retry policy: what it is by default, and at most."""
_PARTS = (
    "deadLetterDestination",
    "deadLetterWithResourceIdentity",
    "deliveryWithResourceIdentity",
    "destination",
    "eventDeliverySchema",
    "expirationTimeUtc",
    "filter",
    "labels",
    "retryPolicy",
)
_EITHER = (
    ("destination", "deliveryWithResourceIdentity"),
    ("deadLetterDestination", "deadLetterWithResourceIdentity"),
)
_SUPPLIED_URL = (
    "Supplied URL is invalid. It cannot be null or empty and should be a proper HTTPS URL like "
    "https://www.example.com."
)


def given(body: Document, method: str) -> Document:
    """What a request says of an event subscription: PATCH has no `properties` around it."""
    held: Document = body if method == "PATCH" else body.get("properties") or {}
    return held


def check_topic(write: Write) -> None:
    """One system topic a source, of the kind known here: a subscription, in `global`."""
    properties = write.after.get("properties") or {}
    source = str(properties.get("source", ""))
    if write.before is not None:
        held = str(dig(write.before, "properties.source", ""))
        if held.lower() != source.lower():
            raise Refusal(400, "InvalidRequest", "System topic source cannot be modified.")
        return
    if str(properties.get("topicType", "")).lower() != _TOPIC_TYPE.lower():
        raise unknown(f"system topics of type {properties.get('topicType')!r}")
    if source.lower() != write.address.subscription_id.lower():
        raise unknown("a system topic for another source than the subscription that it is in")
    if str(write.after.get("location", "")).lower() != "global":
        raise unknown("a system topic for a subscription in another location than global")
    topics = write.state.of_type(write.address.subscription, TOPICS.lower()).entries.values()
    if any(str(dig(one.document, "properties.source")).lower() == source.lower() for one in topics):
        raise Refusal(
            400,
            "InvalidRequest",
            f"There is an existing tracked system topic for the given source {source}. Only one "
            "system topic is allowed per source.",
        )


def check_unused(write: Write) -> None:
    if any(True for _ in write.state.below(write.address.key)):
        raise unknown("what becomes of event subscriptions whose system topic is deleted")


def check_subscription(write: Write) -> None:
    """Complete an event subscription as the provider does, and refuse what it refuses."""
    before = dig(write.before, "properties", {})
    properties = write.after.setdefault("properties", {})
    if write.method == "PATCH":
        _move(write.after, properties, before)
    if str(parse(write.address.scope).type) != SUBSCRIPTION and not write.address.is_child:
        raise unknown("event subscriptions on another scope than a subscription")
    if properties.get("expirationTimeUtc"):
        raise unknown("event subscriptions that expire")
    renewed = write.method == "PUT" or bool(described(write.body))
    _check_destination(described(properties), renewed=renewed)
    schema = properties.setdefault("eventDeliverySchema", _SCHEMAS[0])
    if schema not in _SCHEMAS:
        raise unknown(f"the delivery schema {schema!r} on a system topic")
    properties["retryPolicy"] = _policy(properties.get("retryPolicy") or {})
    properties["filter"] = completed(properties.get("filter") or {})
    properties.setdefault("labels", None)
    child = write.address.is_child
    properties["topic"] = write.address.parent if child else write.address.scope


def _move(after: Document, properties: Document, before: Mapping[str, Any]) -> None:
    """A PATCH's parts go to where the document has them; each replaces what was there."""
    parts = {name: after.pop(name) for name in _PARTS if name in after}
    for one, other in _EITHER:
        if one in parts:
            properties.pop(other, None)
        if other in parts:
            properties.pop(one, None)
    whole = frozenset(_PARTS) - {"retryPolicy"}
    merged = merge(before, parts, whole=whole)
    properties.update({name: clone(merged[name]) for name in parts})


def _policy(policy: Mapping[str, Any]) -> Document:
    settled = {}
    for name, (usual, most) in _POLICY.items():
        value = policy.get(name, usual)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise invalid(f"{name} must be an integer from 1 to {most}.")
        settled[name] = value
    return settled


def _check_destination(found: Document, *, renewed: bool) -> None:
    kind = str(found.get("endpointType", ""))
    if not kind:
        raise invalid("the destination has no endpointType.")
    if kind.lower() not in {one.lower() for one in DESTINATIONS}:
        raise unknown(f"deliveries to {kind}")
    inner = found.get("properties") or {}
    if int(inner.get("maxEventsPerBatch") or 1) > 1:
        raise unknown("deliveries of several events at once")
    if kind.lower() == "webhook":
        if renewed:
            _check_url(inner)
    elif not inner.get("resourceId"):
        raise invalid("the destination has no resourceId.")
    elif kind.lower() == "storagequeue" and not inner.get("queueName"):
        raise invalid("the destination has no queueName.")


def _check_url(inner: Document) -> None:
    """A webhook's URL is shown without its query from now on, and is given anew each time."""
    url = str(inner.pop("endpointUrl", None) or "")
    parts = urlsplit(url)
    # Azure wants https; a test's or a laptop's own endpoint has no certificate.
    plain = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
    if not parts.hostname or not (parts.scheme == "https" or plain):
        raise invalid(_SUPPLIED_URL)
    inner["endpointBaseUrl"] = base_url(url)


_CREATE = Long(style="azure-asyncoperation", status=201, seconds=10, state="Creating")
# What was delivered to goes on until the new endpoint has proven itself.
_UPDATE = replace(_CREATE, state="Updating", lands="end")
_DELETE = Long(style="location", status=202, seconds=10, body="none")

_SUBSCRIPTIONS = ResourceType(
    ON_TOPICS,
    api_version="2025-02-15",
    create=_CREATE,
    update=_UPDATE,
    patched=_UPDATE,
    delete=_DELETE,
    read_only=("properties.provisioningState", "properties.topic"),
    rules=(check_subscription,),
    located=False,
)
ROWS = (
    ResourceType(
        TOPICS,
        api_version="2025-02-15",
        create=_CREATE,
        update=_UPDATE,
        patched=_UPDATE,
        delete=_DELETE,
        read_only=("properties.provisioningState", "properties.metricResourceId"),
        computed={"properties.metricResourceId": "{guid}"},
        rules=(check_topic,),
        removal=check_unused,
    ),
    _SUBSCRIPTIONS,
    replace(_SUBSCRIPTIONS, name=ON_SCOPES),
)
