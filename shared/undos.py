"""Undos that people order of the app that may write, and what comes of them."""

from __future__ import annotations

from shared import journal
from shared.engine import Engine
from shared.errors import Refused, Transient, Unusable
from shared.journal import Story
from shared.orders import DONE, GIVE_UP, ORDERED, REFUSED, Order
from shared.people import People
from shared.stopped import Stopped
from shared.undoing import inverse_of


class Undos:
    """Orders them where nothing may be written, carries them out where it may."""

    def __init__(self, engine: Engine, people: People) -> None:
        self._engine = engine
        self._people = people
        self._state = engine.state

    def order(self, action: str, person: str) -> Order:
        """Have an action taken back, at once where this app may write.

        What would make it refuse is looked for first. An undo that restores rights is not
        ordered: whoever may click here must not hand out rights by it.

        Raises:
            Unusable: no such action, or it needs a person's own credential; the command stands in
                it. Refused: it cannot be taken back. Transient: it cannot be told now.
        """
        done = self._state.journal.find(action)
        if (command := self.own_credential(done)) is not None:
            raise Unusable(f"{done.id} restores rights: run '{command}' under your own credential")
        self._undoable(done)
        order, new = self._state.orders.give(done.id, person)
        if new:
            self._note("undo-ordered", done, person, "")
        if self._engine.may_write:
            self.carry_out(done.id)
            return self._state.orders.of(done.id) or order
        return order

    def own_credential(self, done: Story) -> str | None:
        """The command for an undo that only a person's own credential may do; else None."""
        known = self._engine.controls
        cures = (known[one].remediation if one in known else None for one in done.controls)
        if any(cure is None or cure.privileged for cure in cures):
            return f"portcullis undo {done.id}"
        return None

    def carry_out(self, action: str) -> None:
        """Do what was ordered about an action; nothing where no order waits.

        Raises:
            Transient: come again.
        """
        order, done = self._state.orders.of(action), self._state.journal.story(action)
        if order is None or done is None or order.state != ORDERED:
            return
        if self._undone(done) is not None:
            self._state.orders.answer(order, DONE)
            return
        try:
            refusal = self._try(done, order.person)
        except Transient as fault:
            if self._state.now() - order.at < GIVE_UP:
                raise
            refusal = f"tried for an hour: {fault}"
        # A worker that died after its write leaves a story that the next one ends by looking.
        if refusal is None or self._undone(done) is not None:
            self._state.orders.answer(order, DONE)
            return
        self._state.orders.answer(order, REFUSED, refusal)
        self._note("undo-refused", done, order.person, refusal)

    def _try(self, done: Story, person: str) -> str | None:
        """Why it is not taken back; None where it is, or is on its way."""
        if self.own_credential(done) is not None:
            return "it restores rights: a person does that under their own credential"
        try:
            result = self._people.undo(done.id, person)
        except (Refused, Unusable) as refused:
            return str(refused)
        if isinstance(result, Stopped):
            return result.message
        if result.state in (journal.UNDONE, journal.RUNNING):
            return None
        return str(result.value["Message"])

    def _undone(self, done: Story) -> Story | None:
        earlier = self._state.journal.story(journal.undo_id(done))
        return earlier if earlier is not None and earlier.state == journal.UNDONE else None

    def _undoable(self, done: Story) -> None:
        """Raises what an undo would, as far as reading tells."""
        if done.state == journal.RUNNING:
            raise Transient(f"{done.id} is still running", 15)
        if (earlier := self._undone(done)) is not None:
            raise Unusable(f"{done.id} was taken back by {earlier.value['Person']} already")
        if (stop := self._state.suspension.stopped()) is not None:
            raise Unusable(f"all writes are stopped by {stop.by}: {stop.reason}")
        with self._state.budgets.look():
            inverse_of(done, self._engine.cloud.arm)

    def _note(self, entry: str, done: Story, person: str, message: str) -> None:
        self._state.journal.note(
            entry,
            [done.id, person, self._state.now().isoformat()],
            done.resource,
            Controls=done.controls,
            Severity=done.value["Severity"],
            Owner=done.value.get("Owner", ""),
            UndoOf=done.id,
            Person=person,
            Message=message,
        )
