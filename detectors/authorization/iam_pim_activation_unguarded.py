"""PIM role settings let privileged roles be activated without MFA/approval or for too long.

Why it matters: who steals a session of somebody eligible activates the role like its owner would,
unless activation asks again; and what may be granted for ever needs no activation at all.
Limits: the settings of Owner, Contributor, User Access Administrator and Role Based Access Control
Administrator on the subscription itself are judged, those of management groups and resource groups
are not. An authentication context counts as multifactor authentication, whatever it demands.
Approval is not demanded. A tenant without the licence for PIM has nothing to activate, and passes.
Source: Microsoft Learn, "Configure Azure resource role settings in Privileged Identity Management";
"Role Management Policies - Get".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from detectors import SUBSCRIPTION
from detectors.authorization import BUILT_IN, DEFINITION, role_id
from detectors.authorization.schedules import licensed
from shared.model import (
    Detector,
    Evidence,
    Json,
    Lookup,
    Resource,
    ResourceId,
    ResourceType,
    Severity,
    Undecided,
)

SETTINGS = ResourceType("Microsoft.Authorization/roleManagementPolicies", "2020-10-01")
ASSIGNED = ResourceType("Microsoft.Authorization/roleManagementPolicyAssignments", "2020-10-01")
RULES = "/properties/effectiveRules"
ACTIVATION, CONTEXT = "Enablement_EndUser_Assignment", "AuthenticationContext_EndUser_Assignment"
DURATION, STANDING = "Expiration_EndUser_Assignment", "Expiration_Admin_Assignment"
LONGEST = timedelta(hours=8)
_ISO = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?", re.IGNORECASE)

PRIVILEGED = tuple(role for role, (_, weight) in BUILT_IN.items() if weight)


def _of_privileged(subscription: Resource) -> Iterator[str]:
    """Role by role: of all roles together the settings are many megabytes."""
    for role in PRIVILEGED:
        definition = f"{subscription.id}/providers/{DEFINITION.name}/{role}"
        settings = f"{subscription.id}/providers/{ASSIGNED.name}"
        yield f"{settings}?$filter=roleDefinitionId eq '{definition}'"


ASSIGNMENTS = Lookup(name="policyAssignments", type=ASSIGNED, ids=_of_privileged, many=True)


def check(subscription: Resource) -> Iterator[Evidence]:
    if not licensed(subscription, ASSIGNMENTS):
        return
    ids = _policies(subscription)
    policies = subscription.related("policies") if ids else ()
    if not ids or len(policies) < len(ids):
        raise Undecided("PIM does not show the settings of all privileged roles it names")
    for policy in policies:
        yield from _wrong(policy)


def _policies(subscription: Resource) -> list[str]:
    """The ids of the privileged roles' settings."""
    return [
        str(one.get("/properties/policyId"))
        for one in subscription.related(ASSIGNMENTS.name)
        if role_id(one) in PRIVILEGED
        and ResourceId(str(one.get("/properties/scope"))) == subscription.id
    ]


def _wrong(policy: Resource) -> Iterator[Evidence]:
    rules = {str(rule.get("id")): (i, rule) for i, rule in enumerate(policy.items(RULES))}
    if missing := [one for one in (ACTIVATION, DURATION, STANDING) if one not in rules]:
        raise Undecided(f"the settings {policy.id.name} show no rule {missing[0]}")

    def found(name: str, key: str, expected: Json) -> Evidence:
        pointer = f"{RULES}/{rules[name][0]}/{key}"
        return Evidence(pointer, policy.get(pointer), expected, resource=policy.id)

    asked = rules[ACTIVATION][1].get("enabledRules") or []
    wanted = demanded(rule for _, rule in rules.values())
    if not set(wanted) <= set(asked):
        yield found(ACTIVATION, "enabledRules", list(wanted))
    if not (ends(rules[DURATION][1]) and _length(rules[DURATION][1]) <= LONGEST):
        yield found(DURATION, "maximumDuration", "at most PT8H")
    if not ends(rules[STANDING][1]):
        yield found(STANDING, "isExpirationRequired", expected=True)


def demanded(rules: Iterable[Mapping[str, Json]]) -> tuple[str, ...]:
    """What activation has to ask for; PIM refuses both an authentication context and MFA."""
    context = any(rule.get("id") == CONTEXT and rule.get("isEnabled") is True for rule in rules)
    return ("Justification",) if context else ("MultiFactorAuthentication", "Justification")


def ends(rule: Mapping[str, Json]) -> bool:
    return rule.get("isExpirationRequired") is True


def _length(rule: Mapping[str, Json]) -> timedelta:
    match = _ISO.fullmatch(str(rule.get("maximumDuration")))
    if match is None or not any(match.groups()):
        raise Undecided(f"{rule.get('maximumDuration')!r} is no duration that can be read")
    days, hours, minutes = (int(part or 0) for part in match.groups())
    return timedelta(days=days, hours=hours, minutes=minutes)


DETECTOR = Detector(
    id="iam-pim-activation-unguarded",
    title=(
        "PIM role settings let privileged roles be activated without MFA/approval or for too long"
    ),
    resource_type=SUBSCRIPTION,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(ASSIGNMENTS, Lookup(name="policies", type=SETTINGS, ids=_policies)),
)
