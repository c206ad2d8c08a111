"""The journal: the story of each action, and which writes are ours.

A story is stored before its first write and moved on with each step; whoever finds one
unfinished can finish it. Every turn of it is also a record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.approvals import plan_json
from shared.decision import Decision
from shared.errors import Unusable
from shared.findings import decision_json, evidence_json
from shared.hints import Actor
from shared.model import (
    Change,
    Json,
    Plan,
    Resource,
    ResourceId,
    Reversible,
    Verb,
    change_from_json,
    change_to_json,
    digest,
    pointer_to,
    shown,
    unshown,
    value_at,
)
from shared.outbox import Outbox
from shared.planning import Cure
from shared.store import Store

INTENT, RUNNING = "intent", "running"
REMEDIATED, UNDONE = "remediated", "undone"
NOT_CURED, FAILED, HELD, SUPERSEDED = "not-cured", "failed", "held", "superseded"
SETTLING = "settling"
"""Some writes are made and take effect; the rest is another attempt's, when they have."""
FINAL = {REMEDIATED, UNDONE, NOT_CURED, FAILED, HELD, SUPERSEDED, SETTLING}
"""States in which nobody is at work on a story."""


@dataclass(frozen=True, slots=True)
class Story:
    """One action as stored. `value` is the JSON that records show too."""

    value: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.value["ActionId"])

    @property
    def state(self) -> str:
        return str(self.value["State"])

    @property
    def undoing(self) -> bool:
        return bool(self.value["UndoOf"])

    @property
    def controls(self) -> list[str]:
        return list(self.value["Controls"])

    @property
    def resource(self) -> ResourceId:
        return ResourceId(self.value["ResourceId"])

    @property
    def changes(self) -> list[Change]:
        return [change_from_json(c) for c in self.value["Plan"]["changes"]]

    @property
    def step(self) -> int:
        """How many changes are behind us."""
        return int(self.value["Step"])

    @property
    def left(self) -> list[list[Json]]:
        """Per change made, what its written paths held afterwards."""
        return [[unshown(v) for v in values] for values in self.value["Left"]]

    @property
    def operation(self) -> str:
        return str(self.value["Operation"])

    @property
    def retry_at(self) -> datetime | None:
        found = self.value.get("RetryAt")
        return datetime.fromisoformat(found) if found else None

    def having(self, **changed: Any) -> Story:
        return Story({**self.value, **changed})


def action_id(cure: Cure, episodes: Mapping[str, int]) -> str:
    """The same for the same plan in the same episodes, whoever carries it out."""
    return digest([cure.plan.id, sorted(episodes.items())])


def undo_id(done: Story) -> str:
    """The id of the action that takes `done` back."""
    return digest(["undo", done.id])


class Journal:
    """Stories, and the ids of our own writes."""

    def __init__(self, store: Store, outbox: Outbox, now: Callable[[], datetime]) -> None:
        self._store = store
        self._outbox = outbox
        self._now = now

    def story(self, action: str) -> Story | None:
        row = self._store.get("actions", action, "story")
        return Story(row.value) if row else None

    def find(self, beginning: str) -> Story:
        """The action whose id begins so.

        Raises:
            Unusable: none does, or several.
        """
        found = [s for s in self.all() if beginning and s.id.startswith(beginning)]
        if len(found) != 1:
            raise Unusable(
                f"no action {beginning}: 'portcullis log' shows them"
                if not found
                else f"{beginning} begins the ids of {len(found)} actions: give more of it"
            )
        return found[0]

    def all(self) -> Iterator[Story]:
        return (Story(row.value) for row in self._store.scan("actions"))

    def begin(  # noqa: PLR0913
        self,
        action: str,
        cure: Cure,
        decision: Decision,
        *,
        episodes: Mapping[str, int],
        actors: tuple[Actor, ...],
        owner: str,
        person: str,
        durations: Mapping[str, float],
        goes_on: bool = False,
    ) -> Story:
        """Store the story with its before-image; nothing was sent yet.

        Where it `goes_on`, the earlier attempt's writes are behind it.
        """
        earlier = self.story(action)
        plan = cure.plan
        value = {
            **_place(plan.resource),
            "ActionId": action,
            "UndoOf": "",
            "State": INTENT,
            "Attempt": earlier.value["Attempt"] + 1 if earlier else 1,
            "StartedAt": self._now().isoformat(),
            "Controls": list(plan.controls),
            "Episodes": dict(episodes),
            "Severity": cure.severity.value,
            "Owner": owner,
            "CausedBy": [a.to_json() for a in actors],
            "Evidence": {f.control: evidence_json(f.evidence) for f in cure.findings},
            "Decision": decision_json(decision),
            "Person": person,
            "Plan": plan_json(plan),
            "Before": _before(plan.changes),
            "UndoCommand": _undo_command(action, plan.reversible),
            "DurationMs": {k: round(v) for k, v in durations.items()},
            **(_behind(earlier) if earlier and goes_on else _unsent()),
        }
        return self._keep(Story(value), entry=INTENT)

    def begin_undo(self, done: Story, changes: list[Change], person: str) -> Story:
        """Store the story of taking `done` back."""
        action = undo_id(done)
        earlier = self.story(action)
        plan = {**done.value["Plan"], "changes": [change_to_json(c) for c in changes], "id": action}
        value = {
            **{k: done.value[k] for k in ("ResourceId", "SubscriptionId", "ResourceGroup")},
            **{k: done.value[k] for k in ("Controls", "Episodes", "Severity", "Evidence")},
            "Owner": done.value.get("Owner", ""),
            "ActionId": action,
            "UndoOf": done.id,
            "State": INTENT,
            "Attempt": earlier.value["Attempt"] + 1 if earlier else 1,
            "StartedAt": self._now().isoformat(),
            "CausedBy": [],
            "Decision": {"do": "undo", "mode": "person", "source": person, "reason": "undo"},
            "Person": person,
            "Plan": plan,
            "Before": _before(tuple(changes)),
            "UndoCommand": f"portcullis apply {done.value['ResourceId']}",
            "DurationMs": {},
            **_unsent(),
        }
        return self._keep(Story(value), entry=INTENT)

    def sending(self, story: Story, request_id: str) -> Story:
        """Known as ours before it is sent."""
        self._own(request_id, story.id)
        ids = [*story.value["ClientRequestIds"], request_id]
        return self._keep(story.having(ClientRequestIds=ids))

    def sent(self, story: Story, correlation_id: str) -> Story:
        if correlation_id:
            self._own(correlation_id, story.id)
        ids = [*story.value["CorrelationIds"], correlation_id]
        return story.having(CorrelationIds=[i for i in ids if i])

    def running(self, story: Story, operation: str) -> Story:
        """A long-running operation was accepted."""
        return self._keep(story.having(State=RUNNING, Operation=operation))

    def stepped(self, story: Story, left: list[Json], *, keep: bool = True) -> Story:
        """One more change is behind us, and its paths hold `left` now.

        Not kept where the end of the story follows at once: a look at Azure tells as much.
        """
        behind = [*story.value["Left"], [shown(v) for v in left]]
        moved = story.having(State=INTENT, Operation="", Step=story.step + 1, Left=behind)
        return self._keep(moved) if keep else moved

    def finish(self, story: Story, state: str, message: str = "", **more: Any) -> Story:
        """The end of the story, recorded with all that a person needs to follow it."""
        ended = self._now()
        took = (ended - datetime.fromisoformat(story.value["StartedAt"])).total_seconds()
        durations = {**story.value["DurationMs"], "whole": round(took * 1000)}
        value = {
            "State": state,
            "Operation": "",
            "EndedAt": ended.isoformat(),
            "Message": message,
            "After": _after(story),
            "DurationMs": {**durations, **more.pop("durations", {})},
            **more,
        }
        return self._keep(story.having(**value), entry=state)

    def note(self, entry: str, identity: list[Any], resource: ResourceId, **fields: Any) -> None:
        """A record of the `actions` stream that is no action: asked, approved, limit-reached."""
        told = {"Entry": entry, **_place(resource), "Owner": "", **fields}
        self._outbox.add("actions", [entry, *identity], told)

    def note_plan(
        self,
        entry: str,
        plan: Plan,
        identity: list[Any],
        actors: tuple[Actor, ...],
        **fields: Any,
    ) -> None:
        """A record about a plan that was not carried out."""
        self.note(
            entry,
            identity,
            plan.resource,
            Controls=list(plan.controls),
            PlanId=plan.id,
            Plan=plan_json(plan),
            CausedBy=[a.to_json() for a in actors],
            **fields,
        )

    def is_ours(self, *ids: str) -> bool:
        """Whether any of these request or correlation ids is of a write of ours."""
        return any(
            self._store.get("own", one.casefold(), "write") is not None for one in ids if one
        )

    def _own(self, one: str, action: str) -> None:
        self._store.put("own", one.casefold(), "write", {"action": action})

    def _keep(self, story: Story, entry: str = "") -> Story:
        """A beginning is stored before it is told, an end told before it is stored.

        So a crash between leaves a story that the next look finds unfinished, and ends.
        """
        if entry == INTENT:
            self._put(story)
        if entry:
            hidden = ("Step", "Left", "Operation", "State", "RetryAt", "Settled")
            fields = {k: v for k, v in story.value.items() if k not in hidden}
            identity = [story.id, story.value["Attempt"], entry]
            self._outbox.add("actions", identity, {"Entry": entry, **fields})
        if entry != INTENT:
            self._put(story)
        return story

    def _put(self, story: Story) -> None:
        self._store.put("actions", story.id, "story", story.value)


def left_by(change: Change, resource: Resource | None) -> list[Json]:
    """What the written paths of `change` hold in `resource`; what was sent where it is None."""
    if change.verb in (Verb.PATCH, Verb.PUT):
        if resource is None:
            return [e.after for e in change.edits]
        return [value_at(resource.body, e.path) for e in change.edits]
    return []


def _unsent() -> dict[str, Any]:
    return {
        "Step": 0,
        "Left": [],
        "Operation": "",
        "ClientRequestIds": [],
        "CorrelationIds": [],
        "Message": "",
        "Settled": 0,
    }


def _behind(earlier: Story) -> dict[str, Any]:
    """What an earlier attempt has done; that its writes were waited for."""
    done = {name: earlier.value[name] for name in _unsent()}
    return {**done, "Message": "", "Settled": earlier.step}


def _place(resource: ResourceId) -> dict[str, Any]:
    group = resource.resource_group
    return {
        "ResourceId": resource.text,
        "SubscriptionId": resource.subscription,
        "ResourceGroup": group.name if group else "",
    }


def _undo_command(action: str, reversible: Reversible) -> str:
    return "" if reversible is Reversible.NO else f"portcullis undo {action}"


def _before(changes: tuple[Change, ...]) -> dict[str, Json]:
    before: dict[str, Json] = {}
    for change in changes:
        for edit in change.edits:
            before[_named(change, pointer_to(edit.path))] = shown(edit.before)
        if change.verb is Verb.DELETE:
            before[_named(change)] = change.document
        elif change.verb is Verb.CREATE:
            before[_named(change)] = {"absent": True}
    return before


def _after(story: Story) -> dict[str, Json]:
    after: dict[str, Json] = {}
    for change, left in zip(story.changes, story.left, strict=False):
        for edit, value in zip(change.edits, left, strict=False):
            after[_named(change, pointer_to(edit.path))] = shown(value)
        if change.verb is Verb.DELETE:
            after[_named(change)] = {"absent": True}
        elif change.verb is Verb.CREATE:
            after[_named(change)] = change.document
        elif change.verb is Verb.POST:
            after[_named(change)] = change.action
    return after


def _named(change: Change, pointer: str = "") -> str:
    """A written path of any change of a plan, as one word."""
    return f"{change.target}#{pointer}"
