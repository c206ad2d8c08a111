"""What an answer of Azure Resource Manager that is not a success means.

Azure has several error envelopes (`{error:{code,message}}`, `{code,message}`, `{Code,Message}`,
`{Error:{...}}`, `{Message}`, none at all), and gives the delay of a 429 in a header or in words.
"""

import re
from collections.abc import Mapping
from typing import Any

from shared.errors import ArmError, Conflict, Refused, Transient, Unauthenticated, Why

DEFAULT_WAIT = 30.0
LONGEST_WAIT = 3600.0

_BUSY = re.compile(
    r"AnotherOperationInProgress|RetryableError|OperationInProgress|ResourceBusy|"
    r"ConcurrentOperation|ServerIsBusy|PrincipalNotFound",
    re.IGNORECASE,
)
_BUSY_WORDS = re.compile(
    r"exclusive lock|operation (is )?(currently )?in progress|is busy|being (updated|used)",
    re.IGNORECASE,
)
_SECONDS = re.compile(r"(?:after|in)\s+'?(\d+)'?\s*(?:seconds|second|sec)", re.IGNORECASE)

_OF_ARM = re.compile(
    r"(Subscription|Tenant)RequestsThrottled|Number of '\w+' requests", re.IGNORECASE
)
_OF_PROVIDER = re.compile(r"srpthrottlinglimits|ResourceProvider|operation type", re.IGNORECASE)

_REASONS = {
    "scopelocked": Why.LOCKED,
    "requestdisallowedbypolicy": Why.POLICY_DENIED,
    "denyassignmentauthorizationfailed": Why.DENY_ASSIGNMENT,
    "missingsubscriptionregistration": Why.NOT_REGISTERED,
    "subscriptionnotregistered": Why.NOT_REGISTERED,
    "readonlydisabledsubscription": Why.READ_ONLY,
}
_BY_STATUS = {403: Why.FORBIDDEN, 404: Why.NOT_FOUND}


def envelope(body: Any) -> tuple[str, str]:
    """(code, message) of an error body of any form; empty where there is none."""
    if not isinstance(body, Mapping):
        return "", ""
    lowered = {str(k).casefold(): v for k, v in body.items()}
    inner = lowered.get("error")
    if isinstance(inner, Mapping):
        return envelope(inner)
    code, message = lowered.get("code"), lowered.get("message")
    details = lowered.get("details")
    if message is None and isinstance(details, list) and details:
        message = envelope(details[0])[1]
    return str(code or ""), str(message or "")


def wait_of(headers: Mapping[str, str], message: str = "") -> float | None:
    """The service's own delay in seconds, from `Retry-After` or the words; None without one."""
    given = headers.get("Retry-After") or headers.get("retry-after") or ""
    if given.strip().isdecimal():
        return min(float(given), LONGEST_WAIT)
    said = _SECONDS.search(message)
    return min(float(said[1]), LONGEST_WAIT) if said else None


def throttled_by(status: int, body: Any) -> frozenset[str]:
    """Who takes no more such requests: `arm`, the `provider`, both where that is not told.

    Nobody where it is a resource that is busy.
    """
    code, message = envelope(body)
    if status != 429 or _BUSY.search(code) or _BUSY_WORDS.search(message):
        return frozenset()
    said = f"{code} {message}"
    if _OF_ARM.search(said):
        return frozenset({"arm"})
    return frozenset({"provider"} if _OF_PROVIDER.search(said) else {"arm", "provider"})


def remaining(headers: Mapping[str, str], *, tenant: bool) -> dict[str, int]:
    """How many `reads`, `writes` or `deletes` more ARM takes from us, as its answer tells.

    The least of what it says for us and for all callers, of the subscription or of the `tenant`.
    """
    told: dict[str, int] = {}
    for scope in ("tenant", "tenant-global") if tenant else ("subscription", "subscription-global"):
        for kind in ("reads", "writes", "deletes"):
            said = headers.get(f"x-ms-ratelimit-remaining-{scope}-{kind}", "")
            if said.isdecimal():
                told[kind] = min(told.get(kind, int(said)), int(said))
    return told


def fault_of(status: int, headers: Mapping[str, str], body: Any, what: str) -> ArmError:
    """The exception for an unsuccessful answer to `what` (`GET /subscriptions/...`)."""
    code, message = envelope(body)
    said = f"{what}: {status} {code or 'without a code'}"
    # A code, too, is whatever something in between wrote.
    said = " ".join((f"{said}: {message}" if message else said).split())
    wait = wait_of(headers, message)
    if status == 401:
        return Unauthenticated(said, wait or 60)
    if status in (408, 429) or status >= 500:
        return Transient(said, DEFAULT_WAIT if wait is None else wait)
    if _BUSY.search(code) or (status in (409, 412) and _BUSY_WORDS.search(message)):
        return Transient(said, DEFAULT_WAIT if wait is None else wait)
    if status == 412:
        return Conflict(said)
    why = _REASONS.get(code.casefold()) or _BY_STATUS.get(status, Why.INVALID)
    return Refused(said, why, code)
