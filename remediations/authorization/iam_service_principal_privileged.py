"""Grant an application what it needs, where it needs it, in place of a privileged role."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-service-principal-privileged",
    title="Narrow an application's privileged grant",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="A pipeline or application fails at what the new grants do not give it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
