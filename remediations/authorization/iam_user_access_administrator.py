"""Grant a lesser role in place of User Access Administrator."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-user-access-administrator",
    title="Narrow a User Access Administrator",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal cannot grant roles any more, nor do what the new grants do not say.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
