"""When Event Grid tries again, when it waits, and when it gives up.

The schedule, the codes and the times of probation are those of Microsoft's page on delivery and
retry (02/2026). Where that page is silent the words here say so.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

SCHEDULE = (10, 30, 60, 300, 600, 1800, 3600, 10800, 21600)
"""Seconds from one attempt to the next, by the number of attempts made; then every 12 hours."""
LATER = 43200
SPREAD = 0.1
"""Each step is made longer by up to this part; how much Azure adds is not documented."""
TROUBLED = 10
"""Failures one after another from which on an endpoint is left alone for longer and longer."""
LONGEST_PROBATION = 3 * 3600
"""Seconds; Microsoft says "in some cases, up to several hours"."""
BURIAL = timedelta(minutes=5)
"""From the last attempt to the dead letter."""
UNBURIABLE = timedelta(hours=4)
"""How long a dead letter waits for its container; then it is gone."""

_PROBATION = {
    "Busy": 10,
    "NotFound": 300,
    "SocketError": 30,
    "ResolutionError": 300,
    "TimedOut": 10,
    "Unauthorized": 300,
    "Forbidden": 300,
}
_OUTCOMES = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    408: "TimedOut",
    413: "PayloadTooLarge",
}
_NEVER_AGAIN = {"BadRequest", "PayloadTooLarge", "Forbidden"}
_AT_LEAST = {408: 120, 503: 30}
"""Seconds until the next attempt; after 401 and 404 probation is longer anyway."""


@dataclass(frozen=True)
class Failure:
    """One attempt that failed.

    `outcome` is Azure's word, `status` 0 where nobody answered. `webhook` is False for what is a
    resource of Azure itself, which may be let in a little later.
    """

    outcome: str
    status: int = 0
    webhook: bool = True

    @classmethod
    def of(cls, status: int, *, webhook: bool = True) -> "Failure":
        """Codes without a word of their own in Microsoft's table are `Busy` here."""
        return cls(_OUTCOMES.get(status, "Busy"), status, webhook)

    @property
    def final(self) -> bool:
        """Whether there is no use in another attempt."""
        return self.outcome in _NEVER_AGAIN or (self.outcome == "Unauthorized" and self.webhook)

    @property
    def reason(self) -> str:
        """Why a final failure is dead-lettered: as Azure words it for 400, alike for others."""
        return f"UndeliverableDueToHttp{self.outcome}"

    def wait(self, attempts: int, chance: random.Random) -> timedelta:
        """How long until the next attempt, when so many were made."""
        step = SCHEDULE[attempts - 1] if attempts <= len(SCHEDULE) else LATER
        least = _AT_LEAST.get(self.status, 0)
        return timedelta(seconds=max(step, least) * (1 + SPREAD * chance.random()))

    def probation(self, failures: int) -> timedelta:
        """How long the event subscription is left alone, after so many failures in a row.

        That it doubles is ours: Microsoft says only that deliveries are delayed.
        """
        seconds = _PROBATION.get(self.outcome, 0)
        if failures >= TROUBLED:
            doubled = 60 * 2 ** min(failures - TROUBLED, 10)
            seconds = max(seconds, min(doubled, LONGEST_PROBATION))
        return timedelta(seconds=seconds)


def blob_name(subscription: str, guid: str, at: datetime) -> str:
    """Where dead letters lie in their container: the name in capitals, no leading zeros."""
    hour = f"{at.year}/{at.month}/{at.day}/{at.hour}"
    return f"{subscription.upper()}/{hour}/{guid}.json"
