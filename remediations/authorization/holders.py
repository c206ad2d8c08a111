"""Cures that take a grant away from who holds it, unless somebody says that it must stay."""

import uuid
from dataclasses import replace
from typing import Final

from remediations.authorization.removal import removed
from shared.model import (
    Finding,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    ResourceId,
    Undecided,
)

GUID: Final = "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"

KEPT: Final = Parameter(
    name="kept",
    description="Object ids of principals that must keep what they have.",
    schema={"type": "array", "items": {"type": "string", "pattern": GUID}},
    for_person=[],
)


def removed_unless_kept(
    remediation: Remediation, finding: Finding, parameters: Parameters, asks: str = ""
) -> Plan:
    """The end of the assignment that was found; `asks` as in a plan.

    Raises:
        Undecided: its holder is one of `kept`.
    """
    principal = finding.resource.text("/properties/principalId")
    if principal in {one.casefold() for one in parameters["kept"]}:
        raise Undecided(f"{principal} must keep what it has, as `kept` says")
    return replace(removed(remediation, finding), asks=asks)


def assignment_id(scope: ResourceId, role: str, principal: str) -> ResourceId:
    """Where a grant of ours stands: the same for the same grant, so that a repetition is none."""
    name = uuid.uuid5(uuid.NAMESPACE_URL, f"{scope.key} {role} {principal}".casefold())
    return ResourceId(f"{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
