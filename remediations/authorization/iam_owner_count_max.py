"""Take Owner of the subscription away from all but those who are said to stay."""

from detectors.authorization.owners import ASSIGNMENTS, owner_grants, owners_of
from detectors.authorization.schedules import SCHEDULES, activations
from remediations.authorization.holders import GUID
from remediations.authorization.removal import CAVEATS, PERMISSIONS, deletion
from shared.model import (
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
)

MOST, FEWEST = 3, 2
PRINCIPAL = "/properties/principalId"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """The end of Owner on the subscription itself for everybody else.

    What is inherited, eligible or activated by PIM is not ended here, but counts.

    Raises:
        Undecided: nothing would end, too many would remain, or too few who can sign in.
    """
    going = _going(finding.resource, {one.casefold() for one in parameters["staying"]})
    if not going:
        raise Undecided("nobody else holds Owner on the subscription itself, permanently")
    gone = {one.text(PRINCIPAL) for one in going}
    others = (one for one in owner_grants(finding.resource) if one not in going)
    left = owners_of(finding.resource, gone - {one.text(PRINCIPAL) for one in others})
    if len(left.people) < FEWEST:
        raise Undecided(f"only {len(left.people)} who may sign in would stay: at least {FEWEST}")
    remaining = len(left.people) + len(left.programs)
    if remaining > MOST:
        raise Undecided(f"{remaining} owners would remain, inherited and eligible ones included")
    version = ASSIGNMENTS.type.api_version
    changes = [deletion(one, version) for one in going]
    return REMEDIATION.propose(finding, changes, *CAVEATS, asks="Who stays is for people to say.")


def _going(subscription: Resource, staying: set[str]) -> list[Resource]:
    elevated = activations(subscription)
    return [
        grant
        for grant in owner_grants(subscription)
        if ASSIGNMENTS.type.matches(grant.id)
        and grant.id.scope == subscription.id
        and grant.text(PRINCIPAL) not in staying
        and grant.id.key not in elevated
    ]


REMEDIATION = Remediation(
    control="iam-owner-count-max",
    title="Leave Owner of the subscription to those who are said to stay",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="The others can no longer administer the subscription, but by what else they hold.",
    reversible=Reversible.PARTIAL,
    permissions=PERMISSIONS,
    parameters=(
        Parameter(
            name="staying",
            description="Object ids of the users, groups and applications that stay Owner.",
            schema={
                "type": "array",
                "minItems": 1,
                "items": {"type": "string", "pattern": GUID},
            },
        ),
    ),
    lookups=(SCHEDULES,),
    privileged=True,
)
