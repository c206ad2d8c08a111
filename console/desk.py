"""What lies on the desk of the person on call: the gate's state, told so that it can be judged.

Plain JSON objects; the API gives them as they are, the pages show them. Nothing here writes but
through `People` and `Undos`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from shared import journal
from shared.approvals import STALE, WAITING, Asked
from shared.difference import Difference, differences, planned
from shared.errors import ArmError, Unusable
from shared.findings import Standing, finding_fields
from shared.hints import Actor
from shared.journal import Story
from shared.log import Page
from shared.model import ResourceId, Severity, shown
from shared.search import FindingQuestion, Found, LogQuestion, each, found, stands

if TYPE_CHECKING:
    from wiring import Gate

RECENTLY = timedelta(hours=24)
"""How long plans that went stale are shown."""


class Missing(Unusable):
    """There is no such thing."""


class Desk:
    """Reads, and a person's orders."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._state = gate.state

    @property
    def now(self) -> datetime:
        return self._state.now()

    @cached_property
    def titles(self) -> dict[str, str]:
        """The controls' titles by id."""
        return {k: c.detector.title for k, c in sorted(self.gate.engine.controls.items())}

    # --- the log

    def log(
        self,
        asked: LogQuestion,
        *,
        stream: str = "actions",
        after: str = "",
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 50,
    ) -> Page:
        return self._state.log.page(
            stream, asked, after=after, since=since, until=until, limit=limit
        )

    def record(self, stream: str, key: str) -> dict[str, Any]:
        """The whole record of a line.

        Raises:
            Missing: there is none.
        """
        record = self._state.log.record(stream, key)
        if record is None:
            raise Missing(f"no record {key} in {stream}")
        told = [_difference(one) for one in differences(record)] if stream == "actions" else []
        return {"record": record, "differences": told, "portal": self.portal(record)}

    def action(self, action: str) -> dict[str, Any]:
        """The story of an action: all that its record holds, and how it can be taken back.

        Raises:
            Missing: there is none.
        """
        story = self._state.journal.story(action)
        if story is None:
            raise Missing(f"no action {action}")
        if story.undoing:
            return self.action(str(story.value["UndoOf"]))
        hidden = ("Step", "Left", "Operation", "Settled")
        return {
            "action": {k: v for k, v in story.value.items() if k not in hidden},
            "differences": [_difference(one) for one in differences(story.value)],
            "timeline": list(self._timeline(story)),
            "undo": self._undo(story),
            "findings": [_finding(s) for s in self._standings(story)],
            "portal": self.portal(story.value),
        }

    def _standings(self, story: Story) -> Iterator[Standing]:
        for standing in self._state.findings.of(story.resource):
            if standing.control in story.controls:
                yield standing

    def _timeline(self, story: Story) -> Iterator[dict[str, str]]:
        value = story.value
        for actor in value["CausedBy"]:
            if actor.get("at"):
                who = Actor(**actor).shown
                yield _moment(actor["at"], f"{who}: {actor.get('operation') or 'changed it'}")
        for standing in self._standings(story):
            if standing.episode == value["Episodes"].get(standing.control):
                yield _moment(standing.value["OpenedAt"], f"finding opened: {standing.control}")
        yield _moment(value["StartedAt"], "old values stored, about to write")
        if value.get("EndedAt"):
            yield _moment(value["EndedAt"], f"{value['State']} {value['Message']}".strip())
        if (order := self._state.orders.of(story.id)) is not None:
            yield _moment(order.value["At"], f"undo ordered by {order.person}")
        if (undo := self._state.journal.story(journal.undo_id(story))) is not None:
            ended = undo.value.get("EndedAt") or undo.value["StartedAt"]
            yield _moment(ended, f"{undo.state} by {undo.value['Person']}")

    def _undo(self, story: Story) -> dict[str, Any]:
        """How it can be taken back: `can`, else `why` not; `order` and `done` where it was."""
        undo = self._state.journal.story(journal.undo_id(story))
        order = self._state.orders.of(story.id)
        own = self.gate.undos.own_credential(story)
        stopped = self._state.suspension.stopped()
        plan = story.value["Plan"]
        why = ""
        if undo is not None and undo.state == journal.UNDONE:
            why = f"taken back by {undo.value['Person']} on {undo.value['EndedAt'][:16]} UTC"
        elif undo is not None and undo.state == journal.RUNNING:
            why = f"{undo.value['Person']} is taking it back: Azure is at work on it"
        elif not story.step:
            why = "nothing was written: there is nothing to take back"
        elif plan["reversible"] == "no":
            why = "it cannot be taken back: " + "; ".join(plan["caveats"])
        elif own is not None:
            why = "it restores rights: a person does that under their own credential"
        elif stopped is not None:
            why = f"all writes are stopped by {stopped.by}"
        return {
            "can": not why,
            "why": why,
            "command": own or str(story.value["UndoCommand"]),
            "partial": plan["caveats"] if plan["reversible"] == "partial" else [],
            "order": dict(order.value) if order else None,
            "state": undo.state if undo else "",
            "message": str(undo.value["Message"]) if undo else "",
        }

    def portal(self, record: Mapping[str, Any]) -> str:
        """Where the portal shows the resource; empty where a record is about none."""
        resource = str(record.get("ResourceId") or "/")
        return f"{self.gate.settings.cloud.portal}/#resource{resource}" if resource != "/" else ""

    # --- plans

    def plans(self, status: str = WAITING) -> list[dict[str, Any]]:
        """Plans of one status, those that wait longest first; stale ones of the last day."""
        wanted = [a for a in self._state.approvals.all() if a.status == status]
        if status == STALE:
            since = (self.now - RECENTLY).isoformat()
            wanted = [a for a in wanted if str(a.value.get("ended_at", "")) > since]
        return [self._plan(a) for a in sorted(wanted, key=lambda a: str(a.value["asked_at"]))]

    def plan(self, plan: str) -> dict[str, Any]:
        """A plan, what it would change, and who caused what it cures.

        Raises:
            Missing: there is none.
        """
        return self._plan(self._asked(plan))

    def _asked(self, plan: str) -> Asked:
        found = next((a for a in self._state.approvals.all() if a.id == plan), None)
        if found is None:
            raise Missing(f"no plan {plan}")
        return found

    def _plan(self, asked: Asked) -> dict[str, Any]:
        standings = [
            s for s in self._state.findings.of(asked.resource) if s.control in asked.controls
        ]
        actors = dict.fromkeys(actor.shown for s in standings for actor in s.actors)
        severities = [Severity(s.value["Severity"]) for s in standings]
        instead = ""
        if asked.status == STALE:
            instead = next((a.id for a in self._successors(asked)), "")
        targets = dict.fromkeys(str(c["target"]) for c in asked.value["changes"])
        return {
            **asked.value,
            "severity": max(severities, key=lambda one: one.rank, default=""),
            "owner": next((s.owner for s in standings), asked.owner),
            "caused_by": list(actors),
            "opened_at": min((str(s.value["OpenedAt"]) for s in standings), default=""),
            "evidence": {s.control: s.value["Evidence"] for s in standings},
            "approvers": asked.approvers,
            "approved_by": asked.approved_by,
            "targets": list(targets),
            "differences": [_difference(one) for one in planned(asked.value)],
            "instead": instead,
            "portal": self.portal({"ResourceId": asked.resource.text}),
        }

    def _successors(self, stale: Asked) -> Iterator[Asked]:
        for asked in self._state.approvals.of(stale.resource):
            if asked.status == WAITING and set(asked.controls) & set(stale.controls):
                yield asked

    # --- findings

    def findings(self, asked: FindingQuestion, *, after: str = "", limit: int = 50) -> Found:
        return found(self._state.findings.all(), asked, after=after, limit=limit)

    def every_finding(self, asked: FindingQuestion) -> Iterator[dict[str, Any]]:
        return each(self._state.findings.all(), asked)

    def finding(self, resource: str, control: str) -> dict[str, Any]:
        """One finding, with the lines of policy that would exempt it.

        Raises:
            Missing: there is none.
        """
        for standing in self._state.findings.of(ResourceId(resource)):
            if standing.control == control:
                lines = exemption(standing, self.now)
                return {
                    **_finding(standing),
                    "exemption": lines,
                    "portal": self.portal(standing.value),
                }
        raise Missing(f"no finding of {control} on {resource}")

    # --- orders

    def decide(self, plan: str, person: str, *, yes: bool, reason: str) -> dict[str, Any]:
        """A person's word on a plan; the plan as it stands afterwards."""
        resource = self._asked(plan).resource
        if yes:
            self.gate.people.approve(plan, person, reason)
        else:
            self.gate.people.reject(plan, person, reason)
        (now,) = [a for a in self._state.approvals.of(resource) if a.id == plan]
        return self._plan(now)

    def decide_all(
        self, plans: list[str], person: str, *, yes: bool, reason: str
    ) -> list[dict[str, Any]]:
        """A person's word on each of several plans; one that is refused holds up no other."""
        results = []
        for one in dict.fromkeys(plans):
            try:
                results.append(self.decide(one, person, yes=yes, reason=reason))
            except (ArmError, Unusable) as refused:
                results.append({"id": one, "error": str(refused)})
        return results

    def stop(self) -> dict[str, str] | None:
        """Who stopped all writes, when and why; None while nobody did."""
        stop = self._state.suspension.stopped()
        return None if stop is None else {"by": stop.by, "at": stop.at, "reason": stop.reason}


def exemption(standing: Standing, now: datetime) -> str:
    """The lines of `policy.yaml` that exempt a finding for thirty days."""
    day = (now + timedelta(days=30)).date()
    return (
        "exemptions:\n"
        f"  - control: {standing.control}\n"
        f"    scope: {json.dumps(standing.resource.text)}\n"
        "    category: waiver            # or mitigated: something else guards it\n"
        "    reason: \n"
        "    approved_by: \n"
        f'    expires_on: "{day}"\n'
    )


def _finding(standing: Standing) -> dict[str, Any]:
    return {**finding_fields(standing.value), "Stands": stands(standing.value).value}


def _moment(at: str, what: str) -> dict[str, str]:
    return {"at": at, "what": what}


def _difference(one: Difference) -> dict[str, Any]:
    return {
        "target": one.target.text,
        "path": one.path,
        "name": one.name,
        "was": shown(one.was),
        "now": shown(one.now),
        "done": one.done,
    }
