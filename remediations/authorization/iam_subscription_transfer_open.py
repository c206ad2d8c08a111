"""Block subscriptions from leaving or entering the tenant, but for the principals named."""

import json

from remediations.authorization.holders import GUID
from shared.model import (
    Change,
    Finding,
    Json,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Reversible,
    Undecided,
    Verb,
)

LEAVING, INTO = "blockSubscriptionsLeavingTenant", "blockSubscriptionsIntoTenant"
EXEMPT = "exemptedPrincipals"
SENT = (LEAVING, INTO, EXEMPT, "tenantChangeAllowedTenants")


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """A PUT whose members stand at the top, where a GET shows them among the properties.

    Raises:
        Undecided: who is exempted already cannot be read.
    """
    read = finding.resource.get("/properties")
    before: dict[str, Json] = {name: read[name] for name in SENT if read.get(name) is not None}
    exempt = before.get(EXEMPT, [])
    if not isinstance(exempt, list):
        raise Undecided(f"{EXEMPT} is not a list")
    wanted = dict.fromkeys(parameters["exempted_principals"])
    exempt = [*exempt, *(one for one in wanted if one not in exempt)]
    put = Change(
        verb=Verb.CREATE,
        target=finding.resource.id,
        api_version=finding.type.api_version,
        document={**before, LEAVING: True, INTO: True, EXEMPT: exempt},
    )
    by_hand = f"Undo is by hand: a PUT of {json.dumps(before)} to {finding.resource.id}"
    return REMEDIATION.propose(finding, [put], by_hand)


REMEDIATION = Remediation(
    control="iam-subscription-transfer-open",
    title="Block subscriptions from leaving or entering the tenant",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="Only exempted principals can move a subscription out of the tenant or into it.",
    reversible=Reversible.NO,
    permissions=("Microsoft.Subscription/policies/write",),
    parameters=(
        Parameter(
            name="exempted_principals",
            description="Object ids of users who may move subscriptions all the same.",
            schema={"type": "array", "items": {"type": "string", "pattern": GUID}},
            for_person=[],
        ),
    ),
)
