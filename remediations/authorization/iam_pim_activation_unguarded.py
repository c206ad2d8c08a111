"""Ask for MFA and a reason at activation, limit it to hours, and let every grant end."""

from typing import Any

from detectors.authorization.iam_pim_activation_unguarded import (
    ACTIVATION,
    DURATION,
    STANDING,
    demanded,
    ends,
)
from shared.model import (
    Change,
    Edit,
    Evidence,
    Finding,
    Json,
    Kind,
    Parameter,
    Parameters,
    Plan,
    Remediation,
    Resource,
    Reversible,
    Undecided,
    Verb,
)

RULES = "/properties/rules"
HALF_A_YEAR = "P180D"
CAVEATS = (
    "Grants that are permanent now stay so; new ones must end.",
    "Where a scope above enforces other settings, those go on holding.",
)


def plan(finding: Finding, parameters: Parameters) -> Plan:
    """Raises Undecided where a rule to change is not the settings' own."""
    version = finding.detector.lookup("policies", finding.resource.id).type.api_version
    changes = [
        Change(
            verb=Verb.PATCH,
            target=policy.id,
            api_version=version,
            edits=(Edit.of(policy.body, RULES, _cured(policy, wrong, parameters)),),
        )
        for policy in finding.resource.related("policies")
        if (wrong := [one for one in finding.evidence if one.resource == policy.id])
    ]
    return REMEDIATION.propose(finding, changes, *CAVEATS)


def _cured(policy: Resource, wrong: list[Evidence], parameters: Parameters) -> list[Json]:
    """All rules, for PIM takes what is sent as the whole of a rule."""
    rules: list[dict[str, Any]] = [{**rule} for rule in policy.items(RULES)]
    own = {str(rule.get("id")): rule for rule in rules}
    if missing := [one for one in (ACTIVATION, DURATION, STANDING) if one not in own]:
        raise Undecided(f"the settings {policy.id.name} have no rule {missing[0]} of their own")
    for key in (one.path.rsplit("/", 1)[-1] for one in wrong):
        if key == "enabledRules":
            asked = list(own[ACTIVATION].get("enabledRules") or [])
            own[ACTIVATION]["enabledRules"] = [
                *asked,
                *(one for one in demanded(rules) if one not in asked),
            ]
        elif key == "maximumDuration":
            longest = parameters["longest_activation"]
            own[DURATION] |= {"isExpirationRequired": True, "maximumDuration": longest}
        elif not ends(own[STANDING]):
            kept = own[STANDING].get("maximumDuration") or HALF_A_YEAR
            own[STANDING] |= {"isExpirationRequired": True, "maximumDuration": kept}
    return list(rules)


REMEDIATION = Remediation(
    control="iam-pim-activation-unguarded",
    title="Ask for MFA and a reason at activation, for hours, and let every grant end",
    kind=Kind.GUIDED,
    plan=plan,
    disruption="People type a reason and pass MFA when they activate, and do so more often.",
    reversible=Reversible.YES,
    permissions=("Microsoft.Authorization/roleManagementPolicies/write",),
    parameters=(
        Parameter(
            name="longest_activation",
            description="How long an activation may last at most, in whole hours: PT1H to PT8H.",
            schema={"type": "string", "pattern": "^PT[1-8]H$"},
            for_person="PT8H",
        ),
    ),
)
