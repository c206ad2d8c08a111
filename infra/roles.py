"""The two custom roles: what the gate may read, and what the hand may write beside that.

Nothing is granted that no control declares, but for what the engine itself asks; each of those is
named here with who asks it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from shared import needs, policy_file
from shared.model import Control
from shared.needs import written
from shared.own import READS as OWN
from shared.policy import Policy

POLICY: Final = Path(__file__).parent.parent / "policy.yaml"
_GRANTS = "microsoft.authorization/roleassignments/"
_GROUPS = "Microsoft.Management/managementGroups"
HIERARCHY: Final = (f"{_GROUPS}/read", f"{_GROUPS}/descendants/read")
"""What tells which subscriptions a management group covers, where policy names one."""


def in_force(known: Mapping[str, Control], file: Path = POLICY) -> Policy:
    """The policy that a deployment ships.

    Raises:
        PolicyError: with all that is wrong with it; nothing is generated from a broken one.
    """
    return policy_file.load(file.read_text(encoding="utf-8"), known, name=file.name)


def reads(known: Mapping[str, Control], policy: Policy) -> list[str]:
    """What the gate needs: to judge by every control, to plan every cure, to survey."""
    named = HIERARCHY if policy.management_groups else ()
    return _sorted([*needs.reads(known, policy), *named])


def writes(known: Mapping[str, Control], policy: Policy) -> list[str]:
    """What the hand needs beside what the gate reads; nothing while nothing may be written."""
    cures = [one.remediation for one in written(known, policy) if one.remediation]
    declared = [permission for cure in cures for permission in cure.permissions]
    # A grant may lie on something of our own, which only its document tells.
    grants = any(one.casefold().startswith(_GRANTS) for one in declared)
    return _sorted([*declared, *(OWN if grants else ())])


def roles(known: Mapping[str, Control], policy: Policy) -> dict[str, Any]:
    """The definitions, by who holds them; where they may be assigned a deployment knows."""
    seen = reads(known, policy)
    hand = _sorted([*seen, *writes(known, policy)])
    return {
        "gate": {
            "description": "Judges: reads what controls declare, and writes nothing.",
            "actions": seen,
        },
        "hand": {
            "description": "Cures: writes what the controls declare that policy lets be written.",
            "actions": hand if written(known, policy) else [],
        },
    }


def _sorted(permissions: Iterable[str]) -> list[str]:
    """Each once: casing does not count in Azure, and controls differ in it."""
    once = {permission.casefold(): permission for permission in sorted(permissions, reverse=True)}
    return [once[key] for key in sorted(once)]
