"""Sending one write of a story: what it rests on is read again first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace

from shared import journal
from shared.claims import Held
from shared.cloud import Answered, Writer, request_of
from shared.errors import Conflict, Transient
from shared.journal import Story
from shared.model import Change, Verb, same, value_at
from shared.state import State
from shared.verifying import Verifier


class Sender:
    """The one place that writes to Azure."""

    def __init__(self, arm: Writer, memory: State, verifier: Verifier) -> None:
        self._arm = arm
        self._memory = memory
        self._verifier = verifier

    def send(
        self, story: Story, held: Held, changes: Sequence[Change]
    ) -> tuple[Story, Answered | None]:
        """Send the story's next change; None where the stop was set before it went.

        Raises:
            Conflict, Refused: as `Writer.write`. Transient: it may have happened, or what has to
                come before it is not there. OverBudget: nothing was sent.
        """
        change = changes[story.step]
        if story.step:
            # Our own earlier write moved what was read: look again, and compare.
            kept = None if change.verb is Verb.PUT else change.document
            change = replace(change, etag=None, document=kept)
        if change.verb is Verb.DELETE and not story.undoing:
            self._read_back(changes[: story.step])
        change = self._prepared(change)
        self._memory.budgets.reserve([request_of(change)])
        request_id = str(uuid.uuid4())
        story = self._memory.journal.sending(story, request_id)
        if not self._memory.claims.mine(held):
            raise Transient(f"{held.target}: the claim was inherited; looking again", 5)
        if (stop := self._memory.suspension.stopped()) is not None:
            why = f"all writes were stopped by {stop.by}: {stop.reason}"
            return self._memory.journal.finish(story, journal.HELD, why), None
        answer = self._arm.write(change, request_id)
        return self._memory.journal.sent(story, answer.correlation_id), answer

    def _read_back(self, before: Sequence[Change]) -> None:
        """What must stay is there before what let it in goes: every rule and grant made so far."""
        for one in before:
            if one.verb is Verb.CREATE and not self._verifier.holds(one):
                raise Transient(f"{one.target} was made, and is not there: planned anew", 15)

    def _prepared(self, change: Change) -> Change:
        """A put gets the document it edits, read again where it was not just read."""
        if change.verb is not Verb.PUT or change.document is not None:
            return change
        now = self._arm.get(change.target, change.api_version)
        if now is None:
            raise Conflict(f"{change.target} is gone")
        for edit in change.edits:
            if not same(value_at(now.body, edit.path), edit.before):
                raise Conflict(f"{change.target} was changed by somebody else meanwhile")
        return replace(change, document=now.body, etag=now.etag)
