"""Grant one owner of a subscription a lesser role, where it is needed, in place of Owner."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-owner-at-subscription",
    title="Narrow an owner of a subscription",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal loses every right that the new grants do not give it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
