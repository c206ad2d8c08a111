"""Whether what was written is there: by the detectors, or path by path."""

from __future__ import annotations

from collections.abc import Mapping

from shared.cloud import Reader
from shared.errors import Refused, Transient
from shared.journal import Story
from shared.model import (
    ABSENT,
    Change,
    Control,
    Json,
    Resource,
    ResourceId,
    State,
    Verb,
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

    def violated(self, resource_id: ResourceId) -> set[str]:
        """The controls that the resource violates now; none where it cannot be seen."""
        try:
            fresh = self._observer.observe(resource_id)
            return {
                control.id
                for control in self._observer.controls_of(resource_id)
                if self.judged(control.id, fresh) is State.NON_COMPLIANT
            }
        except (Refused, Transient):
            return set()

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
                return False
            states = [self.judged(c, fresh) for c in story.controls]
            if State.UNKNOWN in states or not fresh.settled:
                raise Transient(f"{story.resource}: what happened cannot be seen now", 30)
            return State.NON_COMPLIANT not in states
        return all(self.holds(change) for change in story.changes)

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
