"""Subscriptions may leave or enter the tenant freely.

Why it matters: an owner who moves a subscription to another tenant takes its data out of every
policy, log and guard of this one; one that is moved in brings its own owners and history.
Limits: the policy stands once for the whole tenant, outside of all subscriptions, so that it is
looked at only where policy watches `/`; reading it needs rights there. A tenant that never set one
has none to find. Exempted principals may move subscriptions all the same, and are not judged.
Absent means not blocked.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.6; Microsoft Learn, "Manage Azure
subscription policies"; "Subscription Policy - Get Policy For Tenant".
"""

from collections.abc import Iterator

from detectors import seen
from shared.model import Detector, Evidence, Resource, ResourceId, ResourceType, Severity

POLICY = ResourceType("Microsoft.Subscription/policies", api_version="2021-10-01")
BLOCKS = ("/properties/blockSubscriptionsLeavingTenant", "/properties/blockSubscriptionsIntoTenant")


def check(policy: Resource) -> Iterator[Evidence]:
    seen(policy)
    for pointer in BLOCKS:
        if policy.flag(pointer) is not True:
            yield Evidence(pointer, policy.get(pointer), expected=True)


DETECTOR = Detector(
    id="iam-subscription-transfer-open",
    title="Subscriptions may leave or enter the tenant freely",
    resource_type=POLICY,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    singletons=(ResourceId("/providers/Microsoft.Subscription/policies/default"),),
)
