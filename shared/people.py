"""What a person may order: approve, reject, apply, undo, suspend, resume; each journalled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import cache

from shared import journal
from shared.approvals import APPROVED, REJECTED, Asked
from shared.callers import told
from shared.engine import Engine
from shared.errors import Transient, Unusable
from shared.hints import Actor, Hint
from shared.journal import Story
from shared.look import Look, Seen
from shared.model import Json, ResourceId
from shared.model import State as Compliance
from shared.observing import Memo
from shared.planning import Cure, merge, person_parameters
from shared.stopped import Stopped


class People:
    """The same engine, by a person's word."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def approve(self, plan_id: str, person: str, reason: str = "") -> Look | Asked:
        """A person's yes to a plan that waits, carried out at once where this app may write.

        The plan itself where it waits for more people.
        """
        asked = self._engine.state.approvals.find(plan_id)
        asked = self._engine.state.approvals.decide(asked, APPROVED, person, reason)
        told = "; ".join(words for words in (reason, _count(asked)) if words)
        self._said("approved", asked, person, told)
        return self._as_person(asked.resource, person) if asked.status == APPROVED else asked

    def reject(self, plan_id: str, person: str, reason: str) -> Asked:
        asked = self._engine.state.approvals.find(plan_id)
        asked = self._engine.state.approvals.decide(asked, REJECTED, person, reason)
        self._said("rejected", asked, person, reason)
        return asked

    def apply(
        self,
        resource_id: ResourceId,
        person: str,
        parameters: Mapping[str, Json],
        only: frozenset[str] = frozenset(),
    ) -> Look:
        """A person's order to cure a resource now: plan, approve, carry out, all journalled.

        Raises:
            Unusable: there is nothing to cure, a parameter lacks, or policy wants the yes of
                more people; this one's is kept.
        """
        look = self.preview(resource_id, parameters, only)
        cures = [Cure(plan=s.plan, findings=(s.finding,)) for s in look.seen if s.plan]
        if not cures:
            problems = [s.decision.reason for s in look.seen if s.decision and s.decision.reason]
            raise Unusable("; ".join(problems) or f"nothing to cure on {resource_id}")
        ordered = [self._approve_now(c, look, person, parameters) for c in merge(cures)]
        more = [asked for asked in ordered if asked.status != APPROVED]
        if len(more) == len(ordered):
            raise Unusable("; ".join(f"plan {asked.id}: {_count(asked)}" for asked in more))
        return self._as_person(resource_id, person)

    def _approve_now(
        self, cure: Cure, look: Look, person: str, parameters: Mapping[str, Json]
    ) -> Asked:
        given: dict[str, Json] = {}
        approvers = 1
        for one in look.seen:
            if one.control.id in cure.plan.controls and one.decision is not None:
                given |= {**one.decision.parameters, **(one.plan.given if one.plan else {})}
                approvers = max(approvers, one.decision.approvers)
        owner = self._engine.policy().notices.owner(cure.findings[0].resource)
        whole = {**parameters, **given}
        asked = self._engine.state.approvals.order(cure.plan, whole, person, approvers, owner)
        self._said("approved", asked, person, _count(asked) or "applied by hand")
        return asked

    def preview(
        self,
        resource_id: ResourceId,
        parameters: Mapping[str, Json] | None = None,
        only: frozenset[str] = frozenset(),
        memo: Memo | None = None,
    ) -> Look:
        """What a look would find and a person's yes would do; changes nothing, remembers nothing.

        `memo` keeps what was looked up to judge, for previews of the same moment.

        Raises:
            Unusable: no control judges such a resource, or it does not exist.
        """
        controls = self._engine.observer.controls_of(resource_id)
        if not controls:
            raise Unusable(f"no control judges {resource_id.type or resource_id}")
        resource = self._engine.observer.observe(resource_id)
        if resource is None:
            raise Unusable(f"{resource_id} does not exist")
        look = Look(resource_id=resource_id)
        memo = {} if memo is None else memo
        standings = {s.control: s for s in self._engine.state.findings.of(resource_id)}
        for control in controls:
            verdict, whole = self._engine.observer.judge(control.detector, resource, memo)
            one = Seen(
                control=control, verdict=verdict, standing=standings.get(control.id), at=whole
            )
            look.seen.append(one)
            if verdict.state is Compliance.NON_COMPLIANT and (not only or control.id in only):
                self._preview_one(one, parameters or {})
        self._tell_callers(look)
        return look

    def _preview_one(self, one: Seen, parameters: Mapping[str, Json]) -> None:
        now = self._engine.state.now()
        opened = one.standing.opened_at if one.standing else now
        decision = self._engine.policy().decide(one.control, one.finding.resource.id, opened, now)
        whole = person_parameters(one.control, {**decision.parameters, **parameters})
        one.decision = replace(decision, parameters=whole)
        self._engine.decider.cure_for_person(one)

    def _tell_callers(self, look: Look) -> None:
        ask = self._engine.cloud.callers
        once = cache(ask) if ask is not None else None
        for one in look.seen:
            if one.plan is not None:
                one.plan = told(once, one.plan, [one.control.detector])

    def undo(self, action: str, person: str) -> Story | Stopped:
        """Take an action back.

        Raises:
            Unusable: no such action. Refused: it cannot be. Transient: come again.
        """
        done = self._engine.state.journal.find(action)
        if done.state == journal.RUNNING:
            raise Transient(f"{done.id} is still running", 15)
        with self._engine.state.budgets.look():
            result = self._engine.hand.undo(done, person)
        if isinstance(result, Story) and result.state == journal.UNDONE:
            self._engine.state.inbox.note(self._person_hint(done.resource, person), timedelta(0))
        return result

    def look(self, resource: ResourceId, person: str) -> None:
        """Ask for a look at a resource now.

        Raises:
            Unusable: no control judges such a resource.
        """
        judged = self._engine.observer.judged(resource)
        if judged is None:
            raise Unusable(f"no control judges {resource.type or resource}")
        self._engine.state.inbox.note(self._person_hint(judged, person), timedelta(0))

    def suspend(self, person: str, reason: str) -> None:
        """Stop all writes: none is sent whose last look at this flag began after it was set."""
        self._engine.state.suspension.suspend(person, reason)
        self._control_note("suspended", person, reason)

    def resume(self, person: str) -> None:
        """Lift the stop, and look again at every open finding."""
        if self._engine.state.suspension.resume() is None:
            raise Unusable("nothing is suspended")
        self._control_note("resumed", person, "")
        for standing in list(self._engine.state.findings.all()):
            if standing.open:
                self._engine.state.inbox.note(self._person_hint(standing.resource, person))

    def _as_person(self, resource: ResourceId, person: str) -> Look:
        hint = self._person_hint(resource, person)
        if not self._engine.may_write:
            self._engine.state.inbox.to_hand(hint)
            return Look(resource_id=resource)
        look = self._engine.reconcile(hint)
        while look.again:
            more = self._engine.reconcile(hint)
            look.seen, look.again = [*look.seen, *more.seen], more.again
        return look

    def _person_hint(self, resource: ResourceId, person: str) -> Hint:
        now = self._engine.state.now()
        actor = Actor(name=person, operation="portcullis", at=now.isoformat())
        return Hint(id=resource, source="person", first_seen=now, actors=(actor,))

    def _said(self, entry: str, asked: Asked, person: str, reason: str) -> None:
        self._engine.state.journal.note(
            entry,
            [asked.id, asked.value.get("asked_at"), person],
            asked.resource,
            Controls=asked.controls,
            PlanId=asked.id,
            Owner=asked.owner,
            Plan={k: asked.value[k] for k in ("changes", "disruption", "caveats", "reversible")},
            Person=person,
            Message=reason,
        )

    def _control_note(self, entry: str, person: str, reason: str) -> None:
        at = self._engine.state.now().isoformat()
        self._engine.state.journal.note(
            entry, [person, at], ResourceId("/"), Controls=[], Person=person, Message=reason
        )


def _count(asked: Asked) -> str:
    """How far a plan is that several people must approve; empty where one is enough."""
    said, needed = len(asked.approved_by), asked.approvers
    if needed == 1:
        return ""
    if said < needed:
        return f"{said} of {needed} people approved; somebody else must too"
    return f"{said} of {needed} people approved"
