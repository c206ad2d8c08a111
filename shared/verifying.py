"""Whether what was written is there: by the detectors, or path by path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from shared.cloud import Reader
from shared.errors import OverBudget, Refused, Transient
from shared.journal import Story
from shared.model import (
    ABSENT,
    Change,
    Control,
    Evidence,
    Json,
    Resource,
    ResourceId,
    State,
    Verb,
    overlap,
    parse_pointer,
    same,
    value_at,
)
from shared.observing import Observer


class Verifier:
    """Reads anew, and compares."""

    def __init__(self, reader: Reader, observer: Observer, controls: Mapping[str, Control]) -> None:
        self._reader = reader
        self._observer = observer
        self._controls = controls

    def shown(self, change: Change) -> Resource | None:
        """The target as it is; None where it is gone, or may not be read by itself."""
        try:
            return self._reader.get(change.target, change.api_version)
        except Refused:
            return None

    def judged(self, control: str, resource: Resource | None) -> State:
        """What the control's detector says of it; unknown where there is nothing to judge."""
        known = self._controls.get(control)
        if resource is None or known is None:
            return State.UNKNOWN
        return self._observer.judge(known.detector, resource, {})[0].state

    def violated_by(self, resource_id: ResourceId, changes: Iterable[Change]) -> set[str]:
        """The controls that the resource violates now where these changes wrote.

        None where it cannot be seen. Raises OverBudget: it can be seen later.
        """
        try:
            fresh = self._observer.observe(resource_id)
            found = self._evidence(fresh) if fresh is not None else {}
        except OverBudget:
            raise
        except (Refused, Transient):
            return set()
        written = [(change.target, edit.path) for change in changes for edit in change.edits]
        return {
            control
            for control, evidence in found.items()
            for target, path in written
            if any(
                (one.resource or resource_id) == target and overlap(parse_pointer(one.path), path)
                for one in evidence
            )
        }

    def _evidence(self, resource: Resource) -> dict[str, tuple[Evidence, ...]]:
        return {
            control.id: self._observer.judge(control.detector, resource, {})[0].evidence
            for control in self._observer.controls_of(resource.id)
        }

    def happened(self, story: Story) -> bool:
        """Whether the story's writes are there now, though nobody saw them arrive.

        Raises:
            Transient: it cannot be seen now.
        """
        if not story.value["ClientRequestIds"]:
            return False
        if not story.undoing:
            fresh = self._observer.observe(story.resource)
            if fresh is None:
                return self.was_to_go(story)
            states = [self.judged(c, fresh) for c in story.controls]
            if State.UNKNOWN in states or not fresh.settled:
                raise Transient(f"{story.resource}: what happened cannot be seen now", 30)
            return State.NON_COMPLIANT not in states
        return all(self.holds(change) for change in story.changes)

    def was_to_go(self, story: Story) -> bool:
        """Whether the judged resource itself is what the story deletes."""
        return any(c.verb is Verb.DELETE and c.target == story.resource for c in story.changes)

    def holds(self, change: Change) -> bool:
        """Whether every written path holds what was to be written.

        Raises:
            Transient: it has not settled yet, or cannot be seen now.
        """
        now = self._reader.get(change.target, change.api_version)
        if change.verb is Verb.DELETE:
            return now is None
        if now is None:
            return False
        if not now.settled:
            raise Transient(f"{change.target} has not settled yet", 5)
        return all(_came(value_at(now.body, e.path), e.after) for e in change.edits)


def _came(held: Json, wanted: Json) -> bool:
    """Whether what was sent is there; Azure may show what was taken out as empty."""
    return same(held, wanted) or (wanted is ABSENT and held in (None, "", [], {}))
