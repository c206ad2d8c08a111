"""Grant Owner of the subscription to the group that people keep for emergencies."""

from detectors.authorization import ASSIGNMENT, DEFINITION, OWNER
from detectors.authorization.owners import owners_of
from remediations.authorization.holders import GUID, assignment_id
from remediations.authorization.removal import PERMISSIONS
from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Verb,
)

CAVEATS = (
    "The group needs two members who may sign in, or the subscription is found again.",
    "A new grant takes up to 15 minutes to hold.",
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Raises Undecided where the owners cannot be counted: then no cure could be seen either."""
    owners_of(finding.resource)
    scope, group = finding.resource.id, parameters["group"].casefold()
    granted = Change(
        verb=Verb.CREATE,
        target=assignment_id(scope, OWNER, group),
        api_version=ASSIGNMENT.api_version,
        document={
            "properties": {
                "roleDefinitionId": f"{scope}/providers/{DEFINITION.name}/{OWNER}",
                "principalId": group,
                # Sent always: a group that is new is then not looked for in a lagging directory.
                "principalType": "Group",
                "description": "Granted by Portcullis: the subscription had too few owners",
            }
        },
    )
    return REMEDIATION.propose(finding, [granted], *CAVEATS, asks="Owner is for people to grant.")


REMEDIATION = Remediation(
    control="iam-owner-count-min",
    title="Grant Owner of the subscription to a group kept for emergencies",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="None: one more group may administer the subscription.",
    reversible=Reversible.YES,
    permissions=PERMISSIONS,
    parameters=(
        Parameter(
            name="group",
            description="The object id of the group that may administer in an emergency.",
            schema={"type": "string", "pattern": GUID},
        ),
    ),
)
