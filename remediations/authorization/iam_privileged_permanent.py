"""Take a permanent privileged role away from a user who is eligible for it."""

from detectors.authorization.schedules import ELIGIBILITIES
from remediations.authorization.eligibility import command
from remediations.authorization.holders import KEPT, removed_unless_kept
from remediations.authorization.removal import PERMISSIONS
from shared.model import (
    Finding,
    Kind,
    Parameters,
    Plan,
    Remediation,
    Resource,
    ResourceId,
    Reversible,
    Undecided,
)

PRINCIPAL, ROLE = "/properties/principalId", "/properties/roleDefinitionId"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """The permanent grant's end, once PIM shows that its holder is eligible for the same.

    The request for that is a person's to make, and neither our identity's nor one that Role Based
    Access Control Administrator may make: the refusal shows the command.
    """
    assignment = finding.resource
    if not any(_same(one, assignment) for one in assignment.related(ELIGIBILITIES.name)):
        raise Undecided(
            "nobody is left without: make the user eligible first, which an Owner or User Access"
            f" Administrator may: {command(assignment)}"
        )
    return removed_unless_kept(REMEDIATION, finding, parameters)


def _same(eligibility: Resource, assignment: Resource) -> bool:
    """Whether it makes the holder eligible for the role, there or above."""
    scope = eligibility.get("/properties/scope")
    return (
        eligibility.text(PRINCIPAL) == assignment.text(PRINCIPAL)
        and _last(eligibility.text(ROLE)) == _last(assignment.text(ROLE))
        and isinstance(scope, str)
        and assignment.id.scope.within(ResourceId(scope))
    )


def _last(role: str) -> str:
    return role.rstrip("/").rsplit("/", 1)[-1]


REMEDIATION = Remediation(
    control="iam-privileged-permanent",
    title="Take a permanent privileged role away from a user who is eligible for it",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The user activates the role before using it; who holds it by habit will notice.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=(KEPT,),
    lookups=(ELIGIBILITIES,),
    privileged=True,
)
