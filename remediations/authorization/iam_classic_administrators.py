"""Delete the classic co-administrators of a subscription."""

from shared.model import (
    Change,
    Finding,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)

GONE_FOR_GOOD = (
    "Classic roles are retired: a co-administrator that was deleted cannot be made again."
)
MAIL = "/properties/emailAddress"


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Raises Undecided where all that were found must stay."""
    kept = {one.casefold() for one in parameters["kept"]}
    found = {one.resource for one in finding.evidence}
    lookup = finding.detector.lookup("administrators", finding.resource.id)
    changes = [
        Change(
            verb=Verb.DELETE,
            target=one.id,
            api_version=lookup.type.api_version,
            document=one.body,
        )
        for one in finding.resource.related(lookup.name)
        if one.id in found and one.text(MAIL) not in kept
    ]
    if len(changes) < len(found):
        raise Undecided("`kept` names a co-administrator, who would be found again: exempt it")
    return REMEDIATION.propose(
        finding, changes, GONE_FOR_GOOD, asks="Nothing brings a classic administrator back."
    )


REMEDIATION = Remediation(
    control="iam-classic-administrators",
    title="Delete the classic co-administrators of a subscription",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Who still signs in by the classic role alone loses the subscription.",
    reversible=Reversible.NO,
    permissions=("Microsoft.Authorization/classicAdministrators/delete",),
    parameters=(
        Parameter(
            name="kept",
            description="E-mail addresses of co-administrators who must stay.",
            schema={"type": "array", "items": {"type": "string", "pattern": "@"}},
            for_person=[],
        ),
    ),
    privileged=True,
)
