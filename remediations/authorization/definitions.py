"""Cures for custom roles: a definition written anew, with what its holders are told."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final

from detectors.authorization.custom import held_by
from shared.model import (
    Edit,
    Finding,
    Json,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Role,
    Undecided,
)
from shared.model.actions import matches, meets

PERMISSIONS: Final = ("Microsoft.Authorization/roleDefinitions/write",)
DISRUPTION: Final = "Every holder of the role loses what it does not allow any more."
_SHOWN = 5

Block = dict[str, Any]


def rewritten(
    remediation: Remediation,
    finding: Finding,
    parameters: Parameters,
    edit: Callable[[Block], None],
    *caveats: str,
) -> Plan:
    """The definition with `edit` made in each permission block, its keys spelled as ARM does.

    Raises:
        Undecided: a holder is one of `kept`; or the role would allow nothing, or more than before.
    """
    definition = finding.resource
    holders = held_by(definition)
    for one in holders:
        if one.text("/properties/principalId") in {p.casefold() for p in parameters["kept"]}:
            raise Undecided(f"{_holder(one)} holds the role, and must keep it, as `kept` says")
    blocks = [_as_arm(block) for block in definition.items("/properties/permissions")]
    for block in blocks:
        edit(block)
    _check(definition, blocks)
    change = finding.put(Edit.of(definition.body, "/properties/permissions", blocks))
    return remediation.propose(finding, [change], _held(holders), *caveats)


def left_out(block: Block, *actions: str) -> None:
    """Make a block allow none of `actions` (patterns), with as few words as that takes."""
    gone = [one.casefold() for one in actions]
    block["actions"] = [
        one for one in block["actions"] if not any(matches(g, one.casefold()) for g in gone)
    ]
    for action, pattern in zip(actions, gone, strict=True):
        known = any(matches(one.casefold(), pattern) for one in block["notActions"])
        if not known and any(meets(one.casefold(), pattern) for one in block["actions"]):
            block["notActions"].append(action)


def _as_arm(block: Mapping[str, Json]) -> Block:
    names = {n.casefold(): n for n in ("actions", "notActions", "dataActions", "notDataActions")}
    made = {names.get(key.casefold(), key): copy.deepcopy(value) for key, value in block.items()}
    return {**made, **{name: made.get(name) or [] for name in names.values()}}


def _check(definition: Resource, blocks: list[Block]) -> None:
    if not any(block["actions"] or block["dataActions"] for block in blocks):
        raise Undecided("the role would allow nothing: take it away from its holders instead")
    body = {**definition.body, "properties": {**definition.body["properties"]}}
    body["properties"]["permissions"] = blocks
    new = Role.of(Resource(id=definition.id, body=body))
    if not new.within(Role.of(definition)):
        raise Undecided("it cannot be seen that the role would allow less than it does")


def _held(holders: list[Resource]) -> str:
    if not holders:
        return "No assignment of the role was seen where it can be assigned."
    shown = ", ".join(_holder(one) for one in holders[:_SHOWN])
    more = f", and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
    return f"Held by {shown}{more}."


def _holder(assignment: Resource) -> str:
    kind = assignment.get("/properties/principalType") or "principal"
    scope: ResourceId = assignment.id.scope
    return f"{kind} {assignment.get('/properties/principalId')} at {scope}"
