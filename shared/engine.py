"""Reconcile one resource: observe, detect, decide, plan, guard, apply, verify, record.

Level-triggered: what a hint says is never evidence, and any look may be repeated at any time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from shared import journal
from shared.acting import Hand
from shared.callers import told
from shared.cloud import Cloud
from shared.deciding import Decider
from shared.decision import Do
from shared.errors import Refused, Transient
from shared.findings import Standing, decision_json
from shared.guard import Guard, Work
from shared.hints import SWEEP, Hint
from shared.journal import Story
from shared.look import Look, Seen
from shared.model import Control, Finding, Resource, ResourceId, Verdict
from shared.model import State as Compliance
from shared.observing import Memo, Observer
from shared.ownership import Ownership
from shared.state import State
from shared.stopped import Stopped
from shared.store import Row

if TYPE_CHECKING:
    from shared.policy import Policy


_LATER = ("due", "wake", SWEEP)
"""Where hints come from that waited, so that policy may say another thing by now."""


class Engine:
    """Brings resources to policy; safe for any resource, at any time, any number of times.

    With `may_write` False a cure that policy allows now becomes a hint for the app that may.
    """

    def __init__(
        self,
        controls: Mapping[str, Control],
        cloud: Cloud,
        state: State,
        policy: Callable[[], Policy],
        *,
        may_write: bool,
    ) -> None:
        self.controls = controls
        self.cloud = cloud
        self.state = state
        self.policy = policy
        self.observer = Observer(cloud.arm, controls, state.now, cloud.directory, state.uses)
        guard = Guard(self.observer, cloud, state, controls, policy)
        self.hand = Hand(cloud.arm, self.observer, state, controls, policy, guard)
        self.may_write = may_write
        self._met_violations = False
        ownership = Ownership(cloud.arm, state, policy)
        callers = partial(told, cloud.callers)
        self.decider = Decider(state, policy, self.observer.look_up, ownership, callers)

    # --- the look

    def reconcile(self, hint: Hint) -> Look:
        """Act on what the resource is now; why we were called does not matter.

        Raises:
            Transient: come again with the same hint. StoreUnavailable: nothing was written.
        """
        # What a sweep noted waits where an event or a cure needs the room.
        background = hint.source == SWEEP and not hint.actors
        with self.state.budgets.look(background=background):
            return self._reconcile(hint)

    def _reconcile(self, hint: Hint) -> Look:
        look = Look(resource_id=hint.id)
        started = time.perf_counter()
        claim, left = self._unfinished(hint, look)
        if look.elsewhere:
            return look
        standings = {s.control: s for s in self.state.findings.of(hint.id)}
        # An event was asked about at its intake: a cold look need not load the policy again.
        excluded = hint.source in _LATER and self.policy().excludes(hint.id)
        if not excluded:
            self._reserve(hint, standings)
        resource = None if excluded else self._observe(hint, look, standings)
        if excluded:
            self._let_go(standings, "excluded")
        if resource is not None:
            self._wake(resource, hint)
            look.seen = self._judge(resource, hint, standings)
            durations = {"observe": (time.perf_counter() - started) * 1000}
            self._settle(resource, look, hint, claim, durations)
        if left is not None:
            self.hand.abandon(left)
        return look

    def _unfinished(self, hint: Hint, look: Look) -> tuple[Row | None, Story | None]:
        """Go on with what is under way on the target.

        The claim as it stands afterwards, and the story that a dead worker left unwritten.
        """
        claims, target = self.state.claims, hint.id.write_target
        row = claims.look(target)
        story = self.state.journal.story(claims.action_of(row)) if row is not None else None
        if row is None or story is None:
            return row, None
        running = story.state == journal.RUNNING
        if claims.alive(row) and not running:
            raise Transient(f"{target} is being written by another worker", 15)
        if not self.may_write:
            self.state.inbox.to_hand(hint)
            look.elsewhere = True
            return row, None
        self.state.budgets.hurry()
        try:
            if not running:
                left = self.hand.inherit(story, row)
                return claims.look(target), left
            story = self.hand.follow(story, row)
        except Refused as refused:
            raise Transient(
                f"{target}: what is under way cannot be seen: {refused}", 300
            ) from refused
        if story.resource != hint.id:
            raise Transient(f"{target} is being written: {story.resource}", 15)
        look.elsewhere = True
        # What else was to be done, or came in meanwhile, has waited for its end.
        look.again = story.state != journal.RUNNING
        look.seen = [
            Seen(control=self.controls[c], verdict=Verdict(Compliance.UNKNOWN), story=story)
            for c in story.controls
            if c in self.controls
        ]
        return row, None

    def _reserve(self, hint: Hint, standings: Mapping[str, Standing]) -> None:
        """Room for the read, and for the write that policy may want after it."""
        path = hint.id.text
        hopes = [(method, path) for method in sorted(self._cures(hint.id, standings))]
        self.state.budgets.reserve([("GET", path)], hopes)

    def _cures(self, resource: ResourceId, standings: Mapping[str, Standing]) -> set[str]:
        """How what policy cures by itself would be written, if it were violated."""
        # Policy is slow to load, and a cold start that finds nothing wrong need not.
        if not (self.may_write and self._met_violations):
            return set()
        policy, now = self.policy(), self.state.now()
        methods = set[str]()
        for control in self.observer.controls_of(resource):
            if (cure := control.remediation) is None:
                continue
            standing = standings.get(control.id)
            opened = standing.opened_at if standing is not None and standing.open else now
            if policy.decide(control, resource, opened, now).do is Do.REMEDIATE:
                deletes = all(one.endswith("/delete") for one in cure.permissions)
                methods.add("DELETE" if deletes else "PATCH")
        return methods

    def _observe(
        self, hint: Hint, look: Look, standings: Mapping[str, Standing]
    ) -> Resource | None:
        try:
            resource = self.observer.observe(hint.id)
        except Refused as refused:
            self._unread(hint, look, standings, f"it could not be read: {refused}")
            return None
        if resource is None:
            believed = not any(standing.open for standing in standings.values())
            if not believed and not self.observer.in_sight(hint.id):
                reason = "it is not there, but neither can be read what it was in"
                self._unread(hint, look, standings, reason)
                return None
            look.exists = False
            self._let_go(standings, "vanished")
            if (where := self.observer.left_behind(hint.id)) is not None:
                self._onward(where, hint, hint.id)
        return resource

    def _let_go(self, standings: Mapping[str, Standing], how: str) -> None:
        for standing in standings.values():
            if standing.open:
                self.state.findings.close(standing, how)

    def _unread(
        self, hint: Hint, look: Look, standings: Mapping[str, Standing], reason: str
    ) -> None:
        """What cannot be read is unknown to each of its controls, never compliant or gone."""
        owner = next((s.owner for s in standings.values() if s.owner), None)
        for control in self.observer.controls_of(hint.id):
            known = standings.get(control.id)
            self.state.findings.unknown(control, hint.id, reason, hint.actors, known, owner)
            verdict = Verdict(Compliance.UNKNOWN, reason=reason)
            look.seen.append(Seen(control=control, verdict=verdict))

    def _wake(self, resource: Resource, hint: Hint) -> None:
        for woken in self.observer.woken(resource):
            self._onward(woken, hint, resource.id)

    def _onward(self, woken: ResourceId, hint: Hint, via: ResourceId) -> None:
        """A look leads to others, but never back to a type that it came through."""
        through = hint.via | {via.type.casefold()}
        if woken.type.casefold() not in through:
            onward = replace(hint, id=woken, source="wake", attempt=0, via=through)
            self.state.inbox.note(onward)

    def _judge(
        self, resource: Resource, hint: Hint, standings: Mapping[str, Standing]
    ) -> list[Seen]:
        """Every control's verdict, and the findings moved to it."""
        memo: Memo = {}
        seen: list[Seen] = []
        for control in self.observer.controls_of(resource.id):
            verdict, whole = self.observer.judge(control.detector, resource, memo)
            standing = standings.get(control.id)
            match verdict.state:
                case Compliance.COMPLIANT:
                    if standing is not None and standing.open:
                        self.state.findings.close(standing, "gone")
                case Compliance.UNKNOWN:
                    standing = self.state.findings.unknown(
                        control,
                        resource.id,
                        verdict.reason,
                        hint.actors,
                        standing,
                        self._owner(resource),
                    )
                case Compliance.NON_COMPLIANT:
                    finding = Finding(control.detector, whole, verdict.evidence)
                    owner = self._owner(resource)
                    standing = self.state.findings.see(finding, hint.actors, standing, owner)
            seen.append(Seen(control=control, verdict=verdict, standing=standing, at=whole))
        return seen

    def _owner(self, resource: Resource) -> str | None:
        """By the tag that policy names; a broken one names none."""
        policy = self.policy()
        return None if policy.broken else policy.notices.owner(resource)

    # --- what follows

    def _settle(
        self,
        resource: Resource,
        look: Look,
        hint: Hint,
        claim: Row | None,
        durations: Mapping[str, float],
    ) -> None:
        violated = [s for s in look.seen if s.verdict.state is Compliance.NON_COMPLIANT]
        self._met_violations |= bool(violated)
        asked = self.state.approvals.of(hint.id)
        works = [
            *self.decider.approved(asked, violated, hint),
            *self.decider.allowed(violated, hint),
        ]
        self.decider.forget_plans(asked, violated)
        to_write = {control for work in works for control in work.cure.plan.controls}
        for one in violated:
            # What is to be written is decided when nothing stood in its way.
            if one.control.id not in to_write:
                self._decided(one, hint)
        if not works:
            return
        if not self.may_write:
            self.state.inbox.to_hand(hint)
            return
        if not resource.settled:
            raise Transient(f"{resource.id} is being changed now", 10)
        self._carry_out(replace(works[0], durations=durations), look, claim)
        look.again = len(works) > 1

    # --- carrying out

    def _carry_out(self, work: Work, look: Look, claim: Row | None) -> None:
        try:
            result = self.hand.carry_out(work, claim)
        except Refused as refused:
            result = Stopped("unseen", f"what guards it cannot be seen: {refused}")
        mine = [s for s in look.seen if s.control.id in work.cure.plan.controls]
        if isinstance(result, Story):
            for one in mine:
                one.story = result
            return
        self._held(result, work, mine)

    def _held(self, stopped: Stopped, work: Work, mine: list[Seen]) -> None:
        source = f" ({stopped.source})" if stopped.source else ""
        reason = f"{stopped.why}: {stopped.message}{source}"
        do = Do.WAIT if stopped.until else Do.REPORT
        news = False
        for one in mine:
            if one.decision is not None:
                one.decision = replace(one.decision, do=do, reason=reason, until=stopped.until)
                news = self._decided(one, work.hint) or news
        if news:
            identity = [work.action, reason, str(stopped.until)]
            self.state.journal.note_plan(
                stopped.why,
                work.cure.plan,
                identity,
                work.actors,
                Owner=work.owner,
                Severity=work.cure.severity.value,
                Message=stopped.message,
            )

    def _decided(self, one: Seen, hint: Hint) -> bool:
        """Keep a finding's decision, and wake when its wait ends; whether it is news."""
        if one.standing is None or one.decision is None:
            return False
        self._wait_for(one, hint)
        news = one.standing.value.get("Decision") != decision_json(one.decision)
        self.state.findings.decided(one.standing, one.decision)
        return news

    def _wait_for(self, one: Seen, hint: Hint) -> None:
        decision = one.decision
        if decision is not None and decision.until is not None:
            why = f"{one.control.id} {decision.do}"
            self.state.due.add(decision.until, replace(hint, actors=()), why)
