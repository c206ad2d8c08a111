"""No event of this subscription reaches the gate.

Why it matters: what changes here is found by the next sweep at the earliest, not within seconds,
and who did it is not told.
Limits: tells a delivery to the gate by the name of its queue or function, not by whether that is
the very one that runs; a filter on subjects or operations is not read. Whether events do arrive,
only their arrival shows.
Source: Microsoft Learn, "Azure subscription as an Event Grid source"; "System topics".
"""

from collections.abc import Iterator, Mapping

from detectors import SUBSCRIPTION
from shared.model import (
    Detector,
    Evidence,
    Json,
    Lookup,
    Resource,
    ResourceType,
    Severity,
    Undecided,
    Wake,
)

TOPIC = ResourceType("Microsoft.EventGrid/systemTopics", api_version="2022-06-15")
ON_TOPIC = ResourceType(f"{TOPIC.name}/eventSubscriptions", api_version=TOPIC.api_version)
ON_SCOPE = ResourceType("Microsoft.EventGrid/eventSubscriptions", api_version=TOPIC.api_version)
OF_CHANGES = (
    "microsoft.resources.resourcewritesuccess",
    "microsoft.resources.resourcedeletesuccess",
)
QUEUE = "hints"
FUNCTION = "/functions/changes"
_EXPECTED = "writes and deletes delivered to the gate"


def check(subscription: Resource) -> Iterator[Evidence]:
    # Which deliveries there are to read follows from the topics.
    subscription.related("topics")
    found = [*subscription.related("deliveries"), *subscription.related("direct")]
    if not any(_leads_here(one) for one in found):
        many = f"{len(found)} event subscriptions, none of them to the gate"
        yield Evidence("", many if found else "no event subscription", _EXPECTED)


def _leads_here(delivery: Resource) -> bool:
    """Whether it works, takes writes and deletes, and gives them to the gate."""
    settled = delivery.text("/properties/provisioningState") in ("", "succeeded")
    taken = delivery.get("/properties/filter/includedEventTypes")
    if taken is not None and not isinstance(taken, list):
        raise Undecided(f"includedEventTypes of {delivery.id} is no list")
    kinds = {str(one).casefold() for one in taken or ()}
    whole = not kinds or "all" in kinds or kinds.issuperset(OF_CHANGES)
    return settled and whole and any(map(_is_ours, _destinations(delivery)))


def _destinations(delivery: Resource) -> Iterator[Json]:
    yield delivery.get("/properties/destination")
    yield delivery.get("/properties/deliveryWithResourceIdentity/destination")


def _is_ours(destination: Json) -> bool:
    about = destination.get("properties") if isinstance(destination, Mapping) else None
    if not isinstance(about, Mapping):
        return False
    function = str(about.get("resourceId", "")).casefold().endswith(FUNCTION)
    return function or str(about.get("queueName", "")).casefold() == QUEUE


def _topics(subscription: Resource) -> Iterator[str]:
    for topic in subscription.related("topics"):
        source = topic.text("/properties/source").rstrip("/")
        if source == subscription.id.key:
            yield f"{topic.id}/eventSubscriptions"


DETECTOR = Detector(
    id="subscription-not-watched",
    title="No event of this subscription reaches the gate",
    resource_type=SUBSCRIPTION,
    severity=Severity.HIGH,
    family="gate",
    check=check,
    lookups=(
        Lookup(
            name="topics",
            type=TOPIC,
            ids=lambda one: [f"{one.id}/providers/{TOPIC.name}"],
            many=True,
        ),
        Lookup(name="deliveries", type=ON_TOPIC, ids=_topics, many=True),
        Lookup(
            name="direct",
            type=ON_SCOPE,
            ids=lambda one: [f"{one.id}/providers/{ON_SCOPE.name}"],
            many=True,
        ),
    ),
    wakes=(Wake(type=TOPIC, pointer="/properties/source"),),
)
