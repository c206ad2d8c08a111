"""The gate's own health in numbers: what came in last, what waits, and what room is left.

Every read is bounded: of what is counted row by row, `MOST` rows are looked at, and `more` says
that there are others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from shared.buckets import bucket
from shared.coverage import unseen_by
from shared.hints import ACT, HINTS, SWEEPS
from shared.intake import last_event
from shared.limits import Used
from shared.outbox import STREAMS
from shared.state import State
from shared.suspension import Stop
from shared.sweep_run import LAST, Kind

if TYPE_CHECKING:
    from shared.policy import Policy

MOST: Final = 1_000
_FULLEST: Final = 10
_QUEUES: Final = (HINTS, ACT, SWEEPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A queue's length, approximately, and that of its poison messages."""

    name: str
    waiting: int
    poison: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many wait, and since when the oldest of those that were looked at does."""

    count: int
    more: bool
    oldest: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """The last sweep of a kind that came to its end; `unseen` scopes it could not see."""

    kind: str
    run: str
    started_at: datetime
    ended_at: datetime
    seconds: float
    seen: int
    violating: int
    unknown: int
    hinted: int
    unseen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweeping:
    """The sweep that is under way: `total` are the rows of the queries it has begun."""

    kind: str
    run: str
    started_at: datetime
    moved_at: datetime
    seen: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSweep:
    """The last sweep, where it came to no end."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Requests to Azure that may be sent now, of one bucket: `free` of `size`.

    `closed_until` while Azure lets nobody through.
    """

    place: str
    name: str
    free: int
    size: int
    closed_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unseen:
    """A scope that should be seen and is not."""

    scope: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VitalSigns:
    """All of it at one instant.

    `last_event` is when an event was last taken, to within a minute; `hints` are resources that
    wait for a look (who waits for more than a minute, and is hinted at again, waits anew),
    `outbox` records that wait for the log. `limits` and `budgets` are the ten
    with the least room; `faults` are those of a broken policy, under which nothing is written.
    """

    at: datetime
    last_event: datetime | None
    swept: tuple[Swept, ...]
    sweeping: Sweeping | None
    failed_sweep: FailedSweep | None
    queues: tuple[Queue, ...]
    hints: Waiting
    outbox: Waiting
    limits: tuple[Used, ...]
    budgets: tuple[Budget, ...]
    suspended: Stop | None
    faults: tuple[str, ...]
    unseen: tuple[Unseen, ...]

    def to_json(self) -> dict[str, Any]:
        """Instants in ISO 8601."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def vital_signs(state: State, policy: Policy) -> VitalSigns:
    """Take them now.

    Raises:
        StoreUnavailable: state cannot be read.
    """
    return VitalSigns(
        at=state.now(),
        last_event=last_event(state.store),
        swept=tuple(_swept(state)),
        sweeping=_sweeping(state),
        failed_sweep=_failed(state),
        queues=tuple(_queue(state, name) for name in _QUEUES),
        hints=_hints(state),
        outbox=_outbox(state),
        limits=tuple(state.limits.fullest(policy, _FULLEST, MOST)),
        budgets=tuple(_budgets(state)),
        suspended=state.suspension.stopped(),
        faults=tuple(map(str, policy.broken)),
        unseen=tuple(
            Unseen(scope=scope, since=_instant(told["since"]), reason=told["reason"])
            for scope, told in islice(sorted(unseen_by(state).items()), MOST)
        ),
    )


def _swept(state: State) -> Iterator[Swept]:
    for kind in Kind:
        row = state.store.get("control", "control", LAST[kind])
        if row is None:
            continue
        told = row.value["summary"]
        yield Swept(
            kind=kind.value,
            run=row.value["run"],
            started_at=_instant(row.value["started_at"]),
            ended_at=_instant(row.value["ended_at"]),
            **{name: told[name] for name in _OF_SUMMARY},
        )


_OF_SUMMARY: Final = ("seconds", "seen", "violating", "unknown", "hinted", "unseen")


def _sweeping(state: State) -> Sweeping | None:
    row = state.store.get("control", "control", "sweep")
    place = state.store.get("sweeps", row.value["run"], "place") if row else None
    if place is None:
        return None
    told = place.value["summary"]
    return Sweeping(
        kind=told["kind"],
        run=told["run"],
        started_at=_instant(place.value["started_at"]),
        moved_at=_instant(place.value["moved_at"]),
        seen=told["seen"],
        total=told["total"],
    )


def _failed(state: State) -> FailedSweep | None:
    row = state.store.get("control", "control", "failed-sweep")
    return FailedSweep(at=_instant(row.value["at"]), reason=row.value["reason"]) if row else None


def _queue(state: State, name: str) -> Queue:
    waiting, poison = state.store.waiting(name), state.store.waiting(f"{name}-poison")
    return Queue(name=name, waiting=waiting, poison=poison)


def _hints(state: State) -> Waiting:
    found = [str(row.value["since"]) for row in islice(state.store.scan("dirty"), MOST + 1)]
    return _waiting(found)


def _outbox(state: State) -> Waiting:
    found: list[str] = []
    for stream in STREAMS:
        rows = islice(state.store.scan("outbox", stream), MOST + 1)
        # Of each stream the oldest come first.
        found.extend(str(row.value["Record"]["OccurredAt"]) for row in rows)
    return _waiting(found)


def _waiting(since: list[str]) -> Waiting:
    oldest = min(map(_instant, since), default=None)
    return Waiting(count=min(len(since), MOST), more=len(since) > MOST, oldest=oldest)


def _budgets(state: State) -> list[Budget]:
    now, found = state.now(), list[Budget]()
    for row in islice(state.store.scan("budgets"), MOST):
        for name, value in row.value.items():
            one = bucket(name, value, now.timestamp())
            if one.bounded or one.closed > one.now:
                closed = datetime.fromtimestamp(one.closed, now.tzinfo)
                found.append(
                    Budget(
                        place=row.partition,
                        name=" ".join(name.split(" ")[:2]),
                        free=max(0, one.room()),
                        size=one.limit.size if one.bounded else 0,
                        closed_until=closed if one.closed > one.now else None,
                    )
                )
    return sorted(found, key=lambda one: (one.free / max(1, one.size), one.place))[:_FULLEST]


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
