"""What policy can say of a finding. Apart from the policy itself, which is slow to import."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.model import Json


class Mode(enum.StrEnum):
    """How far a control may go in a scope; the first is the most cautious."""

    AUDIT = "audit"
    APPROVE = "approve"
    ENFORCE = "enforce"

    @property
    def rank(self) -> int:
        return list(Mode).index(self)


class Do(enum.StrEnum):
    """What follows for one finding."""

    REPORT = "report"
    EXEMPT = "exempt"
    ASK = "ask"
    WAIT = "wait"
    REMEDIATE = "remediate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What policy says of one finding, and where it says so.

    `source` is the deciding line (`policy.yaml:12 $.rules[0]`), or the default; `until` is when
    a WAIT ends; `parameters` are the rule's, defaults of the cure filled in. `approvers` is how
    many people have to say yes.
    """

    do: Do
    mode: Mode
    source: str
    reason: str = ""
    until: datetime | None = None
    parameters: Mapping[str, Json] = field(default_factory=dict)
    approvers: int = 1


@dataclass(frozen=True, slots=True)
class Owned:
    """Infrastructure code owns a resource: who, in words, and since when they are told of it."""

    words: str
    since: datetime


def words(duration: timedelta) -> str:
    """A duration as a policy writes it: 90m, 24h, 7d."""
    seconds = int(duration.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
