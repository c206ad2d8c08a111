"""That the policy changed, and what that lets happen now: whoever poisons it is seen to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from shared.decision import Mode
from shared.errors import Exists, Moved
from shared.model import digest
from shared.state import State
from shared.store import Row

if TYPE_CHECKING:
    from shared.policy import Policy

_ROW: Final = ("control", "control", "policy")
GRAVE: Final = frozenset(
    {"scopes", "exclude", "rules", "rings", "exemptions", "limits", "critical_share", "freezes",
     "guard", "contested", "undo_exemption", "infrastructure_code"}
)  # fmt: skip
"""What decides what is written, and what is looked at."""


class PolicyHistory:
    """Remembers the policy in force, and records that it is another one.

    One record for each change, however many processes see it.
    """

    def __init__(self, memory: State, policy: Callable[[], Policy]) -> None:
        self._memory = memory
        self._policy = policy
        self._known: Policy | None = None

    def note(self) -> None:
        """Record a change since the last time; nothing is read while the file stays as it is.

        Raises:
            StoreUnavailable: it is noted the next time.
        """
        policy = self._policy()
        if policy is self._known:
            return
        now = told(policy)
        row = self._memory.store.get(*_ROW)
        if row is None:
            with suppress(Exists):
                self._memory.store.insert(*_ROW, now)
        elif row.value["digest"] != now["digest"]:
            self._record(row, now)
            with suppress(Moved):
                self._memory.store.replace(*_ROW, now, row.etag)
        self._known = policy

    def _record(self, row: Row, now: Mapping[str, Any]) -> None:
        before = row.value
        old, new = before["parts"], now["parts"]
        changed = [name for name in sorted(new) if new[name] != old.get(name)]
        modes = [f"{m} {before[m]} -> {now[m]}" for m in _MODES if before[m] != now[m]]
        told = ", ".join([*changed, *modes])
        severity, message = "low", f"the policy changed: {told}"
        if now["broken"]:
            severity = "critical"
            message = f"the policy is broken, nothing is written: {now['broken']}"
        elif GRAVE & set(changed):
            severity = "high"
        fields = {"Entry": "policy-changed", "Severity": severity, "Message": message}
        # Of that version of the row: whoever else sees the same change tells the same record.
        identity = ["policy-changed", row.etag, now["digest"]]
        self._memory.outbox.add("health", identity, fields)


_MODES: Final = (Mode.ENFORCE.value, Mode.APPROVE.value)


def told(policy: Policy) -> dict[str, Any]:
    """A policy in short: a digest of each part, and how many rules let something be written."""
    modes = [rule.mode.value for rule in policy.rules]
    parts = {name: digest([part]) for name, part in policy.model_dump(mode="json").items()}
    faults = [str(one) for one in policy.broken]
    return {
        "digest": digest([parts, faults]),
        "broken": "; ".join(faults)[:300],
        "parts": parts,
        **{mode: modes.count(mode) for mode in _MODES},
    }
