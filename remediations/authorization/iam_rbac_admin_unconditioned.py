"""Put a condition on a grant, so that the strongest roles cannot be handed out with it."""

from typing import Final

from remediations.authorization import withholding
from remediations.authorization.holders import GUID
from shared.model import (
    Edit,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
)

STRONGEST: Final = [
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
    "18d7d88d-d35e-4fb5-a5c3-7773c20a72d9",
    "f58310d9-a9f6-439a-9e8d-f62e7b41a168",
]
"""Owner, User Access Administrator, Role Based Access Control Administrator."""


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """The same grant under the same id, with a condition.

    Raises:
        Undecided: the grant stands at the root, where it should not be at all.
    """
    grant = finding.resource
    if grant.id.scope.key == "/":
        raise Undecided("a grant at the root is not limited, it is taken away")
    withheld = dict.fromkeys(role.casefold() for role in parameters["withheld"])
    edits = (
        Edit.of(grant.body, "/properties/condition", withholding(withheld)),
        Edit.of(grant.body, "/properties/conditionVersion", "2.0"),
    )
    return REMEDIATION.propose(
        finding,
        [finding.put(*edits)],
        "Contributor and custom roles that allow everything can still be handed out.",
        "A role that writes role definitions can still widen a role that somebody holds.",
        "The condition takes up to 15 minutes to hold.",
    )


REMEDIATION = Remediation(
    control="iam-rbac-admin-unconditioned",
    title="Limit by a condition which roles may be handed out",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The principal cannot hand out the withheld roles any more.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Authorization/roleAssignments/write",),
    parameters=(
        Parameter(
            name="withheld",
            description="The ids (GUIDs) of the roles that may not be handed out.",
            schema={
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": GUID},
            },
            for_person=STRONGEST,
        ),
    ),
    privileged=True,
)
