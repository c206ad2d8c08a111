"""Subscription has no custom role for administering resource locks.

Why it matters: without one, whoever must take a lock off is made Owner or User Access
Administrator.
Limits: judged on the subscription, because what is missing has no id. Azure's own role Locks
Contributor does the same, and does not count: the benchmark asks for a custom one. A role that can
assign roles too is no answer, and is not counted.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.5.
"""

from collections.abc import Iterator

from detectors import SUBSCRIPTION, seen
from detectors.authorization import DEFINITION
from detectors.authorization.custom import CUSTOM
from shared.model import Detector, Evidence, Lookup, Resource, Role, Severity, Wake

LOCKS = (
    "Microsoft.Authorization/locks/read",
    "Microsoft.Authorization/locks/write",
    "Microsoft.Authorization/locks/delete",
)


def check(subscription: Resource) -> Iterator[Evidence]:
    roles = [
        Role.of(one)
        for one in subscription.related("roleDefinitions")
        if seen(one).text("/properties/type") == CUSTOM
    ]
    if not any(role.covers(LOCKS) and not role.hands_out_rights for role in roles):
        shown = subscription.get("/subscriptionId")
        yield Evidence(
            "/subscriptionId", shown, "a custom role with Microsoft.Authorization/locks/*"
        )


DETECTOR = Detector(
    id="iam-lock-admin-role",
    title="No custom role for administering resource locks",
    resource_type=SUBSCRIPTION,
    severity=Severity.LOW,
    family="over-broad-access",
    check=check,
    lookups=(
        Lookup(
            name="roleDefinitions",
            type=DEFINITION,
            ids=lambda subscription: [f"{subscription.id}/providers/{DEFINITION.name}"],
            many=True,
        ),
    ),
    wakes=(Wake(DEFINITION, "/properties/assignableScopes/*"),),
)
