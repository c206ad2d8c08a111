"""What a sweep can see at all: Resource Graph is silent about what it may not show.

So silence is compared with what must be there: the subscriptions that policy names, those below
its management groups, those that ARM lists and those that the last sweep saw. Where something is
missing ARM is asked what our identity may read there, and what cannot be read is said aloud.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol

from shared.azure.graph import Index
from shared.cloud import Reader
from shared.errors import Refused
from shared.inventory import Inventory, Sight
from shared.model import ResourceId
from shared.model.actions import Patterns
from shared.observing import SUBSCRIPTION
from shared.policy_scopes import MANAGEMENT_GROUPS
from shared.state import State

if TYPE_CHECKING:
    from shared.policy import Policy

_ROW: Final = ("control", "control", "coverage")
_NAMED = 3
_SIDE_BY_SIDE = 8
_SHRUNK = 0.9
"""A subscription that shows less than this share of what it showed is asked about."""


class Surveyed(Reader, Protocol):
    """What a survey asks of ARM."""

    def permissions(self, scope: ResourceId) -> Sequence[Mapping[str, Any]]:
        """What our identity may do at a scope, in blocks of `actions` and `notActions`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What can be seen. `unseen` says of each scope why not; `unwatched` no policy covers."""

    sight: Sight
    unseen: Mapping[str, str]
    unwatched: tuple[str, ...]
    calls: int


@dataclass(slots=True)
class _Known:
    """What the last survey saw: rows by subscription, and since when a scope is unseen, and why.

    `swept` are the subscriptions that a full sweep has gone through.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    swept: Collection[str] = ()
    unseen: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class Coverage:
    """Compares what is seen with what must be there; writes nothing to Azure."""

    def __init__(
        self,
        arm: Surveyed,
        index: Index,
        inventory: Inventory,
        memory: State,
        policy: Callable[[], Policy],
    ) -> None:
        self._arm = arm
        self._index = index
        self._inventory = inventory
        self._memory = memory
        self._policy = policy

    def survey(self, now: datetime) -> Survey:
        """Look around; every scope that came into sight, or went out of it, is recorded.

        Raises:
            Transient: come again. Refused: not even the list of subscriptions can be read.
        """
        policy, known = self._policy(), self._known()
        visible = self._visible()
        unseen = dict[str, str]()
        groups, expected = self._below(policy, unseen)
        watched = {one for one in visible if self._wanted(policy, one)}
        expected |= {one for one in known.rows if self._wanted(policy, one)}
        rows, calls = self._count(sorted(watched))
        doubtful = {one for one in watched if self._in_doubt(one, rows.get(one, 0), known)}
        missing = sorted(expected - visible)
        with ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
            unseen |= self._refused(pool, missing, self._why_missing)
            unseen |= self._refused(pool, sorted(doubtful), self._why_partial)
        self._tell(unseen, known, now)
        kept = {one: rows.get(one, 0) for one in watched} | {
            one: known.rows.get(one, 0) for one in missing
        }
        self._remember(kept, unseen, known, now)
        outside = visible - watched
        return Survey(
            sight=Sight(subscriptions=sorted(watched), groups=sorted(groups)),
            unseen=unseen,
            unwatched=tuple(sorted(one for one in outside if not self._excluded(policy, one))),
            calls=calls + 1 + len(missing) + len(doubtful),
        )

    def newcomers(self) -> list[str]:
        """Subscriptions that are watched and that no full sweep went through; one call of ARM.

        Raises:
            Transient, Refused: they cannot be listed.
        """
        policy, swept = self._policy(), set(self._known().swept)
        return sorted(
            one for one in self._visible() if one not in swept and self._wanted(policy, one)
        )

    def went_through(self) -> None:
        """A full sweep has ended: none of those that its survey saw is a newcomer any more."""
        known = self._known()
        if set(known.swept) != set(known.rows):
            self._keep(replace(known, swept=sorted(known.rows)))

    def _visible(self) -> set[str]:
        listed = self._arm.list("/subscriptions", SUBSCRIPTION.api_version)
        return {one.id.name.casefold() for one in listed}

    @staticmethod
    def _in_doubt(subscription: str, rows: int, known: _Known) -> bool:
        """Whether ARM is asked: it is new, it shrank, or it could not be seen the last time."""
        if subscription not in known.rows or f"/subscriptions/{subscription}" in known.unseen:
            return True
        return rows < known.rows[subscription] * _SHRUNK

    @staticmethod
    def _wanted(policy: Policy, subscription: str) -> bool:
        named = subscription in policy.subscriptions
        return named or policy.watches(ResourceId(f"/subscriptions/{subscription}"))

    @staticmethod
    def _excluded(policy: Policy, subscription: str) -> bool:
        return policy.excludes(ResourceId(f"/subscriptions/{subscription}"))

    def _below(self, policy: Policy, unseen: dict[str, str]) -> tuple[set[str], set[str]]:
        """The watched groups that can be listed, and every subscription that policy names."""
        groups, expected = set[str](), set(policy.subscriptions)
        for name in policy.groups:
            try:
                expected |= policy.below(name)
                groups.add(name)
            except Refused as refused:
                scope = f"{MANAGEMENT_GROUPS}/{name}"
                unseen[scope] = f"what is below it cannot be listed: {refused}"
        return groups, {one for one in expected if self._wanted(policy, one)}

    def _count(self, subscriptions: list[str]) -> tuple[dict[str, int], int]:
        """How many rows each shows, and how many calls that took."""
        found, calls = dict[str, int](), 0
        for stop in self._inventory.counts(subscriptions):
            for page in self._index.pages(stop.query, stop.within):
                calls += 1
                for row in page.rows:
                    name = str(row.get("subscriptionId", "")).casefold()
                    found[name] = found.get(name, 0) + int(row.get("rows", 0))
        return found, calls

    @staticmethod
    def _refused(
        pool: ThreadPoolExecutor, subscriptions: list[str], why: Callable[[str], str]
    ) -> dict[str, str]:
        reasons = zip(subscriptions, pool.map(why, subscriptions), strict=True)
        return {f"/subscriptions/{one}": reason for one, reason in reasons if reason}

    def _why_missing(self, subscription: str) -> str:
        """ARM lists it no more: why; there is always a reason, deleted or hidden looks alike."""
        try:
            found = self._arm.get(
                ResourceId(f"/subscriptions/{subscription}"), SUBSCRIPTION.api_version
            )
        except Refused as refused:
            return f"it is listed no more: {refused}"
        state = "ARM does not know it" if found is None else f"it is {found.get('/state')}"
        return f"it is listed no more: {state}"

    def _why_partial(self, subscription: str) -> str:
        """What our identity may not read there; empty where it may read all that is needed."""
        try:
            blocks = self._arm.permissions(ResourceId(f"/subscriptions/{subscription}"))
        except Refused as refused:
            return f"what our identity may read there cannot be told: {refused}"
        held = [Patterns.of(_words(one, "actions"), _words(one, "notActions")) for one in blocks]
        lacking = [
            one
            for one in self._inventory.reads
            if not any(each.cover(one.casefold()) for each in held)
        ]
        if not lacking:
            return ""
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        return f"our identity lacks {', '.join(lacking[:_NAMED])}{more}"

    def _known(self) -> _Known:
        row = self._memory.store.get(*_ROW)
        if row is None:
            return _Known()
        rows = row.value["rows"]
        return _Known(rows, row.value.get("swept", list(rows)), row.value["unseen"])

    def _keep(self, known: _Known) -> None:
        value = {"rows": dict(known.rows), "swept": list(known.swept), "unseen": known.unseen}
        self._memory.store.put(*_ROW, value)

    def _tell(self, unseen: Mapping[str, str], known: _Known, now: datetime) -> None:
        """Record what went out of sight, and what came back into it."""
        for scope, reason in unseen.items():
            if scope not in known.unseen:
                message = f"{scope} cannot be seen: {reason}"
                self._record("unseen-scope", "critical", scope, now.isoformat(), message)
        for scope, told in known.unseen.items():
            if scope not in unseen:
                self._record("seen-scope", "low", scope, told["since"], f"{scope} is seen again")

    def _record(self, entry: str, severity: str, scope: str, since: str, message: str) -> None:
        fields = {"Entry": entry, "Severity": severity, "ResourceId": scope, "Message": message}
        self._memory.outbox.add("health", [entry, scope, since], fields)

    def _remember(
        self, rows: Mapping[str, int], unseen: Mapping[str, str], known: _Known, now: datetime
    ) -> None:
        told = {
            scope: {
                "since": known.unseen.get(scope, {}).get("since", now.isoformat()),
                "reason": reason,
            }
            for scope, reason in unseen.items()
        }
        self._keep(_Known(rows, known.swept, told))

    def unseen(self) -> list[str]:
        """A line for each scope that the last sweep could not see, and since when."""
        return [
            f"{scope} cannot be seen since {told['since'][:19]}: {told['reason']}"
            for scope, told in self._known().unseen.items()
        ]


def unseen_by(memory: State) -> Mapping[str, Mapping[str, str]]:
    """By scope that the last sweep could not see, `since` when, and for what `reason`."""
    row = memory.store.get(*_ROW)
    unseen: Mapping[str, Mapping[str, str]] = row.value["unseen"] if row else {}
    return unseen


def watched_by(memory: State) -> Mapping[str, bool]:
    """The subscriptions that the last sweep watched, and whether it could see them."""
    row = memory.store.get(*_ROW)
    if row is None:
        return {}
    return {one: f"/subscriptions/{one}" not in row.value["unseen"] for one in row.value["rows"]}


def _words(block: Mapping[str, Any], name: str) -> list[str]:
    listed = block.get(name)
    return [str(one) for one in listed] if isinstance(listed, list) else []
