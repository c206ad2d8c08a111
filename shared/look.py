"""One pass over one resource, control by control."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from shared.approvals import plan_json
from shared.decision import Decision
from shared.findings import Standing, decision_json, evidence_json
from shared.journal import Story
from shared.model import Control, Finding, Plan, Resource, ResourceId, Verdict


@dataclass(kw_only=True)
class Seen:
    """One control's part of a look: what was judged, decided, and came of it."""

    control: Control
    verdict: Verdict
    standing: Standing | None = None
    decision: Decision | None = None
    plan: Plan | None = None
    story: Story | None = None
    at: Resource | None = None

    @property
    def finding(self) -> Finding:
        """The finding of a violated control.

        Raises:
            ValueError: nothing was read.
        """
        if self.at is None:
            raise ValueError(f"{self.control.id} was not judged on a document")
        return Finding(self.control.detector, self.at, self.verdict.evidence)

    def to_json(self) -> dict[str, Any]:
        """The shape of `hint --wait`, `plan` and `apply`."""
        return {
            "control": self.control.id,
            "severity": self.control.detector.severity.value,
            "state": self.verdict.state.value,
            "reason": self.verdict.reason,
            "evidence": evidence_json(self.verdict.evidence),
            "decision": decision_json(self.decision) if self.decision else None,
            "plan": plan_json(self.plan) if self.plan else None,
            "action": self.story.id if self.story else None,
            "result": self.story.state if self.story else None,
            "message": self.story.value.get("Message", "") if self.story else "",
        }


@dataclass(kw_only=True)
class Look:
    """One pass over one resource.

    `again`: another pass at once is worth it. `elsewhere`: an operation that is under way, or
    the app that may write, is what the resource waits for.
    """

    resource_id: ResourceId
    exists: bool = True
    seen: list[Seen] = field(default_factory=list)
    again: bool = False
    elsewhere: bool = False
