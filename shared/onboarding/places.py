"""What is found in a subscription, and whether it can be taken; what cannot be read says why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from shared.cloud import Writer
from shared.errors import Refused, Unusable, Why
from shared.model import Resource, ResourceId
from shared.onboarding.bodies import TOPIC_TYPE
from shared.onboarding.parts import EVENTS_VERSION, Place

_T = TypeVar("_T")
_SUBSCRIPTIONS: Final = "2022-12-01"


def place(arm: Writer, subscription: str) -> Place:
    """A subscription that can be taken, with the system topic that it has.

    Raises:
        Unusable: it is not there, is another tenant's, or takes no writes.
        Transient, Refused: it cannot be read.
    """
    at = ResourceId(f"/subscriptions/{subscription}")
    try:
        found = arm.get(at, _SUBSCRIPTIONS)
    except Refused as refused:
        raise Unusable(
            f"subscription {subscription} cannot be read: {refused};"
            " see those that you can: az account list"
        ) from refused
    if found is None:
        raise Unusable(f"there is no subscription {subscription}: az account list")
    state = str(found.get("/state") or "Enabled")
    if state not in ("Enabled", "Warned"):
        raise Unusable(f"subscription {subscription} is {state}: nothing can be written there")
    tenant = str(found.get("/tenantId") or "").casefold()
    if tenant and tenant != arm.tenant():
        raise Unusable(
            f"subscription {subscription} is of tenant {tenant}, and you are signed in to"
            f" {arm.tenant()}: az login --tenant {tenant}"
        )
    return Place(subscription=subscription, topic=_topic(arm, at))


def _topic(arm: Writer, at: ResourceId) -> Resource | None:
    for one in listed(arm, f"{at}/providers/Microsoft.EventGrid/systemTopics", EVENTS_VERSION):
        kind = str(one.get("/properties/topicType") or "")
        source = ResourceId(str(one.get("/properties/source") or "/none"))
        if kind.casefold() == TOPIC_TYPE.casefold() and source == at:
            return one
    return None


def get(arm: Writer, at: ResourceId, api_version: str) -> Resource | None:
    """As `Arm.get`; a refusal says what to do about it."""
    return _asked(lambda: arm.get(at, api_version), at)


def listed(arm: Writer, collection: str, api_version: str) -> list[Resource]:
    """As `Arm.list`, all of it; a refusal says what to do about it."""
    at = ResourceId(collection.partition("?")[0])
    return _asked(lambda: list(arm.list(collection, api_version)), at)


def _asked(ask: Callable[[], _T], at: ResourceId) -> _T:
    try:
        return ask()
    except Refused as refused:
        raise with_mend(refused, at) from refused


def with_mend(refused: Refused, at: ResourceId) -> Refused:
    """The same refusal, with what to do about it."""
    mend = _BY_CODE.get(refused.code.casefold()) or _MENDS.get(refused.why, "")
    if not mend:
        return refused
    told = mend.format(subscription=at.subscription, namespace=at.type.partition("/")[0], at=at)
    return Refused(f"{refused}; {told}", refused.why, refused.code)


_MENDS: Final[Mapping[Why, str]] = {
    Why.FORBIDDEN: (
        "this takes Owner, or Contributor with User Access Administrator, on"
        " /subscriptions/{subscription}: have somebody who holds it run the same command"
    ),
    Why.LOCKED: "take the lock off for the while, and run the same command",
    Why.POLICY_DENIED: "Azure Policy denies it: exempt {at}, and run the same command",
    Why.DENY_ASSIGNMENT: "a deny assignment stands there: ask who made it",
    Why.NOT_REGISTERED: (
        "az provider register --wait --subscription {subscription} --namespace {namespace},"
        " and run the same command"
    ),
    Why.READ_ONLY: "the subscription takes no writes: enable it, and run the same command",
}
_BY_CODE: Final[Mapping[str, str]] = dict.fromkeys(
    (
        "invalidlocation",
        "invalidresourcegrouplocation",
        "locationnotavailableforresourcegroup",
        "locationnotavailableforresourcetype",
    ),
    "set AZURE_LOCATION to a region that takes it: az account list-locations",
)
