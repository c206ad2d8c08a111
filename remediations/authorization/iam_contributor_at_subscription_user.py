"""Grant a user what is needed, where it is needed, in place of Contributor."""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-contributor-at-subscription-user",
    title="Narrow a contributor of a subscription",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal loses every right that the new grants do not give it.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
