"""Words that a shell completes: known without a tenant, without state, and with no rule loaded."""

from __future__ import annotations

from pathlib import Path

RESULTS = (
    "approved",
    "asked",
    "contested",
    "directory-unseen",
    "failed",
    "frozen",
    "held",
    "intent",
    "limit-reached",
    "managed-resource-group",
    "not-cured",
    "notice",
    "other-tenant",
    "own",
    "protected",
    "rejected",
    "remediated",
    "resumed",
    "stale",
    "superseded",
    "suspended",
    "undo-ordered",
    "undo-refused",
    "undone",
    "unseen",
)
"""What a line of the log can say happened."""


def results(incomplete: str) -> list[str]:
    return [one for one in RESULTS if one.startswith(incomplete)]


def control_ids(incomplete: str) -> list[str]:
    """A control's module has its id for a name; what rules share has one word for a name."""
    rules = (Path(__file__).parent / "detectors").glob("*/[!_]*_*.py")
    ids = (rule.stem.replace("_", "-") for rule in rules)
    return sorted(one for one in ids if one.startswith(incomplete))
