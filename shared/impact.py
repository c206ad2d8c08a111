"""What an edit of the policy would do to today's findings: write, stop, exhaust."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from shared.decision import Do, words
from shared.findings import Findings
from shared.model import Control, ResourceId

if TYPE_CHECKING:
    from shared.policy import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """`changes` are the findings whose decision differs; `limits` those that would not suffice."""

    changes: list[dict[str, Any]]
    would_write: int
    limits: list[str]

    def to_json(self) -> dict[str, Any]:
        return {"changes": self.changes, "would_write": self.would_write, "limits": self.limits}


def impact(
    old: Policy, new: Policy, findings: Findings, controls: Mapping[str, Control], now: datetime
) -> Impact:
    """Compare two policies over every open finding."""
    changes: list[dict[str, Any]] = []
    writes: list[tuple[str, ResourceId]] = []
    for standing in findings.all():
        control = controls.get(standing.control)
        if control is None or not standing.open:
            continue
        before = old.decide(control, standing.resource, standing.opened_at, now)
        after = new.decide(control, standing.resource, standing.opened_at, now)
        if after.do in (Do.REMEDIATE, Do.WAIT):
            writes.append((standing.control, standing.resource))
        if before.do is not after.do:
            cure = control.remediation
            changes.append(
                {
                    "control": standing.control,
                    "resource_id": standing.resource.text,
                    "before": before.do.value,
                    "after": after.do.value,
                    "source": after.source,
                    "disruption": cure.disruption if cure else "",
                    "reversible": cure.reversible.value if cure else "",
                }
            )
    return Impact(changes=changes, would_write=len(writes), limits=_exhausted(new, writes))


def _exhausted(policy: Policy, writes: list[tuple[str, ResourceId]]) -> list[str]:
    said: list[str] = []
    for i, limit in enumerate(policy.limits):
        keys = {
            "estate": Counter("estate" for _ in writes),
            "subscription": Counter(r.subscription for _, r in writes),
            "control": Counter(c for c, _ in writes),
            "run": Counter("run" for _ in writes),
        }[limit.per]
        said.extend(
            f"{policy.source(f'$.limits[{i}]')}: {count} writes wait for {limit.writes}"
            f" per {limit.per} ({key}) in {words(limit.window)}"
            for key, count in keys.items()
            if count > limit.writes
        )
    return said
