"""What the apps need of Azure Resource Manager: what controls declare, and what the engine asks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from shared.decision import Mode
from shared.model import Control, Kind

if TYPE_CHECKING:
    from shared.policy import Policy

_SUBSCRIPTIONS: Final = "Microsoft.Resources/subscriptions"
PERMISSIONS: Final = "Microsoft.Authorization/permissions/read"
SURVEYS: Final = (PERMISSIONS, f"{_SUBSCRIPTIONS}/read")
"""What a sweep asks to tell whether it sees everything."""
GUARDS: Final = (f"{_SUBSCRIPTIONS}/read", f"{_SUBSCRIPTIONS}/resourceGroups/read")
"""What is asked before a write: whose tenant it is, and who manages the group."""
_STACKS: Final = "Microsoft.Resources/deploymentStacks/read"
_DEPLOYMENTS: Final = "Microsoft.Resources/deployments/read"


def reads(known: Mapping[str, Control], policy: Policy | None = None) -> frozenset[str]:
    """What judging by every control and planning every cure takes, and what a survey asks.

    With `policy` also what that makes the apps look at in every subscription.
    """
    declared = (one for control in known.values() for one in control.reads)
    return frozenset([*SURVEYS, *GUARDS, *declared, *(_by_policy(policy) if policy else ())])


def writes(cured: Iterable[Control]) -> frozenset[str]:
    """What curing these takes beside the reads."""
    cures = [one.remediation for one in cured if one.remediation is not None]
    return frozenset([*GUARDS, *(one for cure in cures for one in cure.permissions)])


def written(known: Mapping[str, Control], policy: Policy) -> list[Control]:
    """The controls whose cures policy lets happen somewhere, by rule or by a person's yes."""
    named = {
        control
        for rule in policy.rules
        if rule.mode is not Mode.AUDIT
        for control in (known if "*" in rule.control else rule.control)
    }
    return [known[one] for one in sorted(named) if known[one].kind is not Kind.NONE]


def _by_policy(policy: Policy) -> Iterator[str]:
    if policy.infrastructure_code.stacks:
        yield _STACKS
    if policy.infrastructure_code.deployments:
        yield _DEPLOYMENTS
