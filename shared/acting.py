"""Carrying out a plan: claim, guard, before-image, write, verify, record; and taking it back.

Every write to Azure is sent by `Sender.send`, after the claim and the stop were read again.
Whatever happens in between, the story in the journal says how far it came, and the next look
at the resource goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared import journal
from shared.claims import Held
from shared.cloud import Answered, Writer, request_of
from shared.decision import Decision, Do, Mode
from shared.errors import Conflict, Moved, Refused, Transient, Why
from shared.findings import Standing
from shared.guard import Guard, Work
from shared.hints import Hint
from shared.journal import Story, left_by
from shared.model import Change, Control, Resource, ResourceId, State
from shared.observing import Observer
from shared.sending import Sender
from shared.state import State as Memory
from shared.stopped import Stopped
from shared.store import Row
from shared.undoing import inverse_of
from shared.verifying import Verifier

if TYPE_CHECKING:
    from shared.policy import Policy

RETRY_REFUSED = timedelta(hours=6)
"""How long a refused write (a lock, a policy) is left before it is tried again."""
_NOW = timedelta(0)
_FAILED = Why.FAILED


class Hand:
    """The one that writes."""

    def __init__(
        self,
        arm: Writer,
        observer: Observer,
        memory: Memory,
        controls: Mapping[str, Control],
        policy: Callable[[], Policy],
        guard: Guard,
    ) -> None:
        self._arm = arm
        self._observer = observer
        self._memory = memory
        self._verifier = Verifier(arm, observer, controls)
        self._sender = Sender(arm, memory, self._verifier)
        self._policy = policy
        self._guard = guard

    # --- carrying out

    def carry_out(self, work: Work, seen: Row | None) -> Story | Stopped:
        """Do it, or say what stands in the way. `seen` is the claim from before observing.

        Raises:
            Transient: come again; the next look goes on where this one ended. OverBudget: there
                is no room for its writes, and nothing was begun.
        """
        stopped = self._guard.stops(work)
        if stopped is not None:
            return stopped
        self._reserve(work.cure.plan.changes)
        held = self._claim(work.cure.plan.resource.write_target, seen, work.action)
        full = self._memory.limits.take(
            self._policy(), work.cure.plan, work.cure.severity, work.action, work.hint.run
        )
        if full is not None:
            self._memory.claims.free(held)
            return Stopped("limit-reached", full.words, full.source, full.until)
        for standing in work.standings:
            self._memory.findings.decided(standing, work.decision)
        story = self._memory.journal.begin(
            work.action,
            work.cure,
            work.decision,
            episodes=work.episodes,
            actors=work.actors,
            owner=work.owner,
            person=work.person,
            durations=work.durations,
            goes_on=self._settled(work.action),
        )
        return self._go_on(story, held, list(work.cure.plan.changes))

    def _reserve(self, changes: Sequence[Change]) -> None:
        """Room for every write, before any is begun."""
        self._memory.budgets.hurry()
        self._memory.budgets.reserve([request_of(change) for change in changes])

    def _settled(self, action: str) -> bool:
        """Whether an earlier attempt's writes were waited for."""
        earlier = self._memory.journal.story(action)
        return earlier is not None and earlier.state == journal.SETTLING

    def _claim(self, target: ResourceId, seen: Row | None, action: str) -> Held:
        """The claim for `action`; a dead worker's story it still names is ended first."""
        before = self._memory.claims.action_of(seen)
        if before not in ("", action) and seen == self._memory.claims.look(target):
            self._supersede(before)
        held = self._memory.claims.take(target, seen, action)
        if held is None:
            raise Transient(f"{target}: another worker was faster; looking again", 5)
        return held

    # --- sending

    def _go_on(self, story: Story, held: Held, changes: list[Change]) -> Story:
        """Make the changes that are not behind us yet, then verify."""
        answered: Resource | None = None
        while story.step < len(changes):
            change = changes[story.step]
            if change.settle and story.step > story.value["Settled"]:
                return self._settle(story, held, change)
            started = time.perf_counter()
            try:
                story, answer = self._sender.send(story, held, changes)
            except Refused as refused:
                return self._refused(story, held, refused)
            except Conflict as conflict:
                self._memory.journal.finish(story, journal.SUPERSEDED, str(conflict))
                self._memory.claims.free(held)
                raise Transient(f"{conflict}; looking again", 1) from conflict
            except Transient:
                # It may have happened: a claim that has run out makes the next look find out.
                self._run_out(held)
                raise
            if answer is None or answer.operation is not None:
                return self._unanswered(story, held, answer)
            answered = answer.resource
            last = story.step + 1 == len(changes)
            story = self._memory.journal.stepped(story, left_by(change, answered), keep=not last)
            story = _timed(story, "apply", started)
        try:
            return self._verify(story, held, answered)
        except Transient:
            self._run_out(held)
            raise

    def _settle(self, story: Story, held: Held, change: Change) -> Story:
        """Let what is written take effect: a due row wakes another attempt for the rest."""
        until = self._memory.now() + timedelta(seconds=change.settle)
        message = f"{story.step} of {len(story.changes)} writes made; the rest after {until:%H:%M}"
        hint = Hint(id=story.resource, source="due", first_seen=until)
        self._memory.due.add(until, hint, f"settling {story.id}")
        story = self._memory.journal.finish(
            story, journal.SETTLING, f"{message} UTC, when they hold", RetryAt=until.isoformat()
        )
        self._memory.claims.free(held)
        return story

    def _refused(self, story: Story, held: Held, refused: Refused) -> Story:
        """The write waits before it is tried again; the reason is the findings' decision."""
        until = self._memory.now() + RETRY_REFUSED
        if not story.undoing:
            self._put_off(story, f"{refused.why}: {refused}", until)
        story = self._memory.journal.finish(
            story,
            journal.FAILED,
            str(refused),
            Refusal=refused.why.value,
            RetryAt=until.isoformat(),
        )
        self._memory.claims.free(held)
        return story

    def _put_off(self, story: Story, reason: str, until: datetime) -> None:
        told = story.value["Decision"]
        decision = Decision(
            do=Do.WAIT, mode=Mode(told["mode"]), source=told["source"], reason=reason, until=until
        )
        for standing in self._memory.findings.of(story.resource):
            if standing.control in story.controls and standing.open:
                self._memory.findings.decided(standing, decision)
        hint = Hint(id=story.resource, source="due", first_seen=until)
        self._memory.due.add(until, hint, f"refused {story.id}")

    # --- long-running operations

    def _unanswered(self, story: Story, held: Held, answer: Answered | None) -> Story:
        """What was not sent for the stop, or goes on after its answer."""
        if answer is None or answer.operation is None:
            self._memory.claims.free(held)
            return story
        story = self._memory.journal.running(story, answer.operation)
        self._look_again(story, held, answer.wait)
        return story

    def _look_again(self, story: Story, held: Held, wait: float) -> None:
        delay = timedelta(seconds=wait)
        self._memory.claims.renew(held, delay + timedelta(minutes=20))
        now = self._memory.now()
        hint = Hint(id=story.resource, source="due", first_seen=now)
        self._memory.due.add(now + delay, hint, f"operation {story.id}")

    def follow(self, story: Story, seen: Row) -> Story:
        """One look at a long-running operation, and what comes after its end.

        Raises:
            Transient: the look failed, or another worker is at it.
        """
        try:
            held = self._memory.claims.renew(Held(story.resource.write_target, story.id, seen.etag))
        except Moved as moved:
            raise Transient(f"{story.resource}: another worker follows it", 15) from moved
        try:
            progress = self._arm.poll(story.operation)
        except Refused as refused:
            return self._refused(story, held, refused)
        if not progress.done:
            self._look_again(story, held, progress.wait)
            return story
        change = story.changes[story.step]
        if progress.error:
            failure = Refused(f"the operation on {change.target} {progress.error}", _FAILED)
            return self._refused(story, held, failure)
        shown = self._verifier.shown(change)
        if shown is not None and not shown.settled:
            self._look_again(story, held, 5)
            return story
        story = self._memory.journal.stepped(story, left_by(change, shown))
        return self._go_on(story, held, story.changes)

    # --- verifying

    def _verify(self, story: Story, held: Held, answered: Resource | None) -> Story:
        started = time.perf_counter()
        if story.undoing:
            back = all(self._verifier.holds(change) for change in story.changes)
            state = journal.UNDONE if back else journal.NOT_CURED
            story = _timed(story, "verify", started)
            return self._end(story, held, state, "" if back else "the old values did not come back")
        resource = answered if answered and answered.id == story.resource else None
        states = [self._verifier.judged(c, resource) for c in story.controls]
        if resource is None or State.UNKNOWN in states:
            fresh = self._observer.observe(story.resource)
            if fresh is None and self._verifier.was_to_go(story):
                return self._end(story, held, journal.REMEDIATED, "")
            if fresh is None:
                self._vanished(story)
                return self._end(story, held, journal.SUPERSEDED, "the resource is gone")
            if not fresh.settled:
                raise Transient(f"{story.resource} has not settled yet", 5)
            states = [self._verifier.judged(c, fresh) for c in story.controls]
        story = _timed(story, "verify", started)
        if State.UNKNOWN in states:
            raise Transient(f"{story.resource}: the cure cannot be verified now", 30)
        if State.NON_COMPLIANT in states:
            return self._end(story, held, journal.NOT_CURED, "the violation is still there")
        return self._end(story, held, journal.REMEDIATED, "")

    def _vanished(self, story: Story) -> None:
        for standing in self._memory.findings.of(story.resource):
            if standing.open:
                self._memory.findings.close(standing, "vanished")

    def _run_out(self, held: Held) -> None:
        """End the claim's life, not its action; nothing where it was inherited meanwhile."""
        with suppress(Moved):
            self._memory.claims.renew(held, _NOW)

    def _end(self, story: Story, held: Held, state: str, message: str) -> Story:
        """Close what the story ended, then the story, then the claim: any crash can be mended."""
        memory, controls = self._memory, set(story.controls)
        standings = memory.findings.of(story.resource)
        if state == journal.REMEDIATED:
            for standing in standings:
                if standing.control in controls:
                    memory.findings.close(standing, "cured")
        elif state == journal.UNDONE:
            self._leave_alone(story, standings)
        story = memory.journal.finish(story, state, message)
        for asked in memory.approvals.of(story.resource) if story.value["Person"] else ():
            if asked.status == "approved" and set(asked.controls) == controls:
                memory.approvals.end(asked, "done")
        memory.claims.free(held)
        return story

    def _leave_alone(self, story: Story, standings: list[Standing]) -> None:
        """Exempt what the undo violates again, also a control that the cure ended by the way."""
        until = self._memory.now() + self._policy().undo_exemption
        again = self._verifier.violated_by(story.resource, story.changes)
        for standing in standings:
            ended = standing.control in again and not standing.open
            if standing.control in story.controls or ended:
                self._memory.findings.undone(standing, until, str(story.value["Person"]))

    # --- inheriting

    def inherit(self, story: Story, seen: Row) -> Story | None:
        """Finish what a dead worker left, where its write already happened.

        The story is given back where it did not: the same action may go on with it, else
        `abandon` ends it.

        Raises:
            Transient: another worker inherits it, or it cannot be seen now.
        """
        held = Held(story.resource.write_target, story.id, seen.etag)
        if story.state in journal.FINAL:
            self._memory.claims.free(held)
            return None
        try:
            held = self._memory.claims.renew(held)
        except Moved as moved:
            raise Transient(f"{story.resource}: another worker inherits it", 15) from moved
        try:
            return self._finished(story, held)
        except Transient:
            self._run_out(held)
            raise

    def _finished(self, story: Story, held: Held) -> Story | None:
        """End a story whose write already happened; it is given back where that did not."""
        if not self._verifier.happened(story):
            self._run_out(held)
            return story
        while story.step < len(story.changes):
            change = story.changes[story.step]
            shown = self._verifier.shown(change)
            story = self._memory.journal.stepped(story, left_by(change, shown))
        message = "found done by the look after the worker that sent it"
        state = journal.UNDONE if story.undoing else journal.REMEDIATED
        self._end(story, held, state, message)
        return None

    def abandon(self, story: Story) -> None:
        """End a dead worker's story that nobody went on with."""
        now = self._memory.journal.story(story.id)
        if now is None or now.value["Attempt"] != story.value["Attempt"]:
            return
        if not self._supersede(story.id):
            return
        row = self._memory.claims.look(story.resource.write_target)
        if row is not None and self._memory.claims.action_of(row) == story.id:
            self._memory.claims.free(Held(story.resource.write_target, story.id, row.etag))

    def _supersede(self, action: str) -> bool:
        """End a story that was begun and left; whether there was something to end."""
        story = self._memory.journal.story(action)
        if story is None or story.state in journal.FINAL or story.state == journal.RUNNING:
            return False
        message = "the worker that began it ended; it was not seen to have written"
        if story.step:
            message = (
                f"the worker ended after {story.step} of {len(story.changes)} writes; planned anew"
            )
        self._memory.journal.finish(story, journal.SUPERSEDED, message)
        return True

    # --- undoing

    def undo(self, done: Story, person: str) -> Story | Stopped:
        """Take an action back, as far as nobody has changed its paths since.

        Raises:
            Refused: it cannot be taken back, with the reason. Transient: come again.
        """
        target = done.resource.write_target
        seen = self._memory.claims.look(target)
        if self._memory.claims.alive(seen):
            raise Transient(f"{target} is being written by another worker", 15)
        written = (done.resource, *(change.target for change in done.changes))
        if (stop := self._guard.stops_undo(written)) is not None:
            return stop
        if seen is not None and (left := self._left(seen)) is not None:
            self.inherit(left, seen)
            seen = self._memory.claims.look(target)
        earlier = self._memory.journal.story(journal.undo_id(done))
        if earlier is not None and earlier.state == journal.UNDONE:
            raise Refused(f"{done.id} was taken back by {earlier.value['Person']} already", _FAILED)
        changes = inverse_of(done, self._arm)
        self._reserve(changes)
        held = self._claim(target, seen, journal.undo_id(done))
        story = self._memory.journal.begin_undo(done, changes, person)
        return self._go_on(story, held, changes)

    def _left(self, seen: Row) -> Story | None:
        """The story that a claim nobody holds any more still names."""
        story = self._memory.journal.story(self._memory.claims.action_of(seen))
        if story is not None and story.state == journal.RUNNING:
            raise Transient(f"{story.resource} is still being written", 15)
        return story


def _timed(story: Story, what: str, started: float) -> Story:
    spent = round((time.perf_counter() - started) * 1000)
    return story.having(DurationMs={**story.value["DurationMs"], what: spent})
