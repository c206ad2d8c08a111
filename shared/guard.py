"""What stands between a cure and its write: looked at before anything is stored or sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from shared import journal
from shared.cloud import Cloud
from shared.decision import Decision
from shared.findings import Standing
from shared.hints import Actor, Hint
from shared.lockout import Lockout
from shared.model import Control, ResourceId
from shared.observing import Observer
from shared.own import Ours
from shared.planning import Cure
from shared.state import State
from shared.stopped import Stopped
from shared.tenancy import Tenancy

if TYPE_CHECKING:
    from shared.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Work:
    """A cure that policy or a person lets happen now."""

    cure: Cure
    decision: Decision
    standings: tuple[Standing, ...]
    hint: Hint
    person: str = ""
    durations: Mapping[str, float] = field(default_factory=dict)

    @property
    def episodes(self) -> dict[str, int]:
        return {s.control: s.episode for s in self.standings}

    @property
    def owner(self) -> str:
        """Who owns the resource, by its tags."""
        return next((s.owner for s in self.standings), "")

    @cached_property
    def action(self) -> str:
        return journal.action_id(self.cure, self.episodes)

    @property
    def touched(self) -> tuple[ResourceId, ...]:
        """What is judged, and whatever is written beside it."""
        plan = self.cure.plan
        return tuple(dict.fromkeys((plan.resource, *(c.target for c in plan.changes))))

    @property
    def actors(self) -> tuple[Actor, ...]:
        """Who caused it: those who opened the findings, and whose events woke this look."""
        told = () if self.hint.source == "person" else self.hint.actors
        opened = (actor for standing in self.standings for actor in standing.actors)
        return tuple(dict.fromkeys((*opened, *told)))


class Guard:
    """Refuses what may not be written now, and says why."""

    def __init__(
        self,
        observer: Observer,
        cloud: Cloud,
        memory: State,
        controls: Mapping[str, Control],
        policy: Callable[[], Policy],
    ) -> None:
        self._lockout = Lockout(cloud, memory.departures, policy)
        self._ours = Ours(cloud.own, cloud.arm.get)
        self._tenancy = Tenancy(cloud.arm, memory.now)
        self._observer = observer
        self._memory = memory
        self._controls = controls
        self._policy = policy

    def stops(self, work: Work) -> Stopped | None:
        """The first thing that stands in the way of `work`, or None.

        Raises:
            Transient, Refused: it cannot be seen whether something does.
        """
        return next(self._reasons(work), None)

    def stops_undo(self, targets: Iterable[ResourceId]) -> Stopped | None:
        """What stands in the way of taking back what was written to `targets`, or None.

        Raises:
            Transient, Refused: it cannot be seen whether something does.
        """
        return self.suspended() or next(self._of_others(targets), None)

    def suspended(self) -> Stopped | None:
        stop = self._memory.suspension.stopped()
        if stop is None:
            return None
        return Stopped("suspended", f"all writes are stopped by {stop.by}: {stop.reason}")

    def _reasons(self, work: Work) -> Iterator[Stopped]:
        if (stop := self.suspended()) is not None:
            yield stop
        yield from self._of_others(work.touched)
        yield from self._own(work)
        yield from self._by_policy(work)
        earlier = self._memory.journal.story(work.action)
        if earlier is not None and earlier.retry_at and self._memory.now() < earlier.retry_at:
            if earlier.state == journal.SETTLING:
                yield Stopped("settling", str(earlier.value["Message"]), "", earlier.retry_at)
            elif not work.person:
                why, message = earlier.value["Refusal"], earlier.value["Message"]
                yield Stopped(str(why), str(message), "", earlier.retry_at)
        if self._observer.managed(work.cure.plan.resource):
            yield Stopped(
                "managed-resource-group",
                "another service manages this resource group and would put it back: not touched",
            )
        yield from self._young(work)
        # The last: it announces a removal that nothing else stands in the way of.
        if any(self._privileged(control) for control in work.cure.plan.controls):
            yield from self._lockout.reasons(work.cure.plan.changes, self._memory.now())

    def _of_others(self, targets: Iterable[ResourceId]) -> Iterator[Stopped]:
        """Whoever approved: what is delegated to us for looking is changed by its own people."""
        for target in targets:
            if tenant := self._tenancy.other(target):
                yield Stopped(
                    "other-tenant",
                    f"/subscriptions/{target.subscription} lives in tenant {tenant}, and is seen"
                    " through Azure Lighthouse: audit only",
                )

    def _own(self, work: Work) -> Iterator[Stopped]:
        seen = {one.resource.id: one.resource for one in work.cure.findings}
        for resource in work.touched:
            if why := self._ours.why(resource, seen):
                yield Stopped("own", f"{resource} is our own, {why}: people change it")

    def _by_policy(self, work: Work) -> Iterator[Stopped]:
        policy, now = self._policy(), self._memory.now()
        for resource in work.touched:
            if (source := policy.protects(resource)) is not None:
                yield Stopped("protected", f"{resource} is guarded by policy", source)
            if (frozen := policy.frozen(resource, now)) is not None:
                yield Stopped("frozen", frozen[1].reason, frozen[0], frozen[1].ends)

    def _young(self, work: Work) -> Iterator[Stopped]:
        """Findings that have to stand a while, for what they rest on may be a passing fault."""
        for standing in work.standings:
            cure = self._controls[standing.control].remediation
            ripe = standing.opened_at + (cure.matures if cure else timedelta(0))
            if self._memory.now() < ripe:
                yield Stopped("too-new", f"{standing.control} was not there for long", "", ripe)

    def _privileged(self, control: str) -> bool:
        cure = self._controls[control].remediation
        return cure is not None and cure.privileged
