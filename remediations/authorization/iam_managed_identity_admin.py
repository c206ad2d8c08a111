"""Give a managed identity a narrower role on named scopes in place of the privileged one."""

from remediations.authorization import CONTRIBUTOR
from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible, Undecided


def plan(finding: Finding, parameters: Parameters) -> Plan:
    if any(str(one.get("role")).casefold() == CONTRIBUTOR for one in parameters["grants"]):
        raise Undecided("Contributor can write everything in its scope: name a lesser role")
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-managed-identity-admin",
    title="Replace a managed identity's privileged role by a lesser one on named scopes",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The workload loses what the new role does not cover.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
