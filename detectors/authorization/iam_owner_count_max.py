"""More than 3 owners on the subscription.

Why it matters: each of them can hand the subscription on, and is one more account to steal.
Limits: counts users who may sign in, members of groups each for themselves, and applications;
inherited and eligible owners too. Groups of other tenants, Azure Lighthouse and classic
administrators cannot be counted. Where Microsoft Graph cannot be asked, Defender for Cloud tells,
by its own count.
Source: CIS Microsoft Azure Foundations Benchmark 6.0, 5.7; Microsoft Learn, Defender for Cloud, "A
maximum of 3 owners should be designated for subscriptions".
"""

from collections.abc import Iterator

from detectors import SUBSCRIPTION
from detectors.authorization import ASSIGNMENT
from detectors.authorization.owners import LOOKUPS, Owners, counted
from detectors.authorization.principals import defender
from shared.model import (
    Detector,
    Evidence,
    Resource,
    Severity,
    Wake,
)

RECOMMENDATION = "6f90a6d6-d4d6-0794-0ec1-98fa77878c2e"
MOST = 3


def check(subscription: Resource) -> Iterator[Evidence]:
    return counted(subscription, _found)


def _found(owners: Owners) -> Iterator[Evidence]:
    names = sorted({**owners.people, **owners.programs}.values())
    if len(names) > MOST:
        listed = ", ".join([*names[:10], "..."] if len(names) > 10 else names)
        yield Evidence("", f"{len(names)} owners: {listed}", f"at most {MOST} owners")


DETECTOR = Detector(
    id="iam-owner-count-max",
    title="More than 3 owners on the subscription",
    resource_type=SUBSCRIPTION,
    severity=Severity.MEDIUM,
    family="over-broad-access",
    check=check,
    lookups=(*LOOKUPS, defender(RECOMMENDATION)[0]),
    wakes=(Wake(type=ASSIGNMENT, pointer="/properties/scope"),),
)
