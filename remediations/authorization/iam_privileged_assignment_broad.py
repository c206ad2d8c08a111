"""Grant a principal a lesser role, or a smaller scope, in place of a privileged wide one."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-privileged-assignment-broad",
    title="Narrow a privileged grant",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal loses every right that the new grants do not give it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
