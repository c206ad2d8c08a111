"""Grant what a person names in place of a role that nobody was seen using.

Silence alone takes nothing away: without grants that somebody names, the plan says how to make the
holder eligible instead.
"""

from remediations.authorization.narrowing import LOOKUPS, PARAMETERS, PERMISSIONS, narrowed
from shared.model import Finding, Kind, Parameters, Plan, Remediation, Reversible


def plan(finding: Finding, parameters: Parameters) -> Plan:
    return narrowed(REMEDIATION, finding, parameters)


REMEDIATION = Remediation(
    control="iam-assignment-unused",
    title="Narrow a privileged grant that was not seen used",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Whoever reads by it, or uses data, loses what the new grants do not give.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=PARAMETERS,
    lookups=LOOKUPS,
    privileged=True,
)
