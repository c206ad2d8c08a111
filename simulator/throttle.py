"""Request limits: token buckets on the tenant's clock, as ARM and two providers keep them.

Per subscription, caller and kind: reads 250 and 25 a second, writes and deletes 200 and 10 a
second. Storage: 800 reads and 100 lists in 5 minutes, 1,200 writes an hour; Network: 1,000
writes in 5 minutes. Off unless asked for; the headers are always there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from simulator.call import Call
from simulator.wire import Refusal

_KINDS = {"GET": "reads", "HEAD": "reads", "DELETE": "deletes"}
_ARM = {"reads": (250, 25.0), "writes": (200, 10.0), "deletes": (200, 10.0)}
_PROVIDERS = {
    ("microsoft.storage", "reads"): (800, 300),
    ("microsoft.storage", "lists"): (100, 300),
    ("microsoft.storage", "writes"): (1200, 3600),
    ("microsoft.storage", "deletes"): (1200, 3600),
    ("microsoft.network", "writes"): (1000, 300),
    ("microsoft.network", "deletes"): (1000, 300),
}


@dataclass
class _Bucket:
    size: float
    refill: float
    level: float
    at: datetime

    def take(self, now: datetime) -> float:
        """Take one token. Returns the seconds to wait where there is none, else 0."""
        elapsed = (now - self.at).total_seconds()
        self.level = min(self.size, self.level + elapsed * self.refill)
        self.at = now
        if self.level < 1:
            return (1 - self.level) / self.refill
        self.level -= 1
        return 0.0


class Throttle:
    """Counts requests and refuses those above the limits."""

    def __init__(self, *, enabled: bool) -> None:
        """Where not `enabled`, everything is admitted."""
        self.enabled = enabled
        self._buckets: dict[tuple[str, ...], _Bucket] = {}

    def admit(self, call: Call) -> dict[str, str]:
        """Count a request. Returns the answer's limit headers; raises the 429."""
        kind = _KINDS.get(call.method, "writes")
        header = f"x-ms-ratelimit-remaining-subscription-{kind}"
        size, refill = _ARM[kind]
        if not self.enabled:
            return {header: str(size - 1)}
        subscription = call.address.subscription.lower()
        who = (subscription, call.identity.object_id, kind)
        bucket = self._bucket(who, size, refill, call.now)
        wait = bucket.take(call.now)
        if wait:
            raise _throttled(call, kind, wait)
        self._admit_provider(call, kind)
        return {header: str(int(bucket.level))}

    def refusal(self, headers: Mapping[str, str]) -> Refusal:
        """The 429 that a fault orders, with `Retry-After: 5` unless `headers` say otherwise."""
        message = "The request is being throttled as the limit has been reached."
        return Refusal(429, "TooManyRequests", message, headers={"Retry-After": "5", **headers})

    def _admit_provider(self, call: Call, kind: str) -> None:
        namespace = call.address.namespace.lower()
        listing = kind == "reads" and bool(call.address.rest or not call.address.name)
        limit = _PROVIDERS.get((namespace, "lists" if listing else kind))
        if limit is None:
            return
        count, seconds = limit
        who = (call.address.subscription.lower(), namespace, "lists" if listing else kind)
        wait = self._bucket(who, count, count / seconds, call.now).take(call.now)
        if wait:
            retry = math.ceil(wait)
            raise Refusal(
                429,
                "TooManyRequests",
                f"The request is being throttled as the limit has been reached for operation type "
                f"- {call.action}. For more information, see - https://aka.ms/srpthrottlinglimits",
                headers={"Retry-After": str(retry)},
            )

    def _bucket(self, key: tuple[str, ...], size: float, refill: float, now: datetime) -> _Bucket:
        if key not in self._buckets:
            self._buckets[key] = _Bucket(size, refill, size, now)
        return self._buckets[key]


def _throttled(call: Call, kind: str, wait: float) -> Refusal:
    retry = max(1, math.ceil(wait))
    return Refusal(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of '{kind[:-1]}' requests for subscription '{call.address.subscription}' actor "
        f"'{call.identity.object_id}' exceeded. Please try again after '{retry}' seconds after "
        "additional tokens are available. Refer to https://aka.ms/arm-throttling for additional "
        "information.",
        headers={"Retry-After": str(retry)},
    )
