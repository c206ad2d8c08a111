"""How a sweep stands, and what it saw so far."""

from __future__ import annotations

import enum
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from shared.store import Row


class Kind(enum.StrEnum):
    """Everything that is watched, or what has changed since the last sweep."""

    FULL = "full"
    INCREMENTAL = "incremental"


LAST: Final = {Kind.FULL: "last-sweep", Kind.INCREMENTAL: "last-changes"}
"""Under which key the last sweep of a kind is kept that came to its end."""


@dataclass(kw_only=True)
class Summary:
    """What a sweep saw so far.

    `seen` are resources, `violating`, `unknown` and `exempt` verdicts on them by the index alone;
    exempt ones are among the violating. `lookups` are resources that cannot be judged without
    reading more; `hinted` how many looks were asked for, and `skipped` why others were not.
    `total` is how many rows the queries that were begun have. `unseen` are scopes that should
    be seen and are not, `unwatched` subscriptions that can be seen and no policy speaks of.
    `by_type` are a full sweep's resources by type. At its end follow `score`, and `judged` and
    `by_severity`, what the score is made of; the first of all full sweeps has no score: what it
    found was not looked at yet.
    """

    run: str
    kind: str = Kind.FULL.value
    seen: int = 0
    violating: int = 0
    unknown: int = 0
    exempt: int = 0
    lookups: int = 0
    hinted: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    unseen: int = 0
    unseen_scopes: list[str] = field(default_factory=list)
    unwatched: int = 0
    unwatched_subscriptions: list[str] = field(default_factory=list)
    calls: int = 0
    total: int = 0
    seconds: float = 0
    failed: str = ""
    by_type: dict[str, int] = field(default_factory=dict)
    score: float | None = None
    judged: int | None = None
    by_severity: dict[str, dict[str, int]] = field(default_factory=dict)

    def count(self, resource_type: str) -> None:
        kind = resource_type.casefold()
        self.by_type[kind] = self.by_type.get(kind, 0) + 1

    def skip(self, why: str) -> None:
        self.skipped[why] = self.skipped.get(why, 0) + 1


@dataclass(kw_only=True)
class Run:
    """A sweep as it stands, and the row that it was read from.

    At stop 0 are the open findings, then come the queries in their order; `token` leads to the
    page where it stands, and `passed` counts what is behind it at this stop.
    """

    summary: Summary
    started_at: datetime
    moved_at: datetime
    row: Row | None = None
    stop: int = 0
    token: str = ""
    passed: int = 0

    @property
    def kind(self) -> Kind:
        return Kind(self.summary.kind)

    @property
    def name(self) -> str:
        return self.summary.run

    def to_json(self) -> dict[str, Any]:
        return {
            "summary": asdict(self.summary),
            "started_at": self.started_at.isoformat(),
            "moved_at": self.moved_at.isoformat(),
            "stop": self.stop,
            "token": self.token,
            "passed": self.passed,
        }

    @classmethod
    def of(cls, row: Row) -> Run:
        told = row.value
        return cls(
            summary=Summary(**told["summary"]),
            started_at=datetime.fromisoformat(told["started_at"]),
            moved_at=datetime.fromisoformat(told["moved_at"]),
            row=row,
            stop=told["stop"],
            token=told["token"],
            passed=told["passed"],
        )
