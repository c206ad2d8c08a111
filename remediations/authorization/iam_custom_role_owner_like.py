"""Leave handing out rights out of a custom role that equals Owner."""

from typing import Final

from detectors.authorization.custom import ASSIGNMENTS
from remediations.authorization.definitions import (
    DISRUPTION,
    PERMISSIONS,
    Block,
    left_out,
    rewritten,
)
from remediations.authorization.holders import KEPT
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible

AUTHORIZATION: Final = (
    "Microsoft.Authorization/*/Write",
    "Microsoft.Authorization/*/Delete",
    "Microsoft.Authorization/elevateAccess/Action",
)
"""What Contributor leaves out, too."""


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return rewritten(REMEDIATION, finding, parameters, _edit)


def _edit(block: Block) -> None:
    left_out(block, *AUTHORIZATION)


REMEDIATION = Remediation(
    control="iam-custom-role-owner-like",
    title="Leave handing out rights out of a custom role",
    kind=Kind.GUIDED,
    plan=plan,
    disruption=DISRUPTION,
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    lookups=(ASSIGNMENTS,),
    privileged=True,
)
