"""What the triggers run: a message in, a look at a resource, and what a fault means for both."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from shared.engine import Engine
from shared.errors import NewerState, OverBudget, Transient
from shared.hints import ACT, HINTS, SWEEPS, Hint, sweep_of
from shared.intake import Intake, Taken
from shared.look import Look
from shared.model import digest
from shared.orders import undo_in
from shared.outbox import Sink
from shared.undos import Undos

if TYPE_CHECKING:
    from shared.azure.dead_letters import DeadLetters
    from shared.sweep import Sweep

GIVE_UP = timedelta(hours=24)
_LONGEST_WAIT = 900.0
_SAID_AFTER = 3
_ONE_MORE = timedelta(minutes=15)
_UNTIL_DEPLOYED = timedelta(minutes=5)
T = TypeVar("T")


class Worker:
    """Safe to call with any text, any number of times, from any number of threads.

    Where state is newer than this version, a message waits in its queue as it is.
    """

    def __init__(
        self, engine: Engine, undos: Undos, intake: Intake, sweep: Callable[[], Sweep]
    ) -> None:
        self._sweep = sweep
        self._undos = undos
        self._engine = engine
        self._intake = intake
        self._state = engine.state

    def _taken(self, queue: str, text: str | bytes, take: Callable[[str | bytes], T]) -> T | None:
        """What comes of a message; None where this version has to leave it alone."""
        try:
            self._state.schema.check()
            return take(text)
        except NewerState:
            # A message that fails again and again would end in the poison queue.
            self._state.store.send(queue, _shown(text), _UNTIL_DEPLOYED)
            return None

    def hints(self, text: str | bytes) -> Look | Taken | OverBudget | None:
        """A message of the hints queue: a hint of ours, or an event that Event Grid delivered.

        `OverBudget` where the look waits for its turn, None where a fault put it off.
        """
        return self._taken(HINTS, text, self._hints)

    def _hints(self, text: str | bytes) -> Look | Taken | OverBudget | None:
        hint = _hint(text)
        if hint is None:
            return self._intake.take(text)
        hint = self._judged(hint)
        if hint is None:
            return None
        taken = self._state.inbox.take(hint)
        look = None
        if not (taken.sweep and self._state.looked.by(hint.id, taken.sweep)):
            look = self._look(taken.hint, HINTS)
            if isinstance(look, Look) and taken.hint.run and not look.again:
                self._state.looked.note(hint.id, taken.hint.run)
        self._state.inbox.finish(taken)
        return look

    def sweeps(self, text: str | bytes) -> None:
        """A message of the sweeps queue: goes on with a sweep."""
        self._taken(SWEEPS, text, self._sweeps)

    def _sweeps(self, text: str | bytes) -> None:
        run = sweep_of(text)
        if run:
            self._sweep().link(run)
            return
        self._intake.keep("unreadable-sweep", "not a sweep of ours", _shown(text)[:2000])

    def act(self, text: str | bytes) -> Look | OverBudget | None:
        """A message of the writing queue: a hint, or that a person ordered an undo.

        Anything else is kept and reported.
        """
        return self._taken(ACT, text, self._act)

    def _act(self, text: str | bytes) -> Look | OverBudget | None:
        if action := undo_in(text):
            self._undo(action)
            return None
        hint = _hint(text)
        if hint is None:
            self._intake.keep("unreadable-order", "not a hint of ours", _shown(text)[:2000])
            return None
        hint = self._judged(hint)
        return self._look(hint, ACT) if hint is not None else None

    def _undo(self, action: str) -> None:
        try:
            self._undos.carry_out(action)
        except Transient as fault:
            wait = timedelta(seconds=min(max(fault.retry_after, 15), _LONGEST_WAIT))
            self._state.orders.send(action, wait)

    def _judged(self, hint: Hint) -> Hint | None:
        """The hint at what is judged; None where no control (any more) looks at such an id."""
        judged = self._engine.observer.judged(hint.id)
        return replace(hint, id=judged) if judged is not None else None

    def _look(self, hint: Hint, queue: str) -> Look | OverBudget | None:
        """What put the look off where it waits for its turn; None where a passing fault did."""
        try:
            look = self._engine.reconcile(hint)
        except OverBudget as full:
            # Nothing failed: it was not asked.
            if not self._too_old(hint, full):
                wait = timedelta(seconds=full.retry_after)
                self._state.inbox.come_back(hint, queue, wait)
            return full
        except Transient as fault:
            self._put_off(hint, queue, fault)
            return None
        if look.again:
            self._state.inbox.put_off(hint, queue, timedelta(0))
        return look

    def _put_off(self, hint: Hint, queue: str, fault: Transient) -> None:
        if hint.attempt == _SAID_AFTER:
            self._say_unknown(hint, fault)
        if self._too_old(hint, fault):
            return
        wait = max(fault.retry_after, min(2.0 ** min(hint.attempt, 10), _LONGEST_WAIT))
        self._state.inbox.put_off(hint, queue, timedelta(seconds=wait))

    def _too_old(self, hint: Hint, fault: Transient) -> bool:
        """Whether it was put off for so long that it is given up, and that is said."""
        age = self._state.now() - hint.first_seen
        if age > GIVE_UP:
            self._report("gave-up", hint, f"after {age}: {fault}; the next sweep looks again")
        return age > GIVE_UP

    def _say_unknown(self, hint: Hint, fault: Transient) -> None:
        """Tried several times: not seen is unknown, and a person may want to know."""
        for control in self._engine.observer.controls_of(hint.id):
            reason = f"it could not be read: {fault}"
            self._state.findings.unknown(control, hint.id, reason, hint.actors)

    def poison(self, queue: str, text: str | bytes) -> None:
        """A message that failed again and again: kept, and reported as what a person must see.

        It gets one more round: what failed may have been the state, for longer than a round takes.
        """
        self._taken(f"{queue}-poison", text, partial(self._poison, queue))

    def _poison(self, queue: str, text: str | bytes) -> None:
        entry, store, shown = f"poison-{queue}", self._state.store, _shown(text)
        if store.get("unreadable", "unreadable", digest([entry, shown])) is None:
            store.send(queue, shown, _ONE_MORE)
        self._intake.keep(entry, f"a message of {queue} failed again and again", shown)

    def undelivered(self, letters: DeadLetters) -> int:
        """Take what Event Grid gave up on as what it still is, hints, and tell a person.

        Raises:
            StoreUnavailable: the rest waits for the next time.
        """
        count = 0
        for letter in letters.each():
            self._intake.take(letter.text)
            self._intake.keep("dead-letter", letter.why, letter.text)
            letters.done(letter)
            count += 1
        return count

    def due(self) -> int:
        """Wake what waits for a time that has come; how many."""
        queue = self._state.inbox
        woken = self._state.due.wake(lambda hint: queue.note(hint, timedelta(0)))
        return woken + self._intake.check_suspects()

    def ship(self, sinks: list[Sink]) -> int:
        """Give waiting records to the log; how many went."""
        return self._state.outbox.ship(sinks)

    def _report(self, entry: str, hint: Hint, message: str) -> None:
        fields: dict[str, Any] = {
            "Entry": entry,
            "Severity": "high",
            "ResourceId": hint.id.text,
            "CausedBy": [a.to_json() for a in hint.actors],
            "Message": message,
        }
        identity = [entry, hint.id.key, hint.first_seen.isoformat()]
        self._state.outbox.add("health", identity, fields)


def _shown(text: str | bytes) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _hint(text: str | bytes) -> Hint | None:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return Hint.from_json(body) if isinstance(body, dict) else None
