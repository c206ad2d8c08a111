"""What follows for the violated controls of a resource: policy, people, and the plans between."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from shared.approvals import APPROVED, STALE, WAITING, Asked
from shared.decision import Decision, Do, Mode
from shared.findings import Standing
from shared.guard import Work
from shared.hints import Hint
from shared.look import Seen
from shared.model import Detector, Json, Plan, Undecided
from shared.ownership import Ownership
from shared.planning import Cure, LookUp, Missing, merge, person_parameters, plan_of
from shared.state import State

if TYPE_CHECKING:
    from shared.policy import Policy


class Decider:
    """Gives every violated control its decision, and collects what may be written now."""

    def __init__(
        self,
        state: State,
        policy: Callable[[], Policy],
        look: LookUp,
        ownership: Ownership,
        told: Callable[[Plan, Iterable[Detector]], Plan],
    ) -> None:
        self._state = state
        self._policy = policy
        self._look = look
        self._ownership = ownership
        self._told = told

    def allowed(self, violated: list[Seen], hint: Hint) -> list[Work]:
        """What policy lets happen now; every other finding gets its decision."""
        asked: list[Cure] = []
        let: list[tuple[Cure, Decision]] = []
        for one in violated:
            if one.decision is not None or one.standing is None:
                continue
            one.decision = self._decide(one, self._state.now())
            match one.decision.do:
                case Do.REMEDIATE if cure := self._cure(one, one.decision.parameters):
                    if cure.plan.asks:
                        one.decision = replace(one.decision, do=Do.ASK)
                        asked.append(cure)
                    else:
                        let.append((cure, one.decision))
                case Do.ASK if cure := self.cure_for_person(one):
                    asked.append(cure)
        for cure in merge(asked):
            self._ask(cure, violated, hint)
        decisions = {c.plan.controls[0]: decision for c, decision in let}
        works = []
        for cure in merge(c for c, _ in let):
            decision = decisions[cure.plan.controls[0]]
            works.append(self._work(cure, decision, violated, hint))
        return sorted(works, key=lambda w: -w.cure.severity.rank)

    @staticmethod
    def _standing(one: Seen) -> Standing:
        if one.standing is None:
            raise ValueError(f"{one.control.id} is violated, and has no standing")
        return one.standing

    def _decide(self, one: Seen, now: datetime) -> Decision:
        standing, policy = self._standing(one), self._policy()
        if standing.undone_until is not None and now < standing.undone_until:
            by = standing.value.get("UndoneBy", "")
            return Decision(
                do=Do.EXEMPT,
                mode=Mode.AUDIT,
                source="undo",
                reason=f"{by} took the cure back",
                until=standing.undone_until,
            )
        asked = (one.control, standing.resource, standing.opened_at, now)
        decision = policy.decide(*asked)
        if decision.mode is Mode.ENFORCE:
            owned = self._ownership.owned(standing, one.finding.resource)
            if owned is not None:
                decision = policy.decide(*asked, owned)
                self._ownership.tell(standing, decision, owned)
        if decision.do is not Do.REMEDIATE:
            return decision
        until = standing.contested_until(policy.contested, now)
        return decision if until is None or now >= until else self._contested(one, decision, until)

    def _contested(self, one: Seen, decision: Decision, until: datetime) -> Decision:
        """Back off and page: who undoes it is named, and the record is made once a window."""
        standing, times = self._standing(one), self._policy().contested.times
        who = ", ".join(dict.fromkeys(actor.shown for actor in standing.actors)) or "unknown"
        reason = f"contested: cured {times} times, undone by {who}"
        self._state.journal.note(
            "contested",
            [standing.control, standing.resource.key, standing.episode, until.isoformat()],
            standing.resource,
            Controls=[standing.control],
            Severity=one.control.detector.severity.value,
            Owner=standing.owner,
            CausedBy=list(standing.value["Actors"]),
            Message=f"{reason}; tried again after {until:%Y-%m-%d %H:%M} UTC",
        )
        return replace(decision, do=Do.WAIT, reason=reason, until=until)

    def _cure(self, one: Seen, parameters: Mapping[str, Json]) -> Cure | None:
        try:
            one.plan = self._planned(one, parameters)
        except Undecided as undecided:
            decision = one.decision or Decision(do=Do.REPORT, mode=Mode.AUDIT, source="")
            one.decision = replace(decision, do=Do.REPORT, reason=f"no safe plan: {undecided}")
            return None
        return Cure(plan=one.plan, findings=(one.finding,))

    def _planned(self, one: Seen, parameters: Mapping[str, Json]) -> Plan:
        """The plan, with a word on who will put its change back."""
        plan = plan_of(one.control, one.finding, parameters, self._look)
        owner = self._ownership.owner(one.finding.resource)
        again = f"{owner}: change the code too, or it puts this back"
        return replace(plan, caveats=(*plan.caveats, again)) if owner else plan

    def cure_for_person(self, one: Seen) -> Cure | None:
        decision = one.decision or Decision(do=Do.ASK, mode=Mode.APPROVE, source="")
        parameters = person_parameters(one.control, decision.parameters)
        try:
            one.plan = self._planned(one, parameters)
        except Missing as missing:
            wanted = " ".join(f"--set {name}=..." for name in missing.names)
            command = f"portcullis apply {one.finding.resource.id} {wanted}"
            one.decision = replace(decision, reason=f"{missing}: {command}")
            return None
        except Undecided as undecided:
            one.decision = replace(decision, reason=f"no safe plan: {undecided}")
            return None
        return Cure(plan=one.plan, findings=(one.finding,))

    def _work(self, cure: Cure, decision: Decision, violated: list[Seen], hint: Hint) -> Work:
        mine = (s for s in violated if s.control.id in cure.plan.controls)
        standings = tuple(s.standing for s in mine if s.standing is not None)
        return Work(cure=cure, decision=decision, standings=standings, hint=hint)

    def _ask(self, cure: Cure, violated: list[Seen], hint: Hint) -> None:
        parameters: dict[str, Json] = {}
        episodes: dict[str, int] = {}
        approvers, owner = 1, ""
        for one in violated:
            if one.control.id not in cure.plan.controls or one.decision is None:
                continue
            approvers = max(approvers, one.decision.approvers)
            parameters |= person_parameters(one.control, one.decision.parameters)
            parameters |= one.plan.given if one.plan else {}
            episodes[one.control.id] = one.standing.episode if one.standing else 0
            owner = one.standing.owner if one.standing else owner
            reason = f"plan {cure.plan.id} waits for a person"
            one.decision = replace(one.decision, reason=reason)
        last = self._state.approvals.last_asked(cure.plan)
        if last is not None:
            identity = [cure.plan.id, sorted(episodes.items()), last]
            plan = self._told(cure.plan, [f.detector for f in cure.findings])
            told = {"Owner": owner, "Severity": cure.severity.value}
            self._state.journal.note_plan("asked", plan, identity, hint.actors, **told)
            self._state.approvals.ask(plan, parameters, approvers, owner)

    def approved(self, plans: Iterable[Asked], violated: list[Seen], hint: Hint) -> list[Work]:
        """What a person approved, where a fresh plan is still the one they saw."""
        works: list[Work] = []
        by_id = {s.control.id: s for s in violated}
        for asked in plans:
            if asked.status != APPROVED:
                continue
            mine = [by_id[c] for c in asked.controls if c in by_id]
            needed = max((self._approvers(one) for one in mine), default=1)
            if needed > len(asked.approved_by) and needed > 1:
                self._state.approvals.ask_more(asked, needed)
                continue
            cure = self._same_plan(asked, mine)
            if cure is None:
                continue
            decision = Decision(
                do=Do.REMEDIATE,
                mode=Mode.APPROVE,
                source=f"plan {asked.id}",
                reason=f"approved by {asked.person}",
                parameters=asked.parameters,
            )
            for one in mine:
                one.decision = decision
            works.append(replace(self._work(cure, decision, violated, hint), person=asked.person))
        return works

    def _approvers(self, one: Seen) -> int:
        """How many people policy wants now, whatever it wanted when the plan was asked."""
        opened = one.standing.opened_at if one.standing else self._state.now()
        asked = (one.control, one.finding.resource.id, opened, self._state.now())
        return self._policy().decide(*asked).approvers

    def _same_plan(self, asked: Asked, mine: list[Seen]) -> Cure | None:
        if len(mine) != len(asked.controls):
            return None
        cures = [c for one in mine if (c := self._cure(one, asked.parameters)) is not None]
        merged = merge(cures)
        if len(cures) == len(mine) and len(merged) == 1 and merged[0].plan.id == asked.id:
            return merged[0]
        for one in mine:
            one.decision = one.plan = None
        return None

    def forget_plans(self, plans: Iterable[Asked], violated: list[Seen]) -> None:
        """Plans that no longer say what would be done are stale, and said so."""
        current = {s.control.id for s in violated}
        live = {w.decision.reason for w in violated if w.decision}
        for asked in plans:
            if asked.status not in (WAITING, APPROVED):
                continue
            wanted = any(asked.id in reason for reason in live) or any(
                s.decision and s.decision.source == f"plan {asked.id}" for s in violated
            )
            if not wanted or not current.issuperset(asked.controls):
                self._state.approvals.end(asked, STALE)
                self._state.journal.note(
                    "stale",
                    [asked.id, asked.value.get("asked_at")],
                    asked.resource,
                    Controls=asked.controls,
                    PlanId=asked.id,
                    Owner=asked.owner,
                    Message="the resource has moved on: this plan no longer says what is needed",
                )
