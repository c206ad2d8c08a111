"""List the needed actions of a custom role in place of its broad wildcards."""

from typing import Final

from detectors.authorization.custom import ASSIGNMENTS
from detectors.authorization.iam_custom_role_wildcard import broad
from remediations.authorization.definitions import DISRUPTION, PERMISSIONS, Block, rewritten
from remediations.authorization.holders import KEPT
from shared.model import (
    Finding,
    Json,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    permission_of,
)

ACTION: Final[Json] = {"type": "array", "items": {"type": "string", "pattern": "^[^/]+/.+$"}}


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Each broad wildcard makes way for those of the actions that its block allows.

    Raises:
        Undecided: an action is broad itself, or the role does not allow it today.
    """
    given = {
        "actions": [str(one) for one in parameters["actions"]],
        "dataActions": [str(one) for one in parameters["data_actions"]],
    }
    _refuse(finding, given)

    def edit(block: Block) -> None:
        for name, wanted in given.items():
            if any(broad(one.casefold()) for one in block[name]):
                kept = [one for one in block[name] if not broad(one.casefold())]
                block[name] = list(dict.fromkeys((*kept, *wanted)))

    return rewritten(REMEDIATION, finding, parameters, edit)


def _refuse(finding: Finding, given: dict[str, list[str]]) -> None:
    blocks = [permission_of(b) for b in finding.resource.items("/properties/permissions")]
    for name, wanted in given.items():
        for one in wanted:
            if broad(one.casefold()):
                raise Undecided(f"{one} is a broad wildcard itself")
            sides = (block.patterns(data=name == "dataActions") for block in blocks)
            if not any(side.cover(one.casefold()) for side in sides):
                raise Undecided(f"the role does not allow {one} today")


REMEDIATION = Remediation(
    control="iam-custom-role-wildcard",
    title="List the needed actions in place of broad wildcards",
    kind=Kind.GUIDED,
    plan=plan,
    disruption=DISRUPTION,
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(
        Parameter(
            name="actions",
            description="The actions that the role is to list in place of its broad wildcards.",
            schema=ACTION,
        ),
        Parameter(
            name="data_actions",
            description="The data actions that it is to list in place of those.",
            schema=ACTION,
            for_person=[],
        ),
        KEPT,
    ),
    lookups=(ASSIGNMENTS,),
    privileged=True,
)
