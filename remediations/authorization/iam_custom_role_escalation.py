"""Take the actions out of a custom role that let a holder take more than it says."""

from detectors.authorization.custom import ASSIGNMENTS, ESCALATIONS
from remediations.authorization.definitions import (
    DISRUPTION,
    PERMISSIONS,
    Block,
    left_out,
    rewritten,
)
from remediations.authorization.holders import KEPT
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible, Role


def plan(finding: Finding, parameters: Parameters) -> Plan:
    held = Role.of(finding.resource).privileges
    actions = [one for name in held for one in ESCALATIONS.get(name, ())]

    def edit(block: Block) -> None:
        left_out(block, *actions)

    return rewritten(REMEDIATION, finding, parameters, edit)


REMEDIATION = Remediation(
    control="iam-custom-role-escalation",
    title="Take privilege-raising actions out of a custom role",
    kind=Kind.GUIDED,
    plan=plan,
    disruption=DISRUPTION,
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    lookups=(ASSIGNMENTS,),
    privileged=True,
)
