"""Grant a lesser role, or less than a management group, in place of a privileged role on one."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-privileged-management-group-scope",
    title="Narrow a privileged grant on a management group",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal loses every right that the new grants do not give it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
