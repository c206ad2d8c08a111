"""One exception tree, named by what the caller should do.

PortcullisError
├── ArmError              Azure did not do what was asked
│   ├── Transient         come again after `retry_after` seconds (429, 5xx, timeouts, busy)
│   │   ├── Unauthenticated   the token is refused: mend the identity, then it goes on by itself
│   │   └── OverBudget        nothing was sent: it waits for its turn, and is no failure
│   ├── Conflict          the etag moved: observe again, decide again
│   └── Refused           coming again cannot help; `why` says what stands in the way
├── StoreUnavailable      state cannot be read or written: no write to Azure either
│   └── NewerState            a newer version wrote it: leave it alone until that runs here too
├── NotKept               a destination of records took some of them: the others come again
├── Exists, Moved         a conditional write to state lost
├── Unusable              what a person gave cannot be used: one line that says what to do
└── PolicyError           every error of a policy file at once
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class PortcullisError(Exception):
    """Anything this project raises on purpose; its text is one line for a person."""


class ArmError(PortcullisError):
    """Azure Resource Manager did not do what was asked."""


class Transient(ArmError):
    """Worth coming again after `retry_after` seconds, the service's own where it gave one."""

    def __init__(self, message: str, retry_after: float = 30) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unauthenticated(Transient):
    """The token is refused (expired, wrong tenant) or none could be had."""


class OverBudget(Transient):
    """Not sent, for Azure would refuse it: its turn is in `retry_after` seconds."""


class Conflict(ArmError):
    """The resource changed since it was observed."""


class Why(enum.StrEnum):
    """What stands in the way of a refused call."""

    LOCKED = "locked"
    POLICY_DENIED = "policy-denied"
    DENY_ASSIGNMENT = "deny-assignment"
    FORBIDDEN = "forbidden"
    NOT_REGISTERED = "provider-not-registered"
    READ_ONLY = "subscription-read-only"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    FAILED = "operation-failed"


class Refused(ArmError):
    """Coming again cannot help; `code` is Azure's own word."""

    def __init__(self, message: str, why: Why, code: str = "") -> None:
        super().__init__(message)
        self.why = why
        self.code = code


class StoreUnavailable(PortcullisError):
    """State could not be read or written."""


class NewerState(StoreUnavailable):
    """State is of a version that this code does not know yet."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"state is of version {found}, this Portcullis knows {known} and writes nothing:"
            " deploy the newer one to this app too"
        )


class NotKept(PortcullisError):
    """A sink has all records of a call but those whose EventIds are `left`."""

    def __init__(self, message: str, left: frozenset[str]) -> None:
        super().__init__(message)
        self.left = left


class Exists(PortcullisError):
    """A row of that key is there already."""


class Moved(PortcullisError):
    """The row is gone, or is not what it was when it was read."""


class Unusable(PortcullisError):
    """An argument, a file, a setting that cannot be used."""


@dataclass(frozen=True, slots=True)
class PolicyFault:
    """One error of a policy file: where (`$.rules[0].mode`), and what to do."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


class PolicyError(PortcullisError):
    """A policy that may not be used; `faults` are all its errors."""

    def __init__(self, faults: tuple[PolicyFault, ...]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = faults
